"""PersistentVolumeSpec: its defaults and faults, for volumes and for attachments that carry one.

Source of the words: `pkg/apis/core/validation/validation.go` of Kubernetes.
"""

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, not_supported, required
from kk.kinds._checks import Errors, Obj, bad, fill, one_of, quantity, quantity_not_negative
from kk.kinds._nodeselector import check_node_selector
from kk.kinds._storage import check_class

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_HOST_PATH = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
#: in the order in which upstream looks at them; a second one is forbidden
SOURCES = (
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
)
#: the names that faults inside a source, and of a second source, go by where they are not the field's
_INSIDE = {"gcePersistentDisk": "persistentDisk"}
_ANOTHER = {"cephfs": "cephFS"}
_NEEDED = {
    "flexVolume": ("driver",),
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "glusterfs": ("endpoints", "path"),
    "rbd": ("monitors", "image"),
    "quobyte": ("registry", "volume"),
    "cephfs": ("monitors",),
    "cinder": ("volumeID",),
    "azureFile": ("secretName", "shareName"),
    "azureDisk": ("diskName", "diskURI"),
    "vsphereVolume": ("volumePath",),
    "photonPersistentDisk": ("pdID",),
    "portworxVolume": ("volumeID",),
    "scaleIO": ("gateway", "system", "volumeName"),
}
_DEFAULTS: dict[str, Obj] = {
    "hostPath": {"type": ""},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "iscsi": {"iscsiInterface": "default"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_volume_spec(spec: Obj) -> None:
    """A volume is kept when its claim goes, and holds a file system."""
    fill(spec, "persistentVolumeReclaimPolicy", "Retain")
    fill(spec, "volumeMode", "Filesystem")
    for source, values in _DEFAULTS.items():
        if spec.get(source) is not None:
            for field, value in values.items():
                fill(spec[source], field, value)


def check_volume_spec(path: str, spec: Obj, name: str, inline_csi: bool = False) -> Errors:
    """Faults of a spec; an inline one may only be a CSI volume without a claim's affairs."""
    if inline_csi:
        yield from _inline(path, spec)
    yield from _modes(path, spec)
    if not inline_csi:
        yield from _capacity(f"{path}.capacity", spec.get("capacity") or {})
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy and not inline_csi:
        yield from one_of(f"{path}.persistentVolumeReclaimPolicy", policy, ("Delete", "Recycle", "Retain"))
    affinity = spec.get("nodeAffinity")
    if affinity is not None and not inline_csi:
        yield from _affinity(f"{path}.nodeAffinity", affinity)
    yield from _sources(path, spec, affinity is not None)
    if (spec.get("hostPath") or {}).get("path") == "/" and policy == "Recycle":
        yield forbidden_value(
            f"{path}.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"
        )
    if spec.get("storageClassName") and not inline_csi:
        yield from check_class(f"{path}.storageClassName", spec["storageClassName"])
    mode = spec.get("volumeMode")
    if mode is not None and not inline_csi:
        yield from one_of(f"{path}.volumeMode", mode, VOLUME_MODES)
    attributes = spec.get("volumeAttributesClassName")
    if attributes is None:
        return
    if attributes:
        yield from check_class(f"{path}.volumeAttributesClassName", attributes)
    else:
        yield required(f"{path}.volumeAttributesClassName", "an empty string is disallowed")
    if spec.get("csi") is None:
        yield required(f"{path}.csi", "has to be specified when using volumeAttributesClassName")


def _inline(path: str, spec: Obj) -> Errors:
    """What the volume of an attachment may not say: it is no volume of its own."""
    detail = "may not be specified in the context of inline volumes"
    for field in ("claimRef", "capacity", "nodeAffinity", "storageClassName"):
        if spec.get(field):
            yield forbidden_value(f"{path}.{field}", detail)
    if spec.get("csi") is None:
        yield required(f"{path}.csi", "has to be specified in the context of inline volumes")
    if spec.get("persistentVolumeReclaimPolicy") not in (None, "", "Retain"):
        yield forbidden_value(
            f"{path}.persistentVolumeReclaimPolicy", "may only be Retain in the context of inline volumes"
        )
    if spec.get("volumeMode") not in (None, "Filesystem"):
        yield forbidden_value(
            f"{path}.volumeMode", "may not specify volumeMode other than Filesystem in the context of inline volumes"
        )


def _modes(path: str, spec: Obj) -> Errors:
    modes = spec.get("accessModes") or []
    if not modes:
        yield required(f"{path}.accessModes")
    yield from check_modes(f"{path}.accessModes", modes)


def check_modes(path: str, modes: list[str]) -> Errors:
    """Faults of a list of access modes."""
    for mode in modes:
        yield from one_of(path, mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        yield forbidden_value(path, "may not use ReadWriteOncePod with other access modes")


def _capacity(path: str, capacity: Obj) -> Errors:
    if not capacity:
        yield required(path)
    if set(capacity) != {"storage"}:
        # maps are shown with their keys sorted, an absent one as null
        yield not_supported(path, dict(sorted(capacity.items())) or None, ("storage",))
    for key, value in capacity.items():
        where = f"{path}[{key}]"
        yield from quantity_not_negative(where, value)
        if quantity(value).milli() <= 0:
            yield invalid_value(where, quantity(value).canonical(), "must be greater than zero")


def _affinity(path: str, affinity: Obj) -> Errors:
    if affinity.get("required") is None:
        yield required(f"{path}.required", "must specify required node constraints")
    else:
        yield from check_node_selector(f"{path}.required", affinity["required"])


def _sources(path: str, spec: Obj, has_affinity: bool) -> Errors:
    seen = False
    for source in SOURCES:
        value = spec.get(source)
        if value is None:
            continue
        if seen and source != "flexVolume":
            yield forbidden_value(f"{path}.{_ANOTHER.get(source, source)}", "may not specify more than 1 volume type")
            continue
        seen = True
        yield from _source(f"{path}.{_INSIDE.get(source, source)}", source, value)
        if source == "local" and not has_affinity:
            yield required(f"{path}.nodeAffinity", "Local volume requires node affinity")
    if not seen:
        yield required(path, "must specify a volume type")


def _source(path: str, source: str, value: Obj) -> Errors:
    checks = {"hostPath": _host_path, "nfs": _nfs, "local": _local, "csi": _csi, "iscsi": _iscsi, "fc": _fc}
    if source in checks:
        yield from checks[source](path, value)
    for field in _NEEDED.get(source, ()):
        if not value.get(field):
            yield required(f"{path}.{field}")


def _no_dots(path: str, value: str) -> Errors:
    if ".." in value.split("/"):
        yield invalid_value(path, value, "must not contain '..'")


def _host_path(path: str, value: Obj) -> Errors:
    if not value.get("path"):
        yield required(f"{path}.path")
        return
    yield from _no_dots(f"{path}.path", value["path"])
    if value.get("type") is not None:
        yield from one_of(f"{path}.type", value["type"], _HOST_PATH)


def _nfs(path: str, value: Obj) -> Errors:
    if not value.get("server"):
        yield required(f"{path}.server")
    if not value.get("path"):
        yield required(f"{path}.path")
    elif not value["path"].startswith("/"):
        yield invalid_value(f"{path}.path", value["path"], "must be an absolute path")


def _local(path: str, value: Obj) -> Errors:
    if not value.get("path"):
        yield required(f"{path}.path")
    else:
        yield from _no_dots(f"{path}.path", value["path"])


def _csi(path: str, value: Obj) -> Errors:
    driver = value.get("driver") or ""
    if not driver:
        yield required(f"{path}.driver")
    else:
        yield from bad(f"{path}.driver", driver, names.dns_subdomain(driver.lower()))
    if not value.get("volumeHandle"):
        yield required(f"{path}.volumeHandle")
    for field in ("controllerPublishSecretRef", "nodeStageSecretRef", "nodePublishSecretRef"):
        ref = value.get(field)
        if ref is None:
            continue
        for part in ("name", "namespace"):
            if not ref.get(part):
                yield required(f"{path}.{field}.{part}")


def _iscsi(path: str, value: Obj) -> Errors:
    for field in ("targetPortal", "iqn"):
        if not value.get(field):
            yield required(f"{path}.{field}")
    iqn = value.get("iqn") or ""
    if iqn and not iqn.startswith(("iqn", "eui", "naa")):
        yield invalid_value(f"{path}.iqn", iqn, "must be valid format starting with iqn, eui, or naa")
    lun = value.get("lun") or 0
    if not 0 <= lun <= 255:
        yield invalid_value(f"{path}.lun", lun, "must be between 0 and 255, inclusive")


def _fc(path: str, value: Obj) -> Errors:
    names_, wwids = value.get("targetWWNs"), value.get("wwids")
    if not names_ and not wwids:
        yield required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    if names_ and wwids:
        yield invalid_value(f"{path}.targetWWNs", names_, "targetWWNs and wwids can not be specified simultaneously")
    if names_ and not wwids and value.get("lun") is None:
        yield required(f"{path}.lun", "lun is required if targetWWNs is specified")
