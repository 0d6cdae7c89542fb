"""The entry to the validation of PodSpec and PodTemplateSpec. What an update of a Pod may change is in _pod_change.

Words and rules: `ValidatePodSpec`, `ValidatePodTemplateSpec` of Kubernetes. Defaults are filled before (see _podspec).
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
    _pod_annotations,
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
    yield from _pod_annotations.check(f"{path}.annotations", meta.get("annotations"), spec)
    yield from check_spec(f"{path}.spec", spec)
    yield from _pod_annotations.check_matching(f"{path}.spec", meta.get("annotations"), spec)
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
