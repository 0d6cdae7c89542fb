"""stats/summary: what the node and its pods use, by psutil. At level host a pod's numbers are sums over its processes, so they are approximate."""

import time
from typing import Any

from kk.agent.pods.times import stamp
from kk.agent.runtime.api import Container, Runtime

Obj = dict[str, Any]


def summary(node_name: str, pods: list[Obj], runtime: Runtime) -> Obj:
    """The Summary of the kubelet's stats API."""
    import psutil

    now = stamp(time.time())
    memory, cpu = psutil.virtual_memory(), psutil.cpu_times()
    used = sum(getattr(cpu, name, 0.0) for name in ("user", "system", "nice", "irq", "softirq", "steal"))
    node = {
        "nodeName": node_name,
        "startTime": stamp(psutil.boot_time()),
        "cpu": {"time": now, "usageCoreNanoSeconds": int(used * 1e9)},
        "memory": {
            "time": now,
            "availableBytes": memory.available,
            "usageBytes": memory.used,
            "workingSetBytes": memory.total - memory.available,
        },
    }
    return {"node": node, "pods": [_pod(pod, runtime, now) for pod in pods]}


def _pod(pod: Obj, runtime: Runtime, now: str) -> Obj:
    meta = pod["metadata"]
    running = [c for c in runtime.containers(meta["uid"]) if c.state == "running"]
    containers = [_container(c, now) for c in running]
    return {
        "podRef": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        "startTime": (pod.get("status") or {}).get("startTime"),
        "containers": containers,
        "cpu": {"time": now, "usageCoreNanoSeconds": sum(c["cpu"]["usageCoreNanoSeconds"] for c in containers)},
        "memory": {"time": now, "workingSetBytes": sum(c["memory"]["workingSetBytes"] for c in containers)},
    }


def _container(container: Container, now: str) -> Obj:
    import psutil

    seconds, resident = 0.0, 0
    try:
        root = psutil.Process(container.pid)
        for process in (root, *root.children(recursive=True)):
            try:
                times = process.cpu_times()
                seconds += times.user + times.system
                resident += process.memory_info().rss
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return {
        "name": container.config.name,
        "startTime": stamp(container.started_at),
        "cpu": {"time": now, "usageCoreNanoSeconds": int(seconds * 1e9)},
        "memory": {"time": now, "workingSetBytes": resident, "rssBytes": resident},
    }
