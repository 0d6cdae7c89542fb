"""A pod that names another scheduler waits for it; a small script that knows only the API binds it by what nodes cost."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.lab import Lab

pytestmark = pytest.mark.cluster
SCRIPT = Path(__file__).with_name("cost_scheduler.py")
POD = '{"apiVersion":"v1","spec":{"schedulerName":"mine"}}'


def test_a_script_schedules_by_cost(tmp_path):
    lab = Lab(tmp_path, up=("--nodes", "2"))
    try:
        lab.run("annotate", "node", "node1", "cost=3")
        lab.run("annotate", "node", "node2", "cost=1.5")
        lab.run("run", "early", "--image=pause", "--overrides", POD)
        lab.run("run", "ordinary", "--image=pause")
        lab.wait("pod/ordinary", "--for=condition=Ready")
        assert "nodeName" not in lab.get("pod", "early")["spec"]
        script = subprocess.Popen(
            [sys.executable, str(SCRIPT), lab.env["KUBECONFIG"]], stdout=subprocess.PIPE, text=True
        )
        try:
            assert script.stdout.readline() == "default/early goes to node2\n"
            lab.run("annotate", "node", "node1", "cost=1", "--overwrite")
            lab.run("run", "late", "--image=pause", "--overrides", POD)
            assert script.stdout.readline() == "default/late goes to node1\n"
        finally:
            script.terminate()
            script.wait(10)
            script.stdout.close()
        lab.wait("pod/early", "pod/late", "--for=condition=Ready")
        assert [lab.get("pod", p)["spec"]["nodeName"] for p in ("early", "late")] == ["node2", "node1"]
    finally:
        lab.close()
