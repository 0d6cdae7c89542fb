"""List options as values: selectors, versions, limits and continue tokens, checked with the words of upstream.

Pure but for the shelf that it picks items from.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from kk.base import selectors
from kk.base.errors import FieldError, StatusError, bad_request, expired, forbidden_value, invalid, not_supported
from kk.server.cache import Item, Shelf
from kk.server.context import RequestInfo
from kk.server.views import View

_BEYOND = 2**63
_COMMON = ("metadata.name", "metadata.namespace")


@dataclass(slots=True)
class ListOptions:
    """What a list or watch asks for; labels and fields are None where everything matches. `exact` is a revision, 0 for the newest."""

    namespace: str = ""
    name: str = ""
    labels: Any = None
    fields: Any = None
    limit: int = 0
    start: str = ""
    exact: int = 0
    version: str = ""
    match: str = ""
    continued: bool = False
    renamed: dict[str, str] | None = None

    @property
    def everything(self) -> bool:
        """No selector at all."""
        return self.labels is None and self.fields is None and not self.name


def integer(info: RequestInfo, key: str) -> int | None:
    """An integer of the query, None where it is not there. Raises 400."""
    values = info.query.get(key)
    if values is None:
        return None
    text = values[0]
    try:
        number = int(text)
        if "_" in text or text.strip() != text:
            raise ValueError(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if not -_BEYOND <= number < _BEYOND:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": value out of range')
    return number


def list_options(info: RequestInfo, view: View) -> ListOptions:
    """The options of a list or watch request. Raises StatusError."""
    shelf = view.shelf
    options = ListOptions(namespace=info.namespace if shelf.resource.namespaced else "")
    if len(info.parts) > 1:
        options.name = info.parts[1]
    if not info.raw_query:
        return options
    options.limit = max(0, integer(info, "limit") or 0)
    integer(info, "timeoutSeconds")
    parse_selectors(info, view, options)
    options.version, options.match = info.param("resourceVersion"), info.param("resourceVersionMatch")
    token = info.param("continue")
    faults = list(_match_faults(options, token, info))
    if faults:
        raise invalid("ListOptions", "meta.k8s.io", "", faults)
    if token:
        options.continued = True
        options.exact, options.start = decode_continue(token, shelf, options.namespace)
        if options.version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
    return options


def _match_faults(options: ListOptions, token: str, info: RequestInfo) -> "list[FieldError]":
    match, version, faults = options.match, options.version, []
    watching = info.verb == "watch"
    initial = info.query.get("sendInitialEvents") if watching else None
    if initial is not None:
        if match != "NotOlderThan":
            text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            faults.append(forbidden_value("resourceVersionMatch", text))
    elif match and watching:
        faults.append(
            forbidden_value(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
        )
    elif match:
        if not version:
            faults.append(
                forbidden_value(
                    "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"
                )
            )
        if token:
            faults.append(
                forbidden_value("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
            )
        if match not in ("Exact", "NotOlderThan"):
            faults.append(not_supported("resourceVersionMatch", match, ("Exact", "NotOlderThan", "")))
        if match == "Exact" and version == "0":
            faults.append(
                forbidden_value(
                    "resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
                )
            )
    return faults


def parse_selectors(info: RequestInfo, view: View, options: ListOptions) -> None:
    """Fill labels and fields. Raises 400."""
    text = info.param("labelSelector")
    if text:
        try:
            options.labels = selectors.parse_labels(text)
        except ValueError as error:
            raise bad_request(str(error)) from None
        if not options.labels.requirements:
            options.labels = None
    text = info.param("fieldSelector")
    if text:
        try:
            options.fields = selectors.parse_fields(text)
        except ValueError as error:
            raise bad_request(str(error)) from None
        _check_fields(options, view)


def _check_fields(options: ListOptions, view: View) -> None:
    if not options.fields.requirements:
        options.fields = None
        return
    selectable: Any = view.shelf.resource.strategy.selectable
    if view.conversion is not None and view.conversion.selectable is not None:
        selectable = options.renamed = view.conversion.selectable
    for field, _, _ in options.fields.requirements:
        if field not in _COMMON and field not in selectable:
            if selectable or view.resource.custom:
                raise bad_request(f"field label not supported: {field}")
            raise bad_request(f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"')


def matches(options: ListOptions, shelf: Shelf, item: Item) -> bool:
    """Whether an item is selected; the namespace is not looked at."""
    if options.name and item.key.rpartition("/")[2] != options.name:
        return False
    if options.labels is not None and not options.labels.matches(item.labels or {}):
        return False
    if options.fields is None:
        return True
    renamed = options.renamed
    if renamed is not None:
        return bool(options.fields.matches(lambda field: shelf.field(item, renamed.get(field) or field)))
    return bool(options.fields.matches(lambda field: shelf.field(item, field)))


def select(options: ListOptions, shelf: Shelf) -> list[Item]:
    """The selected items of the newest state, in key order, after options.start."""
    items = shelf.items
    pinned = _pinned(options, shelf)
    keys = shelf.span(options.namespace, options.start) if pinned is None else pinned
    if pinned and options.start:
        keys = [k for k in keys if k > options.start]
    if options.everything:
        return [items[k] for k in keys]
    return [items[k] for k in keys if matches(options, shelf, items[k])]


def page(options: ListOptions, shelf: Shelf) -> tuple[list[Item], int]:
    """The first options.limit of what `select` gives, and how many follow; a page of everything costs no more than the page."""
    if not options.everything or not options.limit:
        return cut(options, select(options, shelf))
    low, high = shelf.bounds(options.namespace, options.start)
    end = min(high, low + options.limit)
    return [shelf.items[k] for k in shelf.keys[low:end]], high - end


def cut(options: ListOptions, items: list[Item]) -> tuple[list[Item], int]:
    """The first options.limit items, and how many follow."""
    if options.limit and len(items) > options.limit:
        return items[: options.limit], len(items) - options.limit
    return items, 0


def _pinned(options: ListOptions, shelf: Shelf) -> list[str] | None:
    """The one key that a field selector on the name leaves, where it does."""
    name = options.name
    if options.fields is not None:
        for field, operator, value in options.fields.requirements:
            if field == "metadata.name" and operator in ("=", "=="):
                name = value
    if not name or (shelf.resource.namespaced and not options.namespace):
        return None
    key = f"{options.namespace}/{name}" if shelf.resource.namespaced else name
    return [key] if key in shelf.items else []


# continue tokens


def encode_continue(revision: int, last: str, namespace: str) -> str:
    """The token that continues after a key; keys in it are relative to the namespace that was listed."""
    start = last[len(namespace) + 1 :] if namespace else last
    data = {"v": "meta.k8s.io/v1", "rv": revision, "start": start + "\u0000"}
    return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).rstrip(b"=").decode()


def decode_continue(token: str, shelf: Shelf, namespace: str) -> tuple[int, str]:
    """(revision, last key) of a token; revision -1 asks for the newest state. Raises 400."""
    data = _token_data(token)
    version, revision, start = data.get("v", ""), data.get("rv", 0), data.get("start", "")
    if version != "meta.k8s.io/v1":
        raise _bad_token(f"server does not recognize this encoded version {version}")
    if not isinstance(revision, int) or revision == 0:
        raise _bad_token(f"incorrect encoded start resourceVersion (version {version})")
    if not isinstance(start, str) or not start:
        raise _bad_token(f"encoded start key empty (version {version})")
    if "/../" in f"/{start}/" or start.startswith("/"):
        raise _bad_token(start)
    start = start.rstrip("\u0000")
    return revision, f"{namespace}/{start}" if namespace else start


def _token_data(token: str) -> dict[str, Any]:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if len(token) % 4 == 1:
            raise binascii.Error
    except (binascii.Error, ValueError):
        raise _bad_token(f"illegal base64 data at input byte {max(0, len(token) - 1)}") from None
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        first = raw[:1].decode("latin-1")
        why = f"invalid character '{first}' looking for beginning of value" if first else "unexpected end of JSON input"
        raise _bad_token(why) from None
    return data if isinstance(data, dict) else {}


def _bad_token(why: str) -> StatusError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


def token_expired(options: ListOptions) -> StatusError:
    """410 for a continue token whose revision is compacted, with a token that goes on inconsistently."""
    error = expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
        "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
        "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the "
        "first chunk was returned and now may show up in the list."
    )
    error.status["metadata"] = {"continue": encode_continue(-1, options.start, options.namespace)}
    return error
