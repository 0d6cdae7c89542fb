"""Clusters on this machine: where their state lies, who keeps their daemons running, how `kk up` waits.

The verbs (up, down, status, reset, kubeconfig, api, control, agent) are thin; what they share is here.
"""

import sys
from pathlib import Path


def supervisor_command(folder: Path) -> list[str]:
    """The supervisor's command line: isolated and without site-packages, for its memory (see supervisor.py)."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")), str(folder)]
