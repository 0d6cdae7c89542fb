"""PriorityClass: a name for how important pods are. The server's Priority plugin and kk.scheduler read it."""

from kk.base.errors import forbidden_value, required
from kk.kinds._checks import Errors, Obj, fill, immutable, one_of
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

_HIGHEST = 1_000_000_000
_SYSTEM = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}


def default(obj: Obj) -> None:
    """Pods of a class push out lower ones unless it says otherwise."""
    fill(obj, "value", 0)
    fill(obj, "preemptionPolicy", "PreemptLowerPriority")


def prepare_create(obj: Obj) -> None:
    """Upstream counts generations of this kind only once."""
    obj["metadata"]["generation"] = 1


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Reserved names and values; neither value nor policy ever changes."""
    value = obj.get("value") or 0
    if old is not None:
        if value != (old.get("value") or 0):
            yield forbidden_value("value", "may not be changed in an update.")
        yield from immutable("preemptionPolicy", obj.get("preemptionPolicy"), old.get("preemptionPolicy"))
        return
    name = obj["metadata"].get("name") or ""
    if name.startswith("system-"):
        why = _unknown(name, value, bool(obj.get("globalDefault")))
        if why:
            yield forbidden_value(
                "metadata.name",
                f"priority class names with 'system-' prefix are reserved for system use only. error: {why}",
            )
    elif value > _HIGHEST:
        yield forbidden_value("value", f"maximum allowed value of a user defined priority is {_HIGHEST}")
    if not obj.get("preemptionPolicy"):
        yield required("preemptionPolicy")
    else:
        yield from one_of("preemptionPolicy", obj["preemptionPolicy"], ("PreemptLowerPriority", "Never"))


def _unknown(name: str, value: int, default_for_all: bool) -> str:
    if name not in _SYSTEM:
        return f"{name} is not a known system priority class"
    if value != _SYSTEM[name]:
        return f"value of {name} PriorityClass must be {_SYSTEM[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if default_for_all else ""


KIND = Kind(
    "scheduling.k8s.io/v1",
    "PriorityClass",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    columns=(
        Column("Value", ".value", "integer"),
        Column("Global-Default", ".globalDefault", "boolean"),
        AGE,
        Column("PreemptionPolicy", ".preemptionPolicy"),
    ),
    generation=False,
    describe=later("_describe_policy", "priority_class"),
)
