"""Rows of a whole cluster: start to Ready, first pod, idle CPU and memory."""

import json
import statistics
import time

from tests.bench import cluster

IDLE_SECONDS = 30


def ROWS() -> list[list[str]]:
    """One cluster, started twice: the second time its state is on disk."""
    with cluster.whole() as one:
        one.kk("up", "--port", one.port)
        one.kk("down")
        begun = time.perf_counter()
        one.kk("up")
        up = time.perf_counter() - begun
        one.kk("create", "deployment", "web", "--image=pause")
        one.kk("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
        first = time.perf_counter() - begun
        starts = _pod_starts(one)
        one.kk("delete", "pods", "--all", "--wait=false")
        time.sleep(5)  # let it settle: what is measured next is doing nothing
        before = one.cpu()
        time.sleep(IDLE_SECONDS)
        idle = (one.cpu() - before) / IDLE_SECONDS * 100
        memory = one.pss()
    return [
        ["kk up to node Ready, state on disk", f"{up:.2f} s", "", "", "≤ 1.5 s", ""],
        ["kk up to first pod Running", f"{first:.2f} s", "", "", "≤ 2 s", ""],
        [
            "pod start, process level, p50",
            f"{starts:.0f} ms",
            "",
            "",
            "≤ 60 ms",
            "create with nodeName answered → Running seen by a watch",
        ],
        ["idle CPU, one node, one pod", f"{idle:.2f} %", "", "", "≤ 0.3 %", f"of one core over {IDLE_SECONDS} s"],
        ["idle memory (PSS), daemons", f"{memory:.0f} MiB", "", "", "≤ 120 MB", ""],
    ]


def _pod_starts(one: cluster.Whole) -> float:
    """Median time from the answer to a create that names its node until a watch shows the pod Running, in ms: the agent's part alone."""
    api = cluster.Client(one)
    node = api.ask("GET", "/api/v1/nodes")["items"][0]["metadata"]["name"]
    took = []
    with api.stream("/api/v1/namespaces/default/pods?watch=true") as events:
        for n in range(15):
            spec = {"nodeName": node, "containers": [{"name": "c", "image": "pause"}]}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"start-{n}"}, "spec": spec}
            api.ask("POST", "/api/v1/namespaces/default/pods", pod)
            begun = time.perf_counter()
            for line in events:
                found = json.loads(line)["object"]
                if found["metadata"]["name"] == f"start-{n}" and found.get("status", {}).get("phase") == "Running":
                    break
            took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)
