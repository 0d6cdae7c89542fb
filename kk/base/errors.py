"""Errors as values of the protocol: one `StatusError`, a constructor per reason, and field errors as a list.

The shapes and words follow k8s.io/apimachinery `pkg/api/errors/errors.go` and `pkg/util/validation/field/errors.go`.
Nothing here prints: the server writes `.status` on the wire, the command line prints it in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any

_REASON_TEXT = {
    "FieldValueRequired": "Required value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueNotFound": "Not found",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "FieldValueTypeInvalid": "Invalid value",
    "InternalError": "Internal error",
}
#: reasons whose text shows no value
_WITHOUT_VALUE = (
    "FieldValueRequired",
    "FieldValueForbidden",
    "FieldValueTooLong",
    "InternalError",
)

#: as the value of a FieldError: the text shows none
OMITTED: Any = object()


_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    '"': r"\"",
    "\\": r"\\",
}


def _quoted(text: str) -> str:
    """A text with signs that are not printed, as Go quotes it."""
    out = ""
    for sign in text:
        number = ord(sign)
        if sign in _ESCAPES:
            out += _ESCAPES[sign]
        elif sign.isprintable():
            out += sign
        else:
            out += f"\\x{number:02x}" if number < 128 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
    return f'"{out}"'


def show(value: Any) -> str:
    """A value as upstream's messages show it: strings quoted, booleans and numbers bare, the rest as JSON."""
    if value is None:
        return "null"
    if isinstance(value, str) and not value.isprintable():
        return _quoted(value)
    if isinstance(value, (dict, list, str)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class FieldError:
    """One fault of an object: its reason (a `FieldValue…` cause), the path of the field, the value, and the detail.

    Not a dataclass: the command line imports this module on every start, and `dataclasses` alone would cost it 7 ms.
    """

    __slots__ = ("reason", "field", "value", "detail")

    def __init__(self, reason: str, field: str, value: Any = None, detail: str = ""):
        self.reason, self.field, self.value, self.detail = reason, field, value, detail

    def _parts(self) -> tuple[str, str, str, str]:
        return self.reason, self.field, show(self.value), self.detail

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldError) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return f"FieldError({self.reason!r}, {self.field!r}, {self.value!r}, {self.detail!r})"

    @property
    def body(self) -> str:
        """The text without the path, as `details.causes[].message` carries it."""
        text = _REASON_TEXT[self.reason]
        if self.reason not in _WITHOUT_VALUE and self.value is not OMITTED:
            text += f": {show(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    def cause(self) -> dict[str, str]:
        """The fault as a StatusCause."""
        return {"reason": self.reason, "message": self.body, "field": self.field}


def required(field: str, detail: str = "") -> FieldError:
    """A value that must be there is missing."""
    return FieldError("FieldValueRequired", field, None, detail)


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    """A value of the right type that is not acceptable."""
    return FieldError("FieldValueInvalid", field, value, detail)


def duplicate(field: str, value: Any) -> FieldError:
    """A value that stands twice where it may stand once."""
    return FieldError("FieldValueDuplicate", field, value)


def forbidden_value(field: str, detail: str) -> FieldError:
    """A value that may not be set here."""
    return FieldError("FieldValueForbidden", field, None, detail)


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """A value outside a closed list; the message names the list, in its order."""
    listed = ", ".join(f'"{s}"' for s in supported)
    return FieldError("FieldValueNotSupported", field, value, f"supported values: {listed}" if listed else "")


def value_not_found(field: str, value: Any) -> FieldError:
    """A value that refers to something that is not there."""
    return FieldError("FieldValueNotFound", field, value)


def too_long(field: str, value: Any, most: int) -> FieldError:
    """A string over its limit, in bytes."""
    del value  # upstream shows no value here: it is long
    text = f"may not be more than {most} byte{'' if most == 1 else 's'}" if most >= 0 else "value is too long"
    return FieldError("FieldValueTooLong", field, None, text)


def too_many(field: str, actual: int, most: int) -> FieldError:
    """A list over its limit, in items."""
    return FieldError("FieldValueTooMany", field, actual, f"must have at most {most} item{'' if most == 1 else 's'}")


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    """A value of a wrong type (custom resources)."""
    return FieldError("FieldValueTypeInvalid", field, value, detail)


class StatusError(Exception):
    """An answer that is not a success: `.status` is the wire `Status` object."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None):
        super().__init__(message)
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
        }
        if details is not None:  # an empty one is shown too, where upstream shows it
            self.status["details"] = details
        self.status["code"] = code
        if not reason:
            del self.status["reason"]

    @classmethod
    def from_status(cls, status: dict[str, Any]) -> StatusError:
        """The error that a received Status object tells; its fields are kept as they came."""
        error = cls(int(status.get("code") or 500), status.get("reason") or "", status.get("message") or "")
        error.status = status
        return error

    @property
    def code(self) -> int:
        """The HTTP status."""
        return int(self.status.get("code") or 500)

    @property
    def reason(self) -> str:
        """The machine-readable reason, such as NotFound."""
        return str(self.status.get("reason") or "")

    @property
    def message(self) -> str:
        """The text for people."""
        return str(self.status.get("message") or "")

    @property
    def details(self) -> dict[str, Any]:
        """StatusDetails, or an empty dict."""
        return self.status.get("details") or {}


def qualified(resource: str, group: str) -> str:
    """`deployments.apps`, or `pods` for the core group."""
    return f"{resource}.{group}" if group else resource


def _details(name: str, group: str, kind: str, **more: Any) -> dict[str, Any]:
    found = {"name": name, "group": group, "kind": kind, **more}
    return {k: v for k, v in found.items() if v not in ("", None)}


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> StatusError:
    """401: no valid credentials."""
    return StatusError(401, "Unauthorized", message)


def forbidden(resource: str, group: str, name: str, why: str) -> StatusError:
    """403 for a resource; `why` begins with the user, as the authorizer or a plugin words it."""
    quoted = f' "{name}"' if name else ""
    message = f"{qualified(resource, group)}{quoted} is forbidden: {why}"
    return StatusError(403, "Forbidden", message, _details(name, group, resource))


def forbidden_path(message: str) -> StatusError:
    """403 for a path that is no resource."""
    return StatusError(403, "Forbidden", message, {})


def not_found(resource: str, group: str, name: str) -> StatusError:
    """404 for an object; `resource` is the plural."""
    message = f'{qualified(resource, group)} "{name}" not found'
    return StatusError(404, "NotFound", message, _details(name, group, resource))


def no_such_path() -> StatusError:
    """404 for a path or resource that is not served."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_supported(resource: str, group: str, verb: str) -> StatusError:
    """405: the resource has no such verb."""
    message = f'{verb} is not supported on resources of kind "{qualified(resource, group)}"'
    return StatusError(405, "MethodNotAllowed", message, _details("", group, resource))


def already_exists(resource: str, group: str, name: str) -> StatusError:
    """409: create of a name that is taken."""
    message = f'{qualified(resource, group)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(name, group, resource))


def conflict(resource: str, group: str, name: str, why: str) -> StatusError:
    """409: the object was modified, or a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {qualified(resource, group)} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(name, group, resource))


#: the `why` of a stale update, as upstream words it
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def expired(message: str = "The resourceVersion for the provided list is too old.") -> StatusError:
    """410: the version is compacted."""
    return StatusError(410, "Expired", message)


def gone(message: str) -> StatusError:
    """410: the thing is no longer here and will not be again."""
    return StatusError(410, "Gone", message)


def invalid(kind: str, group: str, name: str, errors: Iterable[FieldError]) -> StatusError:
    """422: every fault of the object at once, each once (upstream's aggregate drops repeats)."""
    errors = list(errors)
    texts = list(dict.fromkeys(str(e) for e in errors))
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    message = (
        f'{qualified(kind, group)} "{name}" is invalid: {joined}'
        if errors
        else f'{qualified(kind, group)} "{name}" is invalid'
    )
    details = _details(name, group, kind)
    if errors:
        details["causes"] = [e.cause() for e in errors]
    return StatusError(422, "Invalid", message, details)


def not_acceptable(message: str) -> StatusError:
    """406: no representation that the client accepts."""
    return StatusError(406, "NotAcceptable", message)


def unsupported_media_type(message: str) -> StatusError:
    """415: a body of a type that is not read here."""
    return StatusError(415, "UnsupportedMediaType", message)


def too_large(message: str = "Request entity too large: limit is 3145728") -> StatusError:
    """413: a body over the limit."""
    return StatusError(413, "RequestEntityTooLarge", message)


def too_many_requests(message: str, retry_after: int = 1, details: dict[str, Any] | None = None) -> StatusError:
    """429: come back later (seconds)."""
    return StatusError(
        429,
        "TooManyRequests",
        message,
        {**(details or {}), **({"retryAfterSeconds": retry_after} if retry_after else {})},
    )


def internal(message: str) -> StatusError:
    """500, in upstream's words."""
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})


def service_unavailable(message: str) -> StatusError:
    """503: something behind the server does not answer."""
    return StatusError(503, "ServiceUnavailable", message)


def timeout(message: str, retry_after: int = 1) -> StatusError:
    """504: it did not happen in time."""
    return StatusError(504, "Timeout", message, {"retryAfterSeconds": retry_after} if retry_after else {})
