"""RuntimeClass: which runtime runs a pod, what it costs, and on which nodes. The server's RuntimeClass plugin and the agent read it."""

from kk.base import names
from kk.kinds._checks import Errors, Obj, bad, each, immutable, quantity_not_negative
from kk.kinds._resourcenames import container_resource
from kk.kinds._tolerations import check_toleration
from kk.kinds.kind import AGE, Column, Kind
from kk.kinds.meta import check_labels


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The handler never changes."""
    handler = obj.get("handler") or ""
    yield from bad("handler", handler, names.dns_label(handler))
    for name, value in ((obj.get("overhead") or {}).get("podFixed") or {}).items():
        path = f"overhead.podFixed[{name}]"
        yield from container_resource(path, name)
        yield from quantity_not_negative(path, value)
    scheduling = obj.get("scheduling") or {}
    yield from check_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector")
    for path, toleration in each("scheduling.tolerations", scheduling.get("tolerations")):
        yield from check_toleration(path, toleration)
    if old is not None:
        yield from immutable("handler", handler, old.get("handler"))


KIND = Kind(
    "node.k8s.io/v1",
    "RuntimeClass",
    validate=validate,
    columns=(Column("Handler", ".handler", describes="-"), AGE),
    generation=False,
    unconditional_update=False,
)
