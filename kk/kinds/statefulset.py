"""StatefulSet: pods with names and volumes of their own, in order. Its controller is kk.control.statefulset; nothing here does I/O."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, not_supported, required
from kk.kinds import _workload
from kk.kinds._checks import Errors, each, fill, section
from kk.kinds._later import later
from kk.kinds._podspec_warnings import name_warning, template_warnings
from kk.kinds._workload import default_workload, number, template_columns, zeros
from kk.kinds.kind import AGE, Column, Kind, Scale
from kk.kinds.meta import is_dns_label
from kk.kinds.persistentvolumeclaim import claim_warnings

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """One replica, in order, rolling update from partition 0, claims kept."""
    spec = default_workload(obj)
    fill(spec, "serviceName", "")
    fill(spec, "podManagementPolicy", "OrderedReady")
    strategy = section(spec, "updateStrategy")
    fill(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        fill(rolling, "partition", 0)
    retention = section(spec, "persistentVolumeClaimRetentionPolicy")
    fill(retention, "whenDeleted", "Retain")
    fill(retention, "whenScaled", "Retain")
    fill(spec, "replicas", 1)
    fill(spec, "revisionHistoryLimit", 10)
    for claim in spec.get("volumeClaimTemplates") or ():
        _default_claim(claim)
    zeros(obj, "replicas", "availableReplicas")


def _default_claim(claim: Obj) -> None:
    fill(claim, "kind", "PersistentVolumeClaim")
    fill(claim, "apiVersion", "v1")
    fill(claim, "metadata", {})
    spec = section(claim, "spec")
    fill(spec, "resources", {})
    fill(spec, "volumeMode", "Filesystem")
    fill(section(claim, "status"), "phase", "Pending")


def prepare_create(obj: Obj) -> None:
    """Status belongs to the controller."""
    _drop(obj)
    obj["status"] = {"replicas": 0, "availableReplicas": 0}


def prepare_update(obj: Obj, old: Obj) -> None:
    """What is behind a gate that is off is dropped."""
    _drop(obj)


def _drop(obj: Obj) -> None:
    (obj["spec"]["updateStrategy"].get("rollingUpdate") or {}).pop("maxUnavailable", None)


_MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_ONLY = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Order, strategy, selector, template and claims; most of the spec stays."""
    spec = obj["spec"]
    policy = spec.get("podManagementPolicy") or ""
    if not policy:
        yield required("spec.podManagementPolicy")
    elif policy not in ("OrderedReady", "Parallel"):
        yield invalid_value("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    yield from _strategy("spec.updateStrategy", spec["updateStrategy"])
    yield from _retention("spec.persistentVolumeClaimRetentionPolicy", spec["persistentVolumeClaimRetentionPolicy"])
    yield from _workload.counts(spec, "replicas", "minReadySeconds")
    yield from _workload.counts(spec.get("ordinals") or {}, "start", path="spec.ordinals")
    if spec.get("serviceName") and old is None:
        for message in names.dns_label(spec["serviceName"]):
            yield invalid_value("spec.serviceName", spec["serviceName"], message)
    yield from _workload.check_spec_selector(spec, "statefulset")
    yield from _workload.check_selected(_with_claims(spec), "StatefulSet", malformed="")
    if old is not None:
        before = {key: value for key, value in old["spec"].items() if key not in _MAY_CHANGE}
        if {key: value for key, value in spec.items() if key not in _MAY_CHANGE} != before:
            yield forbidden_value("spec", _ONLY)


def _with_claims(spec: Obj) -> Obj:
    """The spec with its claims as volumes of the template, as the pods will have them."""
    template = spec["template"]
    claims = [(c.get("metadata") or {}).get("name") for c in spec.get("volumeClaimTemplates") or ()]
    pod = dict(template["spec"])
    own = [v for v in pod.get("volumes") or () if v.get("name") not in claims]
    pod["volumes"] = own + [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims if name]
    return {**spec, "template": {**template, "spec": pod}}


def _strategy(path: str, strategy: Obj) -> Errors:
    kind, rolling = strategy.get("type") or "", strategy.get("rollingUpdate")
    if kind == "OnDelete":
        if rolling is not None:
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            shown = {"Partition": rolling.get("partition"), "MaxUnavailable": rolling.get("maxUnavailable")}
            yield invalid_value(f"{path}.rollingUpdate", shown, detail)
    elif kind == "RollingUpdate":
        where = f"{path}.rollingUpdate"
        yield from _workload.counts(rolling or {}, "partition", path=where)
        unavailable = (rolling or {}).get("maxUnavailable")
        if unavailable is not None:
            yield from _workload.int_or_percent(f"{where}.maxUnavailable", unavailable)
            if not _workload.amount(unavailable):
                yield invalid_value(f"{where}.maxUnavailable", unavailable, "cannot be 0")
            yield from _workload.at_most_all(f"{where}.maxUnavailable", unavailable)
    elif not kind:
        yield required(path)
    else:
        yield invalid_value(path, {"Type": kind, "RollingUpdate": rolling}, "must be 'RollingUpdate' or 'OnDelete'")


def _retention(path: str, policy: Obj) -> Errors:
    for field in ("whenDeleted", "whenScaled"):
        if policy.get(field) not in ("Retain", "Delete"):
            yield not_supported(f"{path}.{field}", policy.get(field) or "", ("Retain", "Delete"))


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Counts that make sense together."""
    status = obj.get("status") or {}
    yield from _workload.check_counts(
        status,
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        of_ready="status.readyReplicas",
    )
    yield from _workload.counts(status, "observedGeneration", "collisionCount", path="status")
    yield from _workload.not_decremented(obj, old)


def _ready(obj: Obj) -> str:
    return f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """About the name, on create, the template, the claims and the history."""
    spec = obj["spec"]
    if old is None:
        yield from name_warning(obj["metadata"].get("name") or "")
    yield from template_warnings(obj, old)
    if old is not None and spec == old["spec"]:
        return
    for path, claim in each("spec.volumeClaimTemplates", spec.get("volumeClaimTemplates")):
        # upstream words the path so on update
        yield from claim_warnings(path if old is None else f"{path}.Spec", claim.get("spec") or {})
    if (spec.get("revisionHistoryLimit") or 0) < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )


KIND = Kind(
    "apps/v1",
    "StatefulSet",
    describe=later("_describe_workload", "stateful_set"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    warnings=warnings,
    validate=validate,
    validate_name=is_dns_label,
    validate_status=validate_status,
    columns=(Column("Ready", _ready, description="Number of the pod with ready state"), AGE, *template_columns()),
    scale=Scale(),
)
