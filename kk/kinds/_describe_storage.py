"""How volumes, claims and the classes of storage are described."""

from typing import Any

from kk.kinds._cells import access_modes, storage_class, volume_phase
from kk.kinds.describing import (
    Ask,
    Obj,
    Page,
    annotation_lines,
    boolean,
    events,
    head,
    labels,
    meta,
    moment,
    pairs_text,
    quantity,
    small,
    titled,
)

#: type, what kubectl says of it, and its fields in order
_SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "hostPath": ("HostPath (bare host directory volume)", ("Path=path", "HostPathType=type")),
    "nfs": ("NFS (an NFS mount that lasts the lifetime of a pod)", ("Server=server", "Path=path", "ReadOnly=readOnly")),
    "local": ("LocalVolume (a persistent volume backed by local storage on a node)", ("Path=path",)),
    "csi": (
        "CSI (a Container Storage Interface (CSI) volume source)",
        ("Driver=driver", "FSType=fsType", "VolumeHandle=volumeHandle", "ReadOnly=readOnly"),
    ),
    "iscsi": (
        "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
        (
            "TargetPortal=targetPortal",
            "IQN=iqn",
            "Lun=lun",
            "ISCSIInterface=iscsiInterface",
            "FSType=fsType",
            "ReadOnly=readOnly",
        ),
    ),
}
_FLAGS = ("readOnly",)


def persistent_volume(obj: Obj, ask: Ask) -> list[str]:
    """The description of a PersistentVolume."""
    page, spec = Page(), obj.get("spec") or {}
    titled(page, obj, namespace=False)
    page.line(0, "Finalizers:", small(meta(obj).get("finalizers") or []))
    page.line(0, "StorageClass:", storage_class(obj))
    page.line(0, "Status:", _phase(obj))
    claim = spec.get("claimRef")
    page.line(0, "Claim:", f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "")
    page.line(0, "Reclaim Policy:", spec.get("persistentVolumeReclaimPolicy", ""))
    page.line(0, "Access Modes:", access_modes(spec.get("accessModes")))
    if spec.get("volumeMode"):
        page.line(0, "VolumeMode:", spec["volumeMode"])
    page.line(0, "Capacity:", quantity((spec.get("capacity") or {}).get("storage") or "0"))
    _affinity(page, spec.get("nodeAffinity"))
    page.line(0, "Message:", (obj.get("status") or {}).get("message") or "")
    page.line(0, "Source:")
    _source(page, spec)
    events(page, ask, obj)
    return page.lines()


def _phase(obj: Obj) -> str:
    gone = meta(obj).get("deletionTimestamp")
    return f"Terminating (lasts {gone})" if gone else volume_phase(obj)


def _affinity(page: Page, affinity: Obj | None) -> None:
    if affinity is None or affinity.get("required") is None:
        page.line(0, "Node Affinity:", "<none>")
        return
    page.line(0, "Node Affinity:", "")
    terms = affinity["required"].get("nodeSelectorTerms") or []
    page.line(1, "Required Terms:", "" if terms else "<none>")
    for place, term in enumerate(terms):
        wanted = [_requirement(r) for r in term.get("matchExpressions") or ()] or ["<none>"]
        for at, text in enumerate(wanted):
            page.line(2, f"Term {place}:" if at == 0 else "", text)


def _requirement(requirement: Obj) -> str:
    text = f"{requirement.get('key', '')} {str(requirement.get('operator', '')).lower()}"
    values = requirement.get("values") or []
    return f"{text} [{', '.join(values)}]" if values else text


def _source(page: Page, spec: Obj) -> None:
    kind = next((k for k in _SOURCES if spec.get(k) is not None), None)
    if kind is None:
        page.write(2, "<unknown>\n")
        return
    said, fields = _SOURCES[kind]
    page.line(2, "Type:", said)
    for field in fields:
        title, _, name = field.partition("=")
        value: Any = spec[kind].get(name)
        page.line(2, f"{title}:", str(bool(value)).lower() if name in _FLAGS else "" if value is None else value)
    if kind == "csi":
        pairs = [f"{k}={v}" for k, v in sorted((spec[kind].get("volumeAttributes") or {}).items())] or ["<none>"]
        for place, text in enumerate(pairs):
            page.write(0, f"{'    VolumeAttributes:' if place == 0 else ''}\t    {text}\n")


def persistent_volume_claim(obj: Obj, ask: Ask) -> list[str]:
    """The description of a PersistentVolumeClaim, with the pods that use it."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    head(page, obj)
    page.line(0, "StorageClass:", storage_class(obj))
    page.line(0, "Status:", _phase(obj))
    page.line(0, "Volume:", spec.get("volumeName", ""))
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))
    page.line(0, "Finalizers:", small(meta(obj).get("finalizers") or []))
    bound = bool(spec.get("volumeName"))
    page.line(0, "Capacity:", quantity((status.get("capacity") or {}).get("storage") or "0") if bound else "")
    page.line(0, "Access Modes:", access_modes(status.get("accessModes")) if bound else "")
    if spec.get("volumeMode"):
        page.line(0, "VolumeMode:", spec["volumeMode"])
    if spec.get("dataSource") is not None:
        page.line(0, "DataSource:")
        for title, field in (("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")):
            if spec["dataSource"].get(field):
                page.line(1, f"{title}:", spec["dataSource"][field])
    users = _users(obj, ask) or ["<none>"]
    for place, name in enumerate(users):
        page.line(0, "Used By:" if place == 0 else "", name)
    _claim_conditions(page, status.get("conditions") or [])
    events(page, ask, obj)
    return page.lines()


def _users(obj: Obj, ask: Ask) -> list[str]:
    name = meta(obj).get("name")
    found = []
    for pod in ask.list("v1", "pods", meta(obj).get("namespace", "")) or ():
        for volume in (pod.get("spec") or {}).get("volumes") or ():
            own = f"{meta(pod).get('name')}-{volume.get('name')}" if volume.get("ephemeral") else None
            if (volume.get("persistentVolumeClaim") or {}).get("claimName") == name or own == name:
                found.append(meta(pod).get("name", ""))
                break
    return found


def _claim_conditions(page: Page, found: list[Obj]) -> None:
    if not found:
        return
    page.line(0, "Conditions:")
    page.line(1, "Type", "Status", "LastProbeTime", "LastTransitionTime", "Reason", "Message")
    page.line(1, "----", "------", "-----------------", "------------------", "------", "-------")
    for c in found:
        probed, changed = moment(c.get("lastProbeTime")), moment(c.get("lastTransitionTime"))
        cells = (c.get("type", ""), c.get("status", ""), probed, changed, c.get("reason", ""))
        page.write(1, "".join(f"{cell} \t" for cell in cells) + f"{c.get('message', '')}\n")


def storage_class_(obj: Obj, ask: Ask) -> list[str]:
    """The description of a StorageClass."""
    page, noted = Page(), meta(obj).get("annotations") or {}
    page.line(0, "Name:", meta(obj).get("name", ""))
    marks = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    page.line(0, "IsDefaultClass:", "Yes" if any(noted.get(m) == "true" for m in marks) else "No")
    page.line(0, "Annotations:", pairs_text(noted))
    page.line(0, "Provisioner:", obj.get("provisioner", ""))
    page.line(0, "Parameters:", pairs_text(obj.get("parameters")))
    page.line(0, "AllowVolumeExpansion:", boolean(obj.get("allowVolumeExpansion")))
    options = obj.get("mountOptions") or []
    page.write(0, "MountOptions:\n" if options else "MountOptions:\t<none>\n")
    for option in options:
        page.write(1, f"{option}\n")
    if obj.get("reclaimPolicy"):
        page.line(0, "ReclaimPolicy:", obj["reclaimPolicy"])
    if obj.get("volumeBindingMode"):
        page.line(0, "VolumeBindingMode:", obj["volumeBindingMode"])
    topologies = obj.get("allowedTopologies")
    if topologies:
        page.line(0, "AllowedTopologies:", "")
    for place, term in enumerate(topologies or ()):
        wanted = [
            f"{e.get('key')} in [{', '.join(e.get('values') or ())}]" for e in term.get("matchLabelExpressions") or ()
        ]
        for at, text in enumerate(wanted or ["<none>"]):
            page.line(1, f"Term {place}:" if at == 0 else "", text)
    events(page, ask, obj)
    return page.lines()


def volume_attributes_class(obj: Obj, ask: Ask) -> list[str]:
    """The description of a VolumeAttributesClass."""
    page = Page()
    page.line(0, "Name:", meta(obj).get("name", ""))
    page.line(0, "Annotations:", pairs_text(meta(obj).get("annotations")))
    page.line(0, "DriverName:", obj.get("driverName", ""))
    page.line(0, "Parameters:", pairs_text(obj.get("parameters")))
    events(page, ask, obj)
    return page.lines()


def csi_node(obj: Obj, ask: Ask) -> list[str]:
    """The description of a CSINode."""
    page = Page()
    titled(page, obj, namespace=False)
    page.line(0, "CreationTimestamp:", moment(meta(obj).get("creationTimestamp")))
    page.line(0, "Spec:")
    drivers = (obj.get("spec") or {}).get("drivers") or []
    if drivers:
        page.line(1, "Drivers:")
    for driver in drivers:
        page.line(2, f"{driver.get('name', '')}:")
        page.line(3, "Node ID:", driver.get("nodeID", ""))
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None:
            page.line(3, "Allocatables:")
            page.line(4, "Count:", count)
        if driver.get("topologyKeys"):
            page.line(3, "Topology Keys:", small(driver["topologyKeys"]))
    events(page, ask, obj)
    return page.lines()
