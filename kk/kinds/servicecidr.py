"""ServiceCIDR: ranges from which Services get their cluster addresses. The server's allocator reads them."""

from kk.base.errors import invalid_value, required
from kk.kinds import _addresses
from kk.kinds._checks import IMMUTABLE, Errors, Obj, each, fill, immutable, section
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    section(obj, "spec")
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """Only the controller says whether a range is ready."""
    obj["status"] = {}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """One range for each family; ranges never change, a second family may be added."""
    cidrs = obj["spec"].get("cidrs") or []
    before = old["spec"].get("cidrs") or [] if old is not None else None
    if before is None:
        yield from _ranges(cidrs)
    elif len(cidrs) == len(before) or (len(before) == 1 and len(cidrs) == 2):
        for i, cidr in enumerate(before):
            yield from immutable(f"spec.cidrs[{i}]", cidrs[i], cidr)
        if len(cidrs) > len(before):
            yield from _ranges(cidrs)
    else:
        yield invalid_value("spec.cidrs", cidrs, IMMUTABLE)


def _ranges(cidrs: list[str]) -> Errors:
    if not cidrs:
        yield required("spec.cidrs", "at least one CIDR required")
        return
    if len(cidrs) > 2:
        yield invalid_value("spec.cidrs", {"CIDRs": cidrs}, "may only hold up to 2 values")
        return
    for path, cidr in each("spec.cidrs", cidrs):
        yield from _addresses.cidr(path, cidr)
    families = [found.version for found in map(_addresses.parse_cidr, cidrs) if found is not None]
    if len(families) == 2 and len(set(families)) == 1:
        detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        yield invalid_value("spec.cidrs", cidrs, detail)


KIND = Kind(
    "networking.k8s.io/v1",
    "ServiceCIDR",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    columns=(
        Column("CIDRs", lambda obj: ",".join((obj.get("spec") or {}).get("cidrs") or []), describes=".spec.cidrs"),
        AGE,
    ),
    status=True,
    generation=False,
    describe=later("_describe_network", "service_cidr"),
)
