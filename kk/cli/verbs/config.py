"""`kk config`: a group for kubeconfig files; its verbs are in kk.cli.verbs.config_."""

from __future__ import annotations

from ..command import Command

COMMAND = Command(
    "config",
    "Read and change kubeconfig files",
    section="Other Commands",
    usage="SUBCOMMAND",
    text="Read and change kubeconfig files: --kubeconfig names one, else $KUBECONFIG lists some, else it is ~/.kube/config. A value is "
    "changed in the file that has it, and made in the first that exists.",
    package="kk.cli.verbs.config_",
)
