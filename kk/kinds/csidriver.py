"""CSIDriver: how the cluster treats volumes of one storage driver."""

from kk.base.errors import duplicate, invalid_value
from kk.kinds._checks import Errors, Obj, each, fill, immutable, one_of, section
from kk.kinds._storage import check_driver
from kk.kinds.kind import AGE, Column, Kind

_DEFAULTS = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "requiresRepublish": False,
    "seLinuxMount": False,
}
#: fields whose change counts as a new generation
_WATCHED = (
    "tokenRequests",
    "requiresRepublish",
    "podInfoOnMount",
    "storageCapacity",
    "fsGroupPolicy",
    "seLinuxMount",
    "nodeAllocatableUpdatePeriodSeconds",
    "serviceAccountTokenInSecrets",
)
_SHORTEST, _LONGEST, _OFTENEST = 600, 1 << 32, 10


def default(obj: Obj) -> None:
    """Every switch has a value."""
    spec = section(obj, "spec")
    for field, value in _DEFAULTS.items():
        fill(spec, field, value)
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]


def prepare_update(obj: Obj, old: Obj) -> None:
    """Upstream counts generations of this kind from its first change, and only for these fields."""
    if any(obj["spec"].get(field) != old["spec"].get(field) for field in _WATCHED):
        obj["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1


def validate(obj: Obj, old: Obj | None) -> Errors:
    """How volumes are attached and how they live never changes."""
    spec = obj["spec"]
    yield from _tokens("spec.tokenRequests", spec.get("tokenRequests"))
    for mode in spec.get("volumeLifecycleModes") or []:
        yield from one_of("spec.volumeLifecycleModes", mode, ("Persistent", "Ephemeral"))
    policy = spec.get("fsGroupPolicy")
    if policy is not None:
        yield from one_of("spec.fsGroupPolicy", policy, ("File", "None", "ReadWriteOnceWithFSType"))
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _OFTENEST:
        yield invalid_value(
            "spec.nodeAllocatableUpdatePeriodSeconds", period, f"must be greater than or equal to {_OFTENEST} seconds"
        )
    if spec.get("serviceAccountTokenInSecrets") is not None and not spec.get("tokenRequests"):
        yield invalid_value(
            "spec.serviceAccountTokenInSecrets",
            spec["serviceAccountTokenInSecrets"],
            "serviceAccountTokenInSecrets may only be set when tokenRequests is also set",
        )
    if old is not None:
        if spec.get("attachRequired") != old["spec"].get("attachRequired"):
            # the path is upstream's, letter for letter
            yield invalid_value("spec.attachedRequired", spec.get("attachRequired"), "field is immutable")
        yield from immutable(
            "spec.volumeLifecycleModes", spec.get("volumeLifecycleModes"), old["spec"].get("volumeLifecycleModes")
        )


def _tokens(path: str, requests: list[Obj] | None) -> Errors:
    seen: set[str] = set()
    for where, request in each(path, requests):
        audience, seconds = request.get("audience") or "", request.get("expirationSeconds")
        if audience in seen:
            yield duplicate(f"{where}.audience", audience)
            continue
        seen.add(audience)
        if seconds is not None and seconds < _SHORTEST:
            yield invalid_value(
                f"{where}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"
            )
        elif seconds is not None and seconds > _LONGEST:
            yield invalid_value(
                f"{where}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"
            )


def warnings(obj: Obj, old: Obj | None) -> list[str]:
    """Tokens in volume attributes end up in logs; said when the requests for them come."""
    if _exposed(obj) and (old is None or not _exposed(old)):
        return [
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent "
            "possible logging of tokens in volume attributes"
        ]
    return []


def _exposed(obj: Obj) -> bool:
    spec = obj["spec"]
    return bool(spec.get("tokenRequests")) and spec.get("serviceAccountTokenInSecrets") is None


def _token_requests(obj: Obj) -> str:
    requests = obj["spec"].get("tokenRequests")
    return "<unset>" if requests is None else ",".join(r.get("audience") or "" for r in requests)


KIND = Kind(
    "storage.k8s.io/v1",
    "CSIDriver",
    default=default,
    prepare_update=prepare_update,
    validate=validate,
    validate_name=lambda name: [fault.detail for fault in check_driver("", name)],
    warnings=warnings,
    columns=(
        Column("AttachRequired", ".spec.attachRequired", "boolean"),
        Column("PodInfoOnMount", ".spec.podInfoOnMount", "boolean"),
        Column("StorageCapacity", ".spec.storageCapacity", "boolean"),
        Column("TokenRequests", _token_requests, describes=".spec.tokenRequests"),
        Column("RequiresRepublish", ".spec.requiresRepublish", "boolean"),
        Column(
            "Modes",
            lambda obj: ",".join(obj["spec"].get("volumeLifecycleModes") or []),
            describes=".spec.volumeLifecycleModes",
        ),
        AGE,
    ),
    generation=False,
    unconditional_update=False,
)
