"""Volumes of a PodSpec and the mounts of its containers: defaults and faults.

Words and rules: `validateVolumes`, `ValidateVolumeMounts` of `pkg/apis/core/validation` in Kubernetes.
"""

from collections.abc import Callable
from typing import Any

from kk.base import names
from kk.base.errors import (
    duplicate,
    forbidden_value,
    invalid_value,
    not_supported,
    required,
    value_not_found,
)
from kk.base.quantity import Quantity
from kk.kinds._checks import Errors, bad, each, fill

Obj = dict[str, Any]

_MODES = ("secret", "configMap", "downwardAPI", "projected")


def _default_items(items: list[Obj] | None) -> None:
    for item in items or ():
        if item.get("fieldRef") is not None:
            fill(item["fieldRef"], "apiVersion", "v1")
        if item.get("resourceFieldRef") is not None:
            fill(item["resourceFieldRef"], "divisor", "0")


_FIXED: dict[str, Obj] = {
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_volume(volume: Obj, pull_policy: Callable[[str], str]) -> None:
    """Fill one volume; one without a source is an emptyDir."""
    if not any(isinstance(value, dict) for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for source in _MODES:
        if volume.get(source) is not None:
            fill(volume[source], "defaultMode", 0o644)
    for source, values in _FIXED.items():
        if volume.get(source) is not None:
            for key, value in values.items():
                fill(volume[source], key, value)
    _default_items((volume.get("downwardAPI") or {}).get("items"))
    for part in (volume.get("projected") or {}).get("sources") or ():
        _default_items((part.get("downwardAPI") or {}).get("items"))
        if part.get("serviceAccountToken") is not None:
            fill(part["serviceAccountToken"], "expirationSeconds", 3600)
    if volume.get("projected") is not None:
        fill(volume["projected"], "sources", None)
    if volume.get("image") is not None:
        fill(volume["image"], "pullPolicy", pull_policy(volume["image"].get("reference") or ""))
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        fill(template, "metadata", {})
        fill(template, "spec", {})
        fill(template["spec"], "resources", {})
        fill(template["spec"], "volumeMode", "Filesystem")


# faults

Seen = dict[str, Obj]
_SIMPLE: dict[str, tuple[str, ...]] = {
    # source → fields that must be there
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "gitRepo": ("repository",),
    "nfs": ("server", "path"),
    "glusterfs": ("endpoints", "path"),
    "persistentVolumeClaim": ("claimName",),
    "cephfs": ("monitors",),
    "rbd": ("monitors", "image"),
    "cinder": ("volumeID",),
    "flexVolume": ("driver",),
    "vsphereVolume": ("volumePath",),
    "azureFile": ("secretName", "shareName"),
    "azureDisk": ("diskName", "diskURI"),
    "portworxVolume": ("volumeID",),
    "scaleIO": ("gateway", "system", "volumeName"),
    "quobyte": ("registry", "volume"),
    "photonPersistentDisk": ("pdID",),
}
_HOST_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_FILE_RESOURCES = tuple(f"{s}.{n}" for s in ("limits", "requests") for n in ("cpu", "ephemeral-storage", "memory"))
_TEN_MINUTES = 10 * 60


def check_local_path(path: str, value: str, absolute: bool = False) -> Errors:
    """A path that stays below where it begins."""
    if not absolute and value.startswith("/"):
        yield invalid_value(path, value, "must be a relative path")
    if ".." in value.split("/"):
        yield invalid_value(path, value, "must not contain '..'")


def _file_path(path: str, value: str) -> Errors:
    """A path of a projected file: it may not begin with two dots either."""
    yield from check_local_path(path, value)
    if value.startswith("..") and not value.startswith("../"):
        yield invalid_value(path, value, "must not start with '..'")


def _mode(path: str, value: int | None) -> Errors:
    if value is not None and not 0 <= value <= 0o777:
        yield invalid_value(path, value, _MODE)


def _items(path: str, items: list[Obj] | None) -> Errors:
    for where, item in each(f"{path}.items", items):
        if not item.get("key"):
            yield required(f"{where}.key")
        if not item.get("path"):
            yield required(f"{where}.path")
        else:
            yield from _file_path(f"{where}.path", item["path"])
        yield from _mode(f"{where}.mode", item.get("mode"))


def _downward(path: str, items: list[Obj] | None) -> Errors:
    for _, item in each(f"{path}.items", items):
        if not item.get("path"):
            yield required(f"{path}.path")
        else:
            yield from _file_path(f"{path}.path", item["path"])
        field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if field is not None:
            yield from check_field_ref(f"{path}.fieldRef", field, _FIELDS)
            if resource is not None:
                yield invalid_value(
                    path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"
                )
        elif resource is not None:
            yield from check_resource_ref(f"{path}.resourceFieldRef", resource, True)
        else:
            yield required(path, "one of fieldRef and resourceFieldRef is required")
        yield from _mode(f"{path}.mode", item.get("mode"))


#: field paths that can be read of a pod; labels and annotations also with a key in brackets
READABLE = (
    *_FIELDS,
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)


def check_field_ref(path: str, ref: Obj, allowed: tuple[str, ...]) -> Errors:
    """A fieldRef whose field is one of `allowed`."""
    field = ref.get("fieldPath") or ""
    if not ref.get("apiVersion"):
        yield required(f"{path}.apiVersion")
        return
    if not field:
        yield required(f"{path}.fieldPath")
        return
    base, bracket, key = field.partition("['")
    if bracket and key.endswith("']"):
        key = key[:-2]
        if base == "metadata.annotations":
            yield from bad(path, key, names.qualified_name(key.lower()))
        elif base == "metadata.labels":
            yield from bad(path, key, names.qualified_name(key))
        else:
            yield invalid_value(path, field, "does not support subscript")
        return
    if field not in READABLE:
        detail = f"error converting fieldPath: field label not supported: {field}"
        yield invalid_value(f"{path}.fieldPath", field, detail)
    elif field not in allowed:
        yield not_supported(f"{path}.fieldPath", field, sorted(allowed))


def check_resource_ref(path: str, ref: Obj, volume: bool) -> Errors:
    """A resourceFieldRef; in volumes the container must be named."""
    resource = ref.get("resource") or ""
    if volume and not ref.get("containerName"):
        yield required(f"{path}.containerName")
    elif not resource:
        yield required(f"{path}.resource")
    elif resource not in _FILE_RESOURCES and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        yield not_supported(f"{path}.resource", resource, sorted(_FILE_RESOURCES))
    yield from _divisor(f"{path}.divisor", resource.partition(".")[2], ref.get("divisor"))


_DIVISORS = {
    "cpu": ("1m", "1"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}
_DIVISORS["ephemeral-storage"] = _DIVISORS["memory"]


def _divisor(path: str, resource: str, divisor: Any) -> Errors:
    if divisor in (None, "0") or resource not in _DIVISORS:
        return
    if divisor not in _DIVISORS[resource]:
        listed = (
            "only divisor's values 1m and 1"
            if resource == "cpu"
            else ("only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei")
        )
        word = {"cpu": "cpu", "memory": "memory"}.get(resource, "local ephemeral storage")
        yield invalid_value(path, resource, f"{listed} are supported with the {word} resource")


def _host_path(path: str, source: Obj) -> Errors:
    if not source.get("path"):
        yield required(f"{path}.path")
    else:
        yield from check_local_path(f"{path}.path", source["path"], absolute=True)
        kind = source.get("type") or ""
        if kind not in _HOST_TYPES:
            yield not_supported(f"{path}.type", kind, _HOST_TYPES)


def _empty_dir(path: str, source: Obj) -> Errors:
    limit = source.get("sizeLimit")
    if limit is not None and Quantity.parse(limit).nano < 0:
        yield forbidden_value(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _secret(path: str, source: Obj) -> Errors:
    if not source.get("secretName"):
        yield required(f"{path}.secretName")
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    yield from _items(path, source.get("items"))


def _config_map(path: str, source: Obj) -> Errors:
    if not source.get("name"):
        yield required(f"{path}.name")
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    yield from _items(path, source.get("items"))


def _downward_api(path: str, source: Obj) -> Errors:
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    yield from _downward(path, source.get("items"))


def _image(path: str, source: Obj) -> Errors:
    if not source.get("reference"):
        yield required(f"{path}.reference")
    policy = source.get("pullPolicy") or ""
    if policy not in ("Always", "IfNotPresent", "Never"):
        yield not_supported(f"{path}.pullPolicy", policy, ("Always", "IfNotPresent", "Never"))


def _csi(path: str, source: Obj) -> Errors:
    driver = source.get("driver") or ""
    if not driver:
        yield required(f"{path}.driver")
    else:
        yield from bad(f"{path}.driver", driver, names.dns_subdomain(driver.lower()))
    ref = source.get("nodePublishSecretRef")
    if ref is not None and not ref.get("name"):
        yield required(f"{path}.nodePublishSecretRef.name")


def _ephemeral(path: str, source: Obj) -> Errors:
    template = source.get("volumeClaimTemplate")
    if template is None:
        yield required(f"{path}.volumeClaimTemplate")
        return
    from kk.kinds import persistentvolumeclaim

    yield from persistentvolumeclaim.check_claim_spec(f"{path}.volumeClaimTemplate.spec", template.get("spec") or {})


def _token(path: str, where: str, token: Obj) -> Errors:
    seconds = token.get("expirationSeconds") or 0
    if seconds < _TEN_MINUTES:
        yield invalid_value(f"{where}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > 2**32:
        yield invalid_value(
            f"{where}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"
        )
    if not token.get("path"):
        yield required(f"{path}.path")
    else:
        yield from check_local_path(f"{path}.path", token["path"])


def _bundle(where: str, bundle: Obj) -> Errors:
    name, signer = bundle.get("name"), bundle.get("signerName")
    if name is not None and signer is not None:
        yield invalid_value(where, bundle, "only one of name and signerName may be used")
    elif name is None and signer is None:
        yield required(where, "either name or signerName must be specified")
    if not bundle.get("path"):
        yield required(f"{where}.path")
    else:
        yield from check_local_path(f"{where}.path", bundle["path"])


def _projected(path: str, source: Obj) -> Errors:
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    taken: set[str] = set()
    for where, part in each(f"{path}.sources", source.get("sources")):
        count = 0
        for field in (
            "secret",
            "configMap",
            "downwardAPI",
            "serviceAccountToken",
            "clusterTrustBundle",
            "podCertificate",
        ):
            value = part.get(field)
            if value is None:
                continue
            count += 1
            if count > 1:
                yield forbidden_value(f"{where}.{field}", "may not specify more than 1 volume type per source")
                continue
            yield from _projection(path, where, field, value)
            yield from _conflicts(path, field, value, taken)


def _projection(path: str, where: str, field: str, value: Obj) -> Errors:
    if field in ("secret", "configMap"):
        if not value.get("name"):
            yield required(f"{where}.{field}.name")
        yield from _items(f"{where}.{field}", value.get("items"))
    elif field == "downwardAPI":
        yield from _downward(f"{where}.{field}", value.get("items"))
    elif field == "serviceAccountToken":
        yield from _token(path, f"{where}.{field}", value)
    elif field == "clusterTrustBundle":
        yield from _bundle(f"{where}.{field}", value)


def _conflicts(path: str, field: str, value: Obj, taken: set[str]) -> Errors:
    paths = [i.get("path") for i in value.get("items") or ()] if "items" in value else [value.get("path")]
    for file in paths:
        if file and file in taken:
            yield invalid_value(path, value.get("name") or "", "conflicting duplicate paths")
        if file:
            taken.add(file)


_CHECKS: dict[str, Callable[[str, Obj], Errors]] = {
    "hostPath": _host_path,
    "emptyDir": _empty_dir,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "image": _image,
    "csi": _csi,
    "ephemeral": _ephemeral,
}
#: the order in which upstream looks at sources
_ORDER = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "scaleIO",
    "projected",
    "csi",
    "ephemeral",
    "image",
)


def _source(path: str, volume: Obj) -> Errors:
    count = 0
    for field in _ORDER:
        source = volume.get(field)
        if source is None:
            continue
        count += 1
        if count > 1:
            yield forbidden_value(f"{path}.{field}", "may not specify more than 1 volume type")
        elif field in _CHECKS:
            yield from _CHECKS[field](f"{path}.{field}", source)
        else:
            for need in _SIMPLE.get(field, ()):
                if not source.get(need):
                    yield required(f"{path}.{field}.{need}")
    if not count:
        yield required(path, "must specify a volume type")


def check_volumes(path: str, volumes: list[Obj] | None) -> Errors:
    """All volumes of a pod."""
    seen: set[str] = set()
    for where, volume in each(path, volumes):
        yield from _source(where, volume)
        name = volume.get("name") or ""
        if not name:
            yield required(f"{where}.name")
            continue
        faults = names.dns_label(name)
        yield from bad(f"{where}.name", name, faults)
        if name in seen:
            yield duplicate(f"{where}.name", name)
        elif not faults:
            seen.add(name)


def check_mounts(path: str, container: Obj, volumes: Seen) -> Errors:
    """volumeMounts and volumeDevices of a container; `volumes` by name."""
    devices = {d.get("devicePath"): d for d in container.get("volumeDevices") or ()}
    device_names = {d.get("name") for d in container.get("volumeDevices") or ()}
    points: set[str] = set()
    base = f"{path}.volumeMounts"
    for where, mount in each(base, container.get("volumeMounts")):
        name, point = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(f"{where}.name")
        if name in device_names and name:
            yield invalid_value(f"{where}.name", name, "must not already exist in volumeDevices")
        if name not in volumes:
            yield value_not_found(f"{where}.name", name)
        if not point:
            yield required(f"{where}.mountPath")
        if point in points:
            yield invalid_value(f"{where}.mountPath", point, "must be unique")
        points.add(point)
        if point and point in devices:
            yield invalid_value(f"{where}.mountPath", point, "must not already exist as a path in volumeDevices")
        yield from _mount_options(base, where, mount, container)
    yield from _devices(f"{path}.volumeDevices", container, volumes)


def _mount_options(base: str, where: str, mount: Obj, container: Obj) -> Errors:
    if mount.get("subPath"):
        yield from check_local_path(f"{base}.subPath", mount["subPath"])
    if mount.get("subPathExpr"):
        if mount.get("subPath"):
            yield invalid_value(
                f"{where}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"
            )
        yield from check_local_path(f"{base}.subPathExpr", mount["subPathExpr"])
    spread = mount.get("mountPropagation")
    if spread is not None:
        allowed = ("Bidirectional", "HostToContainer", "None")
        if spread not in allowed:
            yield not_supported(f"{base}.mountPropagation", spread, allowed)
        elif spread == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
            detail = "Bidirectional mount propagation is available only to privileged containers"
            yield forbidden_value(f"{base}.mountPropagation", detail)
    recursive = mount.get("recursiveReadOnly")
    if recursive is not None:
        allowed = ("Disabled", "Enabled", "IfPossible")
        if recursive not in allowed:
            yield not_supported(f"{base}.recursiveReadOnly", recursive, allowed)
        elif recursive != "Disabled" and not mount.get("readOnly"):
            yield forbidden_value(f"{base}.recursiveReadOnly", "may only be specified when readOnly is true")


def _devices(path: str, container: Obj, volumes: Seen) -> Errors:
    mounts = {m.get("name") for m in container.get("volumeMounts") or ()}
    points = {m.get("mountPath") for m in container.get("volumeMounts") or ()}
    seen_names: set[str] = set()
    seen_paths: set[str] = set()
    for where, device in each(path, container.get("volumeDevices")):
        name, point = device.get("name") or "", device.get("devicePath") or ""
        if not name:
            yield required(f"{where}.name")
        if name in seen_names:
            yield invalid_value(f"{where}.name", name, "must be unique")
        seen_names.add(name)
        volume = volumes.get(name)
        if volume is not None and not (volume.get("persistentVolumeClaim") or volume.get("ephemeral")):
            detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            yield invalid_value(f"{where}.name", name, detail)
        if volume is None:
            yield value_not_found(f"{where}.name", name)
        if not point:
            yield required(f"{where}.devicePath")
        if point in seen_paths:
            yield invalid_value(f"{where}.devicePath", point, "must be unique")
        seen_paths.add(point)
        if point and ".." in point.split("/"):
            yield invalid_value(f"{where}.devicePath", point, "can not contain backsteps ('..')")
        if point and point in points:
            yield invalid_value(f"{where}.devicePath", point, "must not already exist as a path in volumeMounts")
        if name and name in mounts:
            yield invalid_value(f"{where}.name", name, "must not already exist in volumeMounts")
