"""What kinds of the storage group share: driver names, class names, parameters.

Source of the words: `pkg/apis/storage/validation/validation.go` of Kubernetes.
"""

from kk.base import names
from kk.base.errors import FieldError, invalid_value, required
from kk.kinds._checks import Errors, Obj, bad

_LONGEST_DRIVER = 63
_MOST_PARAMETERS, _LARGEST_PARAMETERS = 512, 256 * 1024


def check_driver(path: str, name: str) -> Errors:
    """Faults of a CSI driver's name."""
    if not name:
        yield required(path)
    if len(name) > _LONGEST_DRIVER:
        yield FieldError("FieldValueTooLong", path, None, f"may not be more than {_LONGEST_DRIVER} bytes")
    if name:
        yield from bad(path, name, names.dns_subdomain(name.lower()))


def check_class(path: str, name: str) -> Errors:
    """Faults of the name of a class of storage."""
    yield from bad(path, name, names.dns_subdomain(name))


def check_parameters(path: str, parameters: Obj | None, needed: bool = False) -> Errors:
    """Faults of a class's parameters."""
    if needed and not parameters:
        yield required(path, "must contain at least one key/value pair")
        return
    found = parameters or {}
    if len(found) > _MOST_PARAMETERS:
        yield FieldError("FieldValueTooLong", path, None, f"may not be more than {_MOST_PARAMETERS} bytes")
        return
    for key in found:
        if not key:
            yield invalid_value(path, key, "field can not be empty.")
    if sum(len(k) + len(v) for k, v in found.items()) > _LARGEST_PARAMETERS:
        yield FieldError("FieldValueTooLong", path, None, f"may not be more than {_LARGEST_PARAMETERS} bytes")
