"""Priority: a pod's class becomes its priority and preemption policy; there is at most one default class."""

from kk.server.admission._shared import Obj, refuse
from kk.server.context import Attributes, Plugin

_GROUP, _PLURAL = "scheduling.k8s.io", "priorityclasses"
_POLICY = "PreemptLowerPriority"


def mutate(a: Attributes) -> None:
    """Compute spec.priority. Raises StatusError 403 for an unknown class or a value that contradicts it."""
    pod = a.obj
    assert pod is not None
    spec = pod["spec"]
    if a.operation == "UPDATE":
        _keep(spec, (a.old or {}).get("spec") or {})
        return
    name, priority, policy = _of(a, spec.get("priorityClassName", ""))
    given = spec.get("priority")
    if given is not None and given != priority:
        raise refuse(
            a,
            f"the integer value of priority ({given}) must not be provided in pod spec; "
            f"priority admission controller computed {priority} from the given PriorityClass name",
        )
    wanted = spec.get("preemptionPolicy")
    if wanted is not None and wanted != policy:
        raise refuse(
            a,
            f"the string value of PreemptionPolicy ({wanted}) must not be provided in pod spec; "
            f"priority admission controller computed {policy} from the given PriorityClass name",
        )
    spec["priority"] = priority
    spec["preemptionPolicy"] = policy
    if name:
        spec["priorityClassName"] = name


def validate(a: Attributes) -> None:
    """Refuse a second default class."""
    if a.resource.plural != _PLURAL or not (a.obj or {}).get("globalDefault"):
        return
    held = _default(a)
    if held is not None and held["metadata"]["name"] != (a.obj or {})["metadata"]["name"]:
        raise refuse(
            a,
            f"PriorityClass {held['metadata']['name']} is already marked as default. Only one default can exist",
        )


def _keep(spec: Obj, old: Obj) -> None:
    """An update that leaves the computed fields out keeps them."""
    for key in ("priority", "preemptionPolicy"):
        if spec.get(key) is None and old.get(key) is not None:
            spec[key] = old[key]


def _of(a: Attributes, name: str) -> tuple[str, int, str]:
    """(class name, priority, preemption policy) for a class name, or for none."""
    found = a.server.cache.get(_GROUP, _PLURAL, "", name) if name else _default(a)
    if found is None:
        if name:
            raise refuse(a, f"no PriorityClass with name {name} was found")
        return "", 0, _POLICY
    return found["metadata"]["name"], int(found.get("value", 0)), found.get("preemptionPolicy") or _POLICY


def _default(a: Attributes) -> Obj | None:
    """Of the classes marked as default the one with the lowest value; remembered until classes change."""
    cache, state = a.server.cache, a.server.state
    version = cache.version(_GROUP, _PLURAL)
    held = state.get(__name__)
    if held is None or held[0] != version:
        marked = [c for c in cache.list(_GROUP, _PLURAL) if c.get("globalDefault")]
        held = state[__name__] = (version, min(marked, key=lambda c: c.get("value", 0), default=None))
    found: Obj | None = held[1]
    return found


PLUGIN = Plugin(
    "Priority",
    70,
    mutate=lambda a: mutate(a) if a.resource.plural == "pods" else None,
    validate=validate,
    operations=("CREATE", "UPDATE"),
    resources=("pods", "priorityclasses.scheduling.k8s.io"),
)
