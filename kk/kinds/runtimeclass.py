"""RuntimeClass: which runtime runs a pod, what it costs, and on which nodes. The server's RuntimeClass plugin and the agent read it."""

from collections.abc import Iterator

from kk.base import names
from kk.base.errors import duplicate
from kk.kinds._checks import Errors, Obj, bad, each, go_value, immutable
from kk.kinds._podspec_resources import check_container
from kk.kinds._podspec_warnings import label_warning
from kk.kinds._tolerations import check_toleration
from kk.kinds.kind import AGE, Column, Kind
from kk.kinds.meta import check_labels


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The handler never changes."""
    handler = obj.get("handler") or ""
    yield from bad("handler", handler, names.dns_label(handler))
    # upstream judges the overhead as the limits of a container, and says so
    yield from check_container("overhead", {"limits": (obj.get("overhead") or {}).get("podFixed")}, set())
    scheduling = obj.get("scheduling") or {}
    yield from check_labels(scheduling.get("nodeSelector"), "scheduling.nodeSelector")
    known: list[Obj] = []
    for path, toleration in each("scheduling.tolerations", scheduling.get("tolerations")):
        yield from check_toleration(path, toleration)
        if toleration in known:
            yield duplicate(path, go_value(toleration, "Key", "Operator", "Value", "Effect", "TolerationSeconds"))
        known.append(toleration)
    if old is not None:
        yield from immutable("handler", handler, old.get("handler"))


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """Labels of nodes that are no longer used; the path leaves the label out, as upstream's does."""
    for key in (obj.get("scheduling") or {}).get("nodeSelector") or {}:
        if text := label_warning(key):
            yield f"scheduling.nodeSelector: {text}"


KIND = Kind(
    "node.k8s.io/v1",
    "RuntimeClass",
    validate=validate,
    warnings=warnings,
    columns=(Column("Handler", ".handler", describes="-"), AGE),
    generation=False,
    unconditional_update=False,
)
