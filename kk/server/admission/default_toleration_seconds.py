"""DefaultTolerationSeconds: pods stay five minutes on a node that is not ready or unreachable, unless they say otherwise."""

from kk.server.admission._shared import Obj
from kk.server.context import Attributes, Plugin

_SECONDS = 300
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def mutate(a: Attributes) -> None:
    """Add the tolerations that are missing."""
    pod = a.obj
    assert pod is not None
    tolerations = pod["spec"].get("tolerations") or []
    missing = [t for t in _TAINTS if not any(_covers(held, t) for held in tolerations)]
    if missing:
        added = [
            {"key": t, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _SECONDS} for t in missing
        ]
        pod["spec"]["tolerations"] = [*tolerations, *added]


def _covers(toleration: Obj, taint: str) -> bool:
    return toleration.get("key") in (None, "", taint) and toleration.get("effect") in (None, "", "NoExecute")


PLUGIN = Plugin("DefaultTolerationSeconds", 80, mutate=mutate, operations=("CREATE", "UPDATE"), resources=("pods",))
