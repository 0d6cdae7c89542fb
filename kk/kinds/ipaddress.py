"""IPAddress: one address of a service range that is taken, and by what. The server's allocator makes them; the name is the address."""

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.kinds import _addresses
from kk.kinds._checks import IMMUTABLE, Errors, Obj, bad, go_value, section
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind


def default(obj: Obj) -> None:
    """A spec is always there."""
    section(obj, "spec")


def validate_name(name: str) -> list[str]:
    """A canonical address."""
    return [fault.detail for fault in _addresses.ip("", name)]


def validate(obj: Obj, old: Obj | None) -> Errors:
    """What holds the address never changes."""
    ref = obj["spec"].get("parentRef")
    if old is not None and ref != old["spec"].get("parentRef"):
        shown = go_value({"group": "", "namespace": "", **(ref or {})}, "Group", "Resource", "Namespace", "Name")
        yield invalid_value("spec.parentRef", shown if ref is not None else None, IMMUTABLE)
    if ref is None:
        yield required("spec.parentRef")
        return
    if ref.get("group"):
        yield from bad("spec.parentRef.group", ref["group"], names.dns_subdomain(ref["group"]))
    for field in ("resource", "name"):
        value = ref.get(field) or ""
        if not value:
            yield required(f"spec.parentRef.{field}")
        else:
            yield from bad(f"spec.parentRef.{field}", value, names.path_segment(value))
    if ref.get("namespace"):
        yield from bad("spec.parentRef.namespace", ref["namespace"], names.path_segment(ref["namespace"]))


def _parent(obj: Obj) -> str:
    ref = (obj.get("spec") or {}).get("parentRef") or {}
    resource = f"{ref.get('resource', '')}.{ref['group']}" if ref.get("group") else ref.get("resource", "")
    return "/".join(part for part in (resource.lower(), ref.get("namespace"), ref.get("name")) if part)


KIND = Kind(
    "networking.k8s.io/v1",
    "IPAddress",
    default=default,
    validate=validate,
    validate_name=validate_name,
    # upstream defines two columns and writes three cells; a column without a name is such a cell
    columns=(Column("ParentRef", _parent, describes=".spec.parentRef"), Column("", AGE.value, "date")),
    generation=False,
    describe=later("_describe_network", "ip_address"),
)
