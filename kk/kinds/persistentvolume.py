"""PersistentVolume: a piece of storage of the cluster. kk.control binds it to a claim; the agent mounts it."""

from kk.base.errors import forbidden_value, invalid_value
from kk.kinds._cells import access_modes, storage_class, volume_phase
from kk.kinds._checks import IMMUTABLE, Errors, Obj, canonical, each, immutable, section
from kk.kinds._later import later
from kk.kinds._persistentvolume import SOURCES, check_volume_spec, default_volume_spec
from kk.kinds._podspec_warnings import term_warnings
from kk.kinds.kind import AGE, Column, Kind

_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


def default(obj: Obj) -> None:
    """Volumes wait for a claim."""
    default_volume_spec(section(obj, "spec"))
    status = section(obj, "status")
    if not status.get("phase"):
        status["phase"] = "Pending"


def prepare_create(obj: Obj) -> None:
    """Only the binder says what became of a volume."""
    since = obj["metadata"].get("creationTimestamp")
    obj["status"] = {"phase": "Pending", **({"lastPhaseTransitionTime": since} if since else {})}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Where the data lies never changes."""
    spec = obj["spec"]
    yield from check_volume_spec("spec", spec, obj["metadata"].get("name") or "")
    if old is None:
        return
    if any(_source(spec, s, old["spec"]) != old["spec"].get(s) for s in SOURCES):
        yield forbidden_value("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
    yield from immutable("volumeMode", spec.get("volumeMode"), old["spec"].get("volumeMode"))
    before = old["spec"].get("nodeAffinity")
    if before is not None:
        yield from _affinity(spec.get("nodeAffinity"), before)

    was = old["spec"].get("volumeAttributesClassName")
    if was is not None and spec.get("volumeAttributesClassName") is None:
        yield forbidden_value("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")


def _source(spec: Obj, source: str, before: Obj) -> Obj | None:
    """A volume's source; the secret for its growth may be named later."""
    found: Obj | None = spec.get(source)
    if source != "csi" or not found or (before.get("csi") or {}).get("controllerExpandSecretRef") is not None:
        return found
    return {key: value for key, value in found.items() if key != "controllerExpandSecretRef"}


#: labels of nodes that were beta → what they are called now
_GROWN = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}
_PARTS = (("MatchExpressions", "matchExpressions"), ("MatchFields", "matchFields"))


def _affinity(new: Obj | None, old: Obj) -> Errors:
    """Where a volume can be reached stays, but for new names of the same labels."""
    now, was = _terms(new), _terms(old)
    for term, before in zip(now, was, strict=False):
        for _, part in _PARTS:
            for one, known in zip(term[part], before[part], strict=False):
                if _GROWN.get(known["Key"]) == one["Key"]:
                    known["Key"] = one["Key"]
    if new is not None and now == was:
        return
    shown: Obj | None = None
    if new is not None:
        terms = [{name: term[part] or None for name, part in _PARTS} for term in now]
        shown = {"Required": {"NodeSelectorTerms": terms or None} if new.get("required") is not None else None}
    yield invalid_value("nodeAffinity", shown, f"{IMMUTABLE}, except for updating from beta label to GA")


def _terms(affinity: Obj | None) -> list[Obj]:
    """The terms of a node affinity, with requirements as messages of upstream show them."""

    def requirements(term: Obj, part: str) -> list[Obj]:
        listed = term.get(part) or ()
        return [
            {"Key": r.get("key") or "", "Operator": r.get("operator") or "", "Values": r.get("values") or None}
            for r in listed
        ]

    terms = ((affinity or {}).get("required") or {}).get("nodeSelectorTerms") or ()
    return [{part: requirements(term, part) for _, part in _PARTS} for term in terms]


def validate_status(obj: Obj, old: Obj) -> Errors:
    """A status says its phase; what it says is the binder's affair."""
    return iter(())


def warnings(obj: Obj, old: Obj | None) -> list[str]:
    """Old annotations and retired kinds of volume."""
    found = []
    spec = obj["spec"]
    annotations = obj["metadata"].get("annotations") or {}
    if _BETA_CLASS in annotations:
        found.append(
            f'metadata.annotations[{_BETA_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'
        )
    if "volume.beta.kubernetes.io/mount-options" in annotations:
        found.append(
            "metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; "
            'use "mountOptions" attribute instead'
        )
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        found.append(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
            "Instead, the recommended approach is to use dynamic provisioning."
        )
    for source, text in _RETIRED.items():
        if spec.get(source) is not None:
            found.append(f"spec.{source}: {text}")
    terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms")
    for where, term in each("spec.nodeAffinity.required.nodeSelectorTerms", terms):
        found.extend(term_warnings(where, term))
    return found


_RETIRED = {
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
}


def _claim(obj: Obj) -> str:
    ref = obj["spec"].get("claimRef")
    return f"{ref.get('namespace', '')}/{ref.get('name', '')}" if ref else ""


KIND = Kind(
    "v1",
    "PersistentVolume",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    warnings=warnings,
    columns=(
        Column(
            "Capacity",
            lambda obj: canonical((obj["spec"].get("capacity") or {}).get("storage")),
            describes=".spec.capacity",
        ),
        Column("Access Modes", lambda obj: access_modes(obj["spec"].get("accessModes")), describes=".spec.accessModes"),
        Column("Reclaim Policy", ".spec.persistentVolumeReclaimPolicy"),
        Column("Status", volume_phase, describes=".status.phase"),
        Column("Claim", _claim, describes=".spec.claimRef"),
        Column("StorageClass", storage_class, description="StorageClass of the pv"),
        Column(
            "VolumeAttributesClass",
            lambda obj: obj["spec"].get("volumeAttributesClassName") or "<unset>",
            description="VolumeAttributesClass of the pv",
        ),
        Column("Reason", ".status.reason"),
        AGE,
        Column(
            "VolumeMode",
            lambda obj: obj["spec"].get("volumeMode") or "<unset>",
            priority=1,
            describes=".spec.volumeMode",
        ),
    ),
    status=True,
    generation=False,
    describe=later("_describe_storage", "persistent_volume"),
)
