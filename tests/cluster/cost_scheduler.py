"""A second scheduler in thirty lines: pods with `schedulerName: mine` go to the Ready node whose annotation `cost` is lowest.

It talks to the API like anybody else: one watch, one list of nodes a pod, one Binding. `python cost_scheduler.py KUBECONFIG`.
"""

import sys

from kk.base.errors import StatusError
from kk.client.http import Client
from kk.client.kubeconfig import load


def cheapest(nodes):
    """The name of the cheapest node that says what it costs."""
    priced = {n["metadata"]["name"]: n["metadata"].get("annotations", {}).get("cost") for n in nodes}
    return min((float(cost), name) for name, cost in priced.items() if cost is not None)[1]


def main():
    client = Client(load(sys.argv[1]).resolve())
    pods = client.resource("v1", "pods")
    waiting = {"fieldSelector": "spec.schedulerName=mine,spec.nodeName="}
    first = pods.list(**waiting)
    for pod in first["items"]:
        bind(client, pod)
    for change, pod in pods.watch(first["metadata"]["resourceVersion"], **waiting):
        if change == "ADDED":
            bind(client, pod)


def bind(client, pod):
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    node = cheapest(client.resource("v1", "nodes").list()["items"])
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "namespace": namespace},
        "target": target,
    }
    try:
        client.resource("v1", "pods", namespace).create(binding, "binding")
        print(f"{namespace}/{name} goes to {node}", flush=True)
    except StatusError as error:
        print(error.message, file=sys.stderr)


if __name__ == "__main__":
    main()
