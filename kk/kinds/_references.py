"""References to objects of other groups, as several kinds carry them: group, kind, name, and where they may lie."""

from kk.base import names
from kk.base.errors import required
from kk.kinds._checks import Errors, Obj, bad


def check_typed_reference(path: str, ref: Obj) -> Errors:
    """Faults of a TypedLocalObjectReference."""
    group = ref.get("apiGroup")
    if group is not None:
        yield from bad(f"{path}.apiGroup", group, names.dns_subdomain(group))
    for field in ("kind", "name"):
        value = ref.get(field) or ""
        if not value:
            yield required(f"{path}.{field}")
        else:
            yield from bad(f"{path}.{field}", value, names.path_segment(value))
