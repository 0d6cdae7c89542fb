"""What a write to a Pod that exists may change: its spec, its ephemeral containers, the resources of its containers.

Words and rules: `ValidatePodUpdate`, `ValidatePodEphemeralContainersUpdate`, `ValidatePodResize` of Kubernetes. Its status is judged by _pod_status.
"""

from typing import Any

from kk.base.errors import forbidden_value, invalid_value, required
from kk.base.quantity import Quantity
from kk.kinds import _pod_annotations, _podspec_check, _podspec_containers, _podspec_resources, _podspec_scheduling
from kk.kinds._checks import Errors, each

Obj = dict[str, Any]
_MOST = 2**31 - 1
#: what the one message about updates of pods says
_ONLY = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
#: how upstream shows the path of a fault of the whole object
_WHOLE = "[]"


def check_update(pod: Obj, old: Obj) -> Errors:
    """Faults of a changed Pod. What nobody touched was judged when it was made."""
    new_notes, old_notes = (o["metadata"].get("annotations") or {} for o in (pod, old))
    spec, before = pod["spec"], old["spec"]
    if spec == before and new_notes == old_notes:
        return
    yield from _pod_annotations.check("metadata.annotations", new_notes, spec)
    if spec != before:
        yield from _podspec_check.check_spec("spec", spec, pod=True)
    yield from _pod_annotations.check_update("metadata.annotations", new_notes, old_notes, spec)
    if spec != before:
        yield from check_spec_update(spec, before)


def check_spec_update(spec: Obj, old: Obj) -> Errors:
    """Faults of what changed in the PodSpec of a Pod."""
    for field in ("containers", "initContainers"):
        if len(spec.get(field) or ()) != len(old.get(field) or ()):
            yield forbidden_value(f"spec.{field}", "pod updates may not add or remove containers")
            return
        yield from _images(f"spec.{field}", spec.get(field))
    faults = list(_deadline(spec.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")))
    yield from faults
    if faults and spec.get("activeDeadlineSeconds") is not None:
        return
    if any(not _toleration_kept(t, spec.get("tolerations") or ()) for t in old.get("tolerations") or ()):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        yield forbidden_value("spec.tolerations", detail)
    else:
        yield from _podspec_scheduling.check_tolerations("spec.tolerations", spec.get("tolerations"))
    yield from _gates(spec, old)
    gated = bool(old.get("schedulingGates"))
    if gated:
        yield from _node_selector(spec.get("nodeSelector") or {}, old.get("nodeSelector") or {})
        yield from _node_affinity(spec, old)
    settled = _comparable(spec, old, gated)
    if settled != dict(old):
        yield forbidden_value("spec", _ONLY + "\n" + difference(settled, old))


def _images(path: str, listed: list[Obj] | None) -> Errors:
    for where, container in each(path, listed):
        image = container.get("image") or ""
        if not image:
            yield required(f"{where}.image")
        if image != image.strip():
            yield invalid_value(f"{where}.image", image, "must not have leading or trailing whitespace")


def _deadline(new: int | None, was: int | None) -> Errors:
    where = "spec.activeDeadlineSeconds"
    if new is None:
        if was is not None:
            yield invalid_value(where, new, "must not update from a positive integer to nil value")
    elif not 0 <= new <= _MOST:
        yield invalid_value(where, new, f"must be between 0 and {_MOST}, inclusive")
    elif was is not None and was < new:
        yield invalid_value(where, new, "must be less than or equal to previous value")


def _toleration_kept(toleration: Obj, tolerations: Any) -> bool:
    def bare(item: Obj) -> Obj:
        return {key: value for key, value in item.items() if key != "tolerationSeconds"}

    return any(bare(toleration) == bare(other) for other in tolerations)


def _gates(spec: Obj, old: Obj) -> Errors:
    before = {g.get("name") for g in old.get("schedulingGates") or ()}
    for where, gate in each("spec.schedulingGates", spec.get("schedulingGates")):
        if gate.get("name") not in before:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            yield forbidden_value(f"{where}.name", detail)


def _node_selector(new: Obj, old: Obj) -> Errors:
    if any(new.get(key) != value for key, value in old.items()):
        detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        yield invalid_value("spec.nodeSelector", new or None, detail)


def _terms(spec: Obj) -> list[Obj]:
    required_part = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(_REQUIRED) or {}
    found: list[Obj] = required_part.get("nodeSelectorTerms") or []
    return found


def _shown_term(term: Obj) -> Obj:
    parts: Obj = {}
    for name, field in (("MatchExpressions", "matchExpressions"), ("MatchFields", "matchFields")):
        parts[name] = [
            {"Key": r.get("key") or "", "Operator": r.get("operator") or "", "Values": r.get("values")}
            for r in term.get(field) or ()
        ] or None
    return parts


def _node_affinity(spec: Obj, old: Obj) -> Errors:
    """A pod that waits at a gate may be bound to fewer nodes, not to others."""
    before, now = _terms(old), _terms(spec)
    path = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    if before and len(before) != len(now):
        shown = [_shown_term(term) for term in now] or None
        yield invalid_value(path, shown, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        return
    for at, (term, was) in enumerate(zip(now, before, strict=False)):
        if not _narrower(term, was):
            detail = "only additions are allowed (no mutations or deletions)"
            yield invalid_value(f"{path}[{at}]", _shown_term(term), detail)


def _narrower(term: Obj, was: Obj) -> bool:
    fields = ("matchExpressions", "matchFields")
    if not any(was.get(f) for f in fields):
        return not any(
            term.get(f) for f in fields
        )  # an empty term selects nothing: anything added to it would select more
    return all((term.get(f) or [])[: len(was.get(f) or [])] == (was.get(f) or []) for f in fields)


def _comparable(spec: Obj, old: Obj, gated: bool) -> Obj:
    """A copy of a PodSpec in which what may change is as in the old one."""
    made = dict(spec)
    for field in ("containers", "initContainers"):
        if field in made:
            pairs = zip(made[field] or (), old.get(field) or (), strict=True)
            made[field] = [_with_image(new, was) for new, was in pairs]
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates", *(["nodeSelector"] if gated else [])]
    for field in free:
        made.pop(field, None)
        if field in old:
            made[field] = old[field]
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        made["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"]
    if gated:
        _settle_affinity(made, old)
    return made


def _with_image(new: Obj, was: Obj) -> Obj:
    made = {**new, "image": was.get("image")}
    if "image" not in was:
        del made["image"]
    return made


def _settle_affinity(made: Obj, old: Obj) -> None:
    """Node affinity as in the old spec; affinity to pods stays what the new one says."""
    now = {k: v for k, v in (made.get("affinity") or {}).items() if k != "nodeAffinity"}
    was = old.get("affinity")
    if (was or {}).get("nodeAffinity") is not None:
        now["nodeAffinity"] = (was or {})["nodeAffinity"]
    made.pop("affinity", None)
    if now or was is not None:
        made["affinity"] = now


def check_ephemeral(pod: Obj, old: Obj) -> Errors:
    """Faults of a write to ephemeralcontainers: those that are there stay as they are."""
    if _pod_annotations.MIRROR in (old["metadata"].get("annotations") or {}):
        yield forbidden_value(_WHOLE, "static pods do not support ephemeral containers")
        return
    spec, before = pod["spec"], old["spec"]
    seen = {c.get("name") for f in ("containers", "initContainers") for c in spec.get(f) or ()}
    volumes = {v["name"]: v for v in spec.get("volumes") or () if v.get("name")}
    yield from _podspec_containers.check_ephemeral("spec", spec, volumes, seen)
    now = {c.get("name"): c for c in spec.get("ephemeralContainers") or ()}
    for container in before.get("ephemeralContainers") or ():
        name = container.get("name")
        if name not in now:
            detail = f'existing ephemeral containers "{name}" may not be removed\n'
            yield forbidden_value("spec.ephemeralContainers", detail)
        elif now[name] != container:
            detail = f'existing ephemeral containers "{name}" may not be changed\n'
            yield forbidden_value("spec.ephemeralContainers", detail + difference(now[name], container))


def check_resize(pod: Obj, old: Obj) -> Errors:
    """Faults of a write to resize: CPU and memory of containers and sidecars may change, the QoS class may not."""
    spec, before = pod["spec"], old["spec"]
    if _pod_annotations.MIRROR in (old["metadata"].get("annotations") or {}):
        yield forbidden_value(_WHOLE, "static pods cannot be resized")
        return
    if (before.get("os") or {}).get("name") == "windows":
        yield forbidden_value(_WHOLE, "windows pods cannot be resized")
        return
    yield from _podspec_check.check_spec("spec", spec, pod=True)
    was = _podspec_resources.qos_class(before)
    if _podspec_resources.qos_class(spec) != was:
        yield invalid_value("spec", was, "Pod QOS Class may not change as a result of resizing")
    if not _node_resizes(old):
        yield forbidden_value("spec", "Pod running on node without support for resize")
    for field in ("initContainers", "containers"):
        pairs = zip(spec.get(field) or (), before.get(field) or (), strict=False)
        for at, (new, known) in enumerate(pairs):
            if field == "containers" or known.get("restartPolicy") == "Always":
                yield from _not_removed(f"spec.{field}[{at}].resources", new, known)
    yield from _only_cpu_and_memory(spec, before)


def _node_resizes(pod: Obj) -> bool:
    """Whether the node that runs the pod reports resources of containers, as those do that can resize; true where none runs."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is not None
    return True


def _not_removed(path: str, new: Obj, old: Obj) -> Errors:
    for side in ("requests", "limits"):
        known = (old.get("resources") or {}).get(side) or {}
        if set(known) - set((new.get("resources") or {}).get(side) or {}):
            yield forbidden_value(f"{path}.{side}", f"resource {side} cannot be removed")


def _only_cpu_and_memory(spec: Obj, before: Obj) -> Errors:
    for new, old in zip(spec.get("containers") or (), before.get("containers") or (), strict=False):
        if _unsized(new, old) != _unsized(old, old):
            yield forbidden_value("spec", "only cpu and memory resources are mutable")
    for new, old in zip(spec.get("initContainers") or (), before.get("initContainers") or (), strict=False):
        if new.get("restartPolicy") == "Always":
            if _unsized(new, old) != _unsized(old, old):
                yield forbidden_value("spec", "only cpu and memory resources for sidecar containers are mutable")
        elif _measured(new) != _measured(old):
            yield forbidden_value("spec", "resources for non-sidecar init containers are immutable")


def _measured(container: Obj) -> Obj:
    """A container whose amounts compare as amounts, and in which none and no resources are one."""
    resources = dict(container.get("resources") or {})
    for side in ("limits", "requests"):
        resources[side] = {n: Quantity.parse(a).nano for n, a in (resources.get(side) or {}).items()}
    return {**container, "resources": resources}


def _unsized(container: Obj, old: Obj) -> Obj:
    """The same with the CPU and memory of another; a side that the other has not is not looked at."""
    made, known = _measured(container), _measured(old)
    for side in ("limits", "requests"):
        others = {n: a for n, a in made["resources"][side].items() if n not in ("cpu", "memory")}
        before = {n: a for n, a in known["resources"][side].items() if n in ("cpu", "memory")}
        made["resources"][side] = {**others, **before} if known["resources"][side] else {}
    return made


def check_binding(pod: Obj, old: Obj) -> Errors:
    """A binding was checked when it was read."""
    yield from ()


def difference(spec: Obj, old: Obj) -> str:
    """The changed fields, one a line, as a reader can use them."""
    changed = sorted(k for k in {*spec, *old} if spec.get(k) != old.get(k))
    return "\n".join(f"- {k}: {old.get(k)!r}\n+ {k}: {spec.get(k)!r}" for k in changed)
