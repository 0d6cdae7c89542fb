"""VolumeAttachment: the wish to have a volume attached to a node, and what came of it. Drivers act on it."""

from kk.base import names
from kk.base.errors import FieldError, forbidden_value, invalid_value, required
from kk.kinds._checks import IMMUTABLE, Errors, Obj, bad, fill, go_value, section
from kk.kinds._persistentvolume import check_volume_spec, default_volume_spec
from kk.kinds._storage import check_driver
from kk.kinds.kind import AGE, Column, Kind

_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
_LONGEST_MESSAGE, _LARGEST_METADATA = 1024, 256 * 1024


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    spec = section(obj, "spec")
    inline = section(spec, "source").get("inlineVolumeSpec")
    if inline is not None:
        default_volume_spec(inline)
    fill(section(obj, "status"), "attached", False)


def prepare_create(obj: Obj) -> None:
    """Only the driver says what is attached."""
    obj["status"] = {"attached": False}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The whole spec is fixed at creation."""
    spec = obj["spec"]
    source = spec.get("source") or {}
    yield from check_driver("spec.attacher", spec.get("attacher") or "")
    yield from _source("spec.source", source)
    node = spec.get("nodeName") or ""
    yield from bad("spec.nodeName", node, names.dns_subdomain(node))
    if old is not None and spec != old["spec"]:
        shown = go_value(source, "PersistentVolumeName", "InlineVolumeSpec")
        yield invalid_value("spec", go_value(spec, "Attacher", "Source", "NodeName", Source=shown), IMMUTABLE)


def _source(path: str, source: Obj) -> Errors:
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and name is None:
        yield required(path, _ONE)
    elif inline is not None and name is not None:
        yield forbidden_value(path, _ONE)
    elif name is not None:
        if not name:
            yield required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName")
        yield from bad(f"{path}.persistentVolumeName", name, names.dns_subdomain(name))
    elif inline is not None:
        yield from check_volume_spec(f"{path}.inlineVolumeSpec", inline, "", inline_csi=True)


def validate_status(obj: Obj, old: Obj) -> Errors:
    """What the driver reports is small."""
    status = obj.get("status") or {}
    size = sum(len(k) + len(v) for k, v in (status.get("attachmentMetadata") or {}).items())
    for key in status.get("attachmentMetadata") or {}:
        if not key:
            yield invalid_value("status.attachmentMetadata", key, "field can not be empty.")
    if size > _LARGEST_METADATA:
        yield FieldError(
            "FieldValueTooLong", "status.attachmentMetadata", None, f"may not be more than {_LARGEST_METADATA} bytes"
        )
    for field in ("attachError", "detachError"):
        error = status.get(field) or {}
        if len(error.get("message") or "") > _LONGEST_MESSAGE:
            yield FieldError(
                "FieldValueTooLong", f"status.{field}.message", None, f"may not be more than {_LONGEST_MESSAGE} bytes"
            )
        code = error.get("errorCode")
        if code is not None and code < 0:
            yield invalid_value(f"status.{field}.errorCode", code, "must be greater than or equal to 0")


def _volume(obj: Obj) -> str:
    return ((obj.get("spec") or {}).get("source") or {}).get("persistentVolumeName") or ""


KIND = Kind(
    "storage.k8s.io/v1",
    "VolumeAttachment",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    columns=(
        Column("Attacher", ".spec.attacher", format="name"),
        Column("PV", _volume, describes=".spec.source.persistentVolumeName"),
        Column("Node", ".spec.nodeName"),
        Column("Attached", ".status.attached", "boolean"),
        AGE,
    ),
    status=True,
    generation=False,
    unconditional_update=False,
)
