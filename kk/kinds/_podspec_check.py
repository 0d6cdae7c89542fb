"""The entry to the validation of PodSpec and PodTemplateSpec, and what an update of a Pod may change.

Words and rules: `ValidatePodSpec`, `ValidatePodTemplateSpec`, `ValidatePodUpdate` of Kubernetes. Defaults are filled before (see _podspec).
"""

from typing import Any

from kk.base import names
from kk.base.errors import (
    FieldError,
    forbidden_value,
    invalid_value,
    not_supported,
    required,
)
from kk.kinds import (
    _podspec_containers,
    _podspec_resources,
    _podspec_scheduling,
    _podspec_security,
    _podspec_volumes,
)
from kk.kinds._checks import Errors, bad, each
from kk.kinds._labelselector import check_labels
from kk.kinds.meta import check_annotations

Obj = dict[str, Any]
MOST = 2**31 - 1
_RESTART = ("Always", "OnFailure", "Never")
#: what the one message about updates of pods says
_ONLY = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def check_spec(path: str, spec: Obj, pod: bool = False) -> Errors:
    """All faults of a PodSpec, of a pod or of a template."""
    yield from _podspec_volumes.check_volumes(f"{path}.volumes", spec.get("volumes"))
    volumes = {v["name"]: v for v in spec.get("volumes") or () if v.get("name")}
    yield from _claims(f"{path}.resourceClaims", spec.get("resourceClaims"))
    yield from _podspec_containers.check_containers(path, spec, volumes, pod)
    yield from _podspec_resources.check_pod(path, spec)
    restart = spec.get("restartPolicy") or ""
    if restart not in _RESTART:
        yield (
            not_supported(f"{path}.restartPolicy", restart, _RESTART) if restart else required(f"{path}.restartPolicy")
        )
    yield from _podspec_scheduling.check_dns(path, spec)
    yield from _podspec_scheduling.check_node(path, spec)
    yield from _podspec_security.check_pod(path, spec)
    yield from _podspec_scheduling.check_affinity(f"{path}.affinity", spec.get("affinity"))
    yield from _podspec_scheduling.check_gates(path, spec)
    yield from _podspec_scheduling.check_spread(
        f"{path}.topologySpreadConstraints", spec.get("topologySpreadConstraints")
    )
    yield from _podspec_scheduling.check_tolerations(f"{path}.tolerations", spec.get("tolerations"))
    yield from _podspec_scheduling.check_hosts(path, spec)
    yield from _names(path, spec)
    yield from _times(path, spec)
    yield from _podspec_security.check_os(path, spec)


def _names(path: str, spec: Obj) -> Errors:
    for field in ("serviceAccountName", "priorityClassName", "runtimeClassName"):
        if spec.get(field):
            yield from bad(f"{path}.{field}", spec[field], names.dns_subdomain(spec[field]))
    policy = spec.get("preemptionPolicy")
    if policy is not None and policy not in ("PreemptLowerPriority", "Never"):
        yield not_supported(f"{path}.preemptionPolicy", policy, ("PreemptLowerPriority", "Never"))
    for name, amount in (spec.get("overhead") or {}).items():
        yield from _podspec_resources.check_amount(f"{path}.overhead[{name}]", name, amount)


def _times(path: str, spec: Obj) -> Errors:
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield invalid_value(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= MOST:
        yield invalid_value(f"{path}.activeDeadlineSeconds", deadline, f"must be between 1 and {MOST}, inclusive")


def _claims(path: str, claims: list[Obj] | None) -> Errors:
    seen: set[str] = set()
    for where, claim in each(path, claims):
        name = claim.get("name") or ""
        if not name:
            yield required(f"{where}.name")
        elif name in seen:
            yield FieldError("FieldValueDuplicate", f"{where}.name", name)
        else:
            seen.add(name)
            yield from bad(f"{where}.name", name, names.dns_label(name))
        own, template = claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName")
        if own is not None and template is not None:
            detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            yield invalid_value(where, claim, detail)
        if own is None and template is None:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            yield invalid_value(where, claim, detail)
        for field, value in (("resourceClaimName", own), ("resourceClaimTemplateName", template)):
            if value is not None:
                yield from bad(f"{where}.{field}", value, names.dns_subdomain(value))


def check_template(path: str, template: Obj) -> Errors:
    """All faults of a PodTemplateSpec."""
    meta = template.get("metadata") or {}
    yield from check_labels(meta.get("labels"), f"{path}.labels")
    yield from check_annotations(meta.get("annotations"), f"{path}.annotations")
    spec = template.get("spec") or {}
    yield from check_spec(f"{path}.spec", spec)
    if spec.get("ephemeralContainers"):
        detail = "ephemeral containers not allowed in pod template"
        yield forbidden_value(f"{path}.spec.ephemeralContainers", detail)


def check_selected_template(path: str, template: Obj, matches: bool, owner: str) -> Errors:
    """The template of something whose pods run for ever; `matches` says whether the owner's selector selects its labels."""
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    if not matches:
        detail = "`selector` does not match template `labels`"
        labels = meta.get("labels")
        yield invalid_value(f"{path}.metadata.labels", dict(sorted(labels.items())) if labels else None, detail)
    yield from check_template(path, template)
    restart = spec.get("restartPolicy")
    if restart != "Always":
        yield not_supported(f"{path}.spec.restartPolicy", restart, ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {owner} is not Supported"
        yield forbidden_value(f"{path}.spec.activeDeadlineSeconds", detail)


def _comparable(spec: Obj, old: Obj, gated: bool) -> Obj:
    """A copy of a PodSpec in which what may change is as in the old one."""
    made = dict(spec)
    for field in ("containers", "initContainers"):
        before = old.get(field) or []
        after = made.get(field) or []
        if field in made and len(before) == len(after):
            made[field] = [{**new, "image": was.get("image")} for new, was in zip(after, before, strict=True)]
    for field in ("activeDeadlineSeconds", "tolerations"):
        made.pop(field, None)
        if field in old:
            made[field] = old[field]
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        made["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"]
    for field in ("schedulingGates", *(("nodeSelector", "affinity") if gated else ())):
        made.pop(field, None)
        if field in old:
            made[field] = old[field]
    return made


def check_pod_update(spec: Obj, old: Obj) -> Errors:
    """Faults of a changed PodSpec of a Pod."""
    yield from _deadline(spec, old)
    yield from _gates(spec, old)
    kept = [t for t in old.get("tolerations") or () if not _toleration_kept(t, spec.get("tolerations") or ())]
    if kept:
        yield forbidden_value(
            "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"
        )
    for field in ("containers", "initContainers"):
        for where, container in each(f"spec.{field}", spec.get(field)):
            if not container.get("image"):
                yield required(f"{where}.image")
    gated = bool(old.get("schedulingGates"))
    if _comparable(spec, old, gated) != dict(old):
        yield forbidden_value("spec", _ONLY + "\n" + difference(spec, old))


def _toleration_kept(toleration: Obj, tolerations: Any) -> bool:
    def bare(item: Obj) -> Obj:
        return {key: value for key, value in item.items() if key != "tolerationSeconds"}

    return any(bare(toleration) == bare(other) for other in tolerations)


def check_ephemeral(pod: Obj, old: Obj) -> Errors:
    """Faults of a write to ephemeralcontainers: those that are there stay as they are."""
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
    """Faults of a write to resize: CPU and memory of containers may change, the QoS class may not."""
    spec, before = pod["spec"], old["spec"]
    now, was = _podspec_resources.qos_class(spec), _podspec_resources.qos_class(before)
    if now != was:
        yield invalid_value("spec", was, "Pod QOS Class may not change as a result of resizing")
    claims = {c.get("name") for c in spec.get("resourceClaims") or ()}
    for field in ("containers", "initContainers"):
        for where, container in each(f"spec.{field}", spec.get(field)):
            resources = container.get("resources") or {}
            yield from _podspec_resources.check_container(f"{where}.resources", resources, claims)


def check_binding(pod: Obj, old: Obj) -> Errors:
    """A binding was checked when it was read."""
    yield from ()


def _deadline(spec: Obj, old: Obj) -> Errors:
    new, was = spec.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    where = "spec.activeDeadlineSeconds"
    if new is not None:
        if was is not None and was < new:
            yield invalid_value(where, new, "must be less than or equal to previous value")
    elif was is not None:
        yield invalid_value(where, new, "must not update from a positive integer to nil value")


def _gates(spec: Obj, old: Obj) -> Errors:
    before = {g.get("name") for g in old.get("schedulingGates") or ()}
    for where, gate in each("spec.schedulingGates", spec.get("schedulingGates")):
        if gate.get("name") not in before:
            yield forbidden_value(
                where, "only deletion is allowed, but found new scheduling gate '" + str(gate.get("name")) + "'"
            )


def difference(spec: Obj, old: Obj) -> str:
    """The changed fields, one a line, as a reader can use them."""
    changed = sorted(k for k in {*spec, *old} if spec.get(k) != old.get(k))
    return "\n".join(f"- {k}: {old.get(k)!r}\n+ {k}: {spec.get(k)!r}" for k in changed)
