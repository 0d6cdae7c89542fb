"""TaintNodesByCondition: a new node takes no pods until the node controller has seen it ready."""

from kk.server.context import Attributes, Plugin

_KEY = "node.kubernetes.io/not-ready"


def mutate(a: Attributes) -> None:
    """Add the not-ready taint."""
    node = a.obj
    assert node is not None
    spec = node.get("spec") or {}
    node["spec"] = spec
    taints = spec.get("taints") or []
    if not any(t.get("key") == _KEY and t.get("effect") == "NoSchedule" for t in taints):
        spec["taints"] = [*taints, {"key": _KEY, "effect": "NoSchedule"}]


PLUGIN = Plugin("TaintNodesByCondition", 50, mutate=mutate, operations=("CREATE",), resources=("nodes",))
