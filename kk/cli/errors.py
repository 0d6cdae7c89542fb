"""Errors of the command line, and the one place that words them: kubectl's grammar and exit codes.

Nothing here prints; kk.cli.main does, once, at the end.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class CommandError(Exception):
    """Something is wrong with what was asked: printed as `error: …`, exit status 1."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.code = code


class UsageError(CommandError):
    """The command line itself is wrong: the hint at the help of the command follows."""

    def __init__(self, message: str, command: str = ""):
        super().__init__(message)
        self.command = command


class FlagError(UsageError):
    """A flag that does not exist or has a bad value (the parser's; its hint is worded otherwise)."""


class Plain(CommandError):
    """A message that is printed as it is, without `error: `."""


def no_resource(word: str) -> Plain:
    """The error for a resource that is not served, as verbs tell it that look it up themselves."""
    return Plain(f'the server doesn\'t have a resource type "{word}"')


class ExitStatus(Exception):
    """Leave with this status, everything having been said already."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


class Several(Exception):
    """Faults of several objects, each told on a line of its own."""

    def __init__(self, errors: Sequence[Exception]):
        super().__init__("; ".join(str(e) for e in errors))
        self.errors = list(errors)


def raise_all(errors: Sequence[Exception]) -> None:
    """Raise what was collected: nothing, the one, or Several."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Several(errors)


def located(error: Exception, doing: str, source: str) -> Exception:
    """The error with `error when creating "file": ` before its message, as errors about an object of a file are told."""
    if not source:
        return error
    prefix = f'error when {doing} "{source}": '
    status = getattr(error, "status", None)
    if isinstance(status, dict):
        from kk.base.errors import StatusError

        return StatusError.from_status({**status, "message": prefix + str(status.get("message") or "")})
    return CommandError(prefix + str(error))


def quoted(text: str) -> str:
    """The text in double quotes, control characters as Go's %q has them."""
    marks = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    shown = (marks.get(c) or (f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else c) for c in text)
    return '"' + "".join(shown) + '"'


def _invalid(status: dict) -> str:
    details = status.get("details")
    head, message = "The request is invalid", status.get("message") or ""
    if not details:
        return f"{head}: {message}" if message else head
    if details.get("kind") or details.get("name"):
        head = f"The {details.get('kind', '')} {quoted(details.get('name', ''))} is invalid"
    causes = list(dict.fromkeys(f"{c.get('field', '')}: {c.get('message', '')}" for c in details.get("causes") or ()))
    if len(causes) > 1:
        return "\n".join([head + ": ", *(f"* {c}" for c in causes)])
    told = causes[0] if causes else message
    return f"{head}: {told}" if told else head


def standard(error: Exception) -> str | None:
    """Words for answers of the server and faults of the connection; None for any other error."""
    status = getattr(error, "status", None)
    if isinstance(status, dict):
        reason, message = status.get("reason") or "", status.get("message") or ""
        if reason == "Unauthorized":
            return f"error: You must be logged in to the server ({message})"
        return f"Error from server ({reason}): {message}" if reason else f"Error from server: {message}"
    if type(error).__name__ == "Unreachable":
        text = str(error)
        if text.startswith("dial tcp ") and "connection refused" in text:
            host = text.split()[2].rstrip(":")
            return f"The connection to the server {host} was refused - did you specify the right host or port?"
        return f"Unable to connect to the server: {text}"
    return None


def words(error: Exception) -> str:
    """The text for people of any error that a verb may raise."""
    if isinstance(error, Several):
        return "\n".join(standard(e) or str(e) for e in error.errors)
    if isinstance(error, Plain):
        return str(error)
    status = getattr(error, "status", None)
    if isinstance(status, dict) and status.get("reason") == "Invalid":
        return _invalid(status)
    told = standard(error)
    if told is not None:
        return told
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if not text.startswith("error: "):
        text = f"error: {text}"
    if isinstance(error, FlagError):
        return f"{text}\nSee '{error.command} --help' for usage."
    if isinstance(error, UsageError):
        return f"{text}\nSee '{error.command} -h' for help and examples"
    return text
