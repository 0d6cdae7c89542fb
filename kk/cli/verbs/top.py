"""`kk top`: a group; nodes and pods are in kk.cli.verbs.top_."""

from __future__ import annotations

from ..command import Command

COMMAND = Command(
    "top",
    "Show use of CPU and memory",
    section="Cluster Management Commands",
    usage="(node | pod)",
    text="Show what nodes or pods use. The cluster must serve the metrics API (metrics.k8s.io).",
    package="kk.cli.verbs.top_",
)
