"""The command line's rows: wall time beside the real kubectl against the same server, the median of 20 runs each, taken in turns."""

import os
import statistics
import subprocess
import time

from tests import kubectl
from tests.bench import cluster
from tests.cluster.lab import KK

RUNS = 20
LINES = (
    ("get pods", ["get", "pods", "-A"]),
    (
        "get configmap -o yaml",
        ["get", "configmap", "kube-root-ca.crt", "-n", "default", "-o", "yaml", "--ignore-not-found"],
    ),
    ("--help", ["--help"]),
    ("version --client", ["version", "--client"]),
)


def ROWS() -> list[list[str]]:
    """Each line by both programs in turn, so that a noisy machine is noisy for both."""
    real = kubectl.path()
    if not real:
        return [["kk against kubectl", "", "", "", "≤ 1.0", "no kubectl: set $KUBECTL"]]
    rows = []
    with cluster.api() as one:
        env = {**os.environ, "KUBECONFIG": one.config, "HOME": str(one.folder)}
        for name, words in LINES:
            mine, theirs = [], []
            for n in range(RUNS + 2):
                for program, times in ((KK, mine), (real, theirs)):
                    took = _timed([program, *words], env)
                    if n >= 2:  # the first two fill caches
                        times.append(took)
            a, b = statistics.median(mine), statistics.median(theirs)
            rows.append([f"kk {name}", f"{a * 1000:.0f} ms", f"{b * 1000:.0f} ms", f"{a / b:.2f}", "≤ 1.0", ""])
    return rows


def _timed(argv: list[str], env: dict[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(argv, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return time.perf_counter() - begun
