"""A served resource as seen through the shelf that stores it: conversion between versions, columns, encoded forms.

One stored form, one cache; another version is converted on the way out and in. Holds no objects.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import msgspec

from kk.kinds.kind import Conversion, Resource
from kk.server import protobuf, protobuf_write
from kk.server.cache import Cache, Item, Shelf
from kk.server.encoding import Obj, decode, encode, head_of, metadata_in_order, with_revision
from kk.server.tables import Printer, partial, row_of

#: resources whose objects hold expressions; kk.server.cel.kinds compiles them
_HOLD_CEL = frozenset(
    (
        ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("resource.k8s.io", "deviceclasses"),
        ("resource.k8s.io", "resourceclaims"),
        ("resource.k8s.io", "resourceclaimtemplates"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
    )
)

_PARTIAL_HEAD = b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/%b","metadata":%b}'

#: bytes of protobuf messages that a view keeps, and of the items they are of
_MESSAGES = 8 * 1024 * 1024


class View:
    """See the module's docstring. `shelf` is None for resources that are never stored."""

    def __init__(self, resource: Resource, shelf: Shelf):
        self.resource, self.shelf = resource, shelf
        self.strategy = resource.strategy
        self.head = head_of(resource.api_version, resource.kind)
        self.list_kind = resource.list_kind or f"{resource.kind}List"
        self.list_head = b'{"kind":"%b","apiVersion":"%b","metadata":' % (
            self.list_kind.encode(),
            resource.api_version.encode(),
        )
        #: metadata of a list that is told whole: upstream's type for custom resources writes an empty token too
        self.list_metadata = (
            b'{"continue":"","resourceVersion":"%d"}' if resource.custom else b'{"resourceVersion":"%d"}'
        )
        self.conversion = self._conversion()
        self.deprecated = self.conversion.deprecated if self.conversion is not None else self.strategy.deprecated
        #: whether lists tell a version: what is computed on each read has none
        self.versioned = resource.kind != "ComponentStatus"
        self._compiled = (resource.group, resource.plural) in _HOLD_CEL
        self._printer: Printer | None = None
        self._messages: dict[str, tuple[Item, bytes]] = {}
        self._size = 0  # bytes in there

    def _conversion(self) -> Conversion | None:
        if self.resource.api_version == self.resource.storage_version:
            return None
        for conversion in self.shelf.resource.strategy.conversions:
            if conversion.api_version == self.resource.api_version:
                return conversion
        return None

    @property
    def printer(self) -> Printer:
        """The columns of this version; conversions without columns of their own show the stored version's."""
        if self._printer is None:
            columns = self.strategy.columns
            if self.conversion is not None and self.conversion.columns is not None:
                columns = self.conversion.columns
            # columns are made for the stored version, and so are the texts that explain them
            self._printer = Printer(self.shelf.resource, columns)
        return self._printer

    @property
    def no_rows(self) -> list[Obj] | None:
        """The rows of an empty Table: kinds without columns of their own have none at all."""
        return None if self.strategy.columns is None else []

    def validate(self, obj: Obj, old: Obj | None) -> Any:
        """Faults of a stored object that was written in this version."""
        own = self.conversion.validate if self.conversion is not None else None
        found = (own or self.shelf.resource.strategy.validate)(obj, old)
        if self._compiled:
            from kk.server.cel import kinds

            own_faults = kinds.faults((self.shelf.resource.group, self.resource.plural), obj, old)
            return kinds.merged(list(found), own_faults)
        return found

    # out

    def rest(self, item: Item) -> bytes:
        """An item's JSON after kind and apiVersion, in this version."""
        if self.conversion is None:
            return item.rest
        obj = self.obj(item)
        ordered: Obj = {"metadata": metadata_in_order(obj["metadata"])}
        ordered.update((k, v) for k, v in obj.items() if k not in ("metadata", "kind", "apiVersion"))
        return with_revision(encode(ordered), item.revision)[1:]

    def whole(self, item: Item) -> bytes:
        """An object in this version, encoded."""
        return self.head + self.rest(item)

    def obj(self, item: Item) -> Obj:
        """An object in this version, decoded; the caller owns it."""
        obj = decode(self.shelf.head + item.rest)
        return self.from_stored(obj)

    def from_stored(self, obj: Obj) -> Obj:
        """A stored object (a dict that the caller owns) in this version."""
        if self.conversion is not None:
            obj = self.conversion.from_stored(obj)
        obj["kind"], obj["apiVersion"] = self.resource.kind, self.resource.api_version
        return obj

    def to_stored(self, obj: Obj) -> Obj:
        """An object of this version in the stored one."""
        if self.conversion is not None:
            obj = self.conversion.to_stored(obj)
            obj["kind"], obj["apiVersion"] = self.shelf.resource.kind, self.shelf.resource.storage_version
        return obj

    def raw_message(self, item: Item) -> bytes:
        """An item as a protobuf message, without its envelope; what was asked for lately is kept."""
        kept = self._messages.get(item.key)
        if kept is not None and kept[0] is item:
            return kept[1]
        raw = protobuf_write.message(self._message_type)(decode(self.head + self.rest(item)))
        self._size += len(raw) + len(item.rest)
        if self._size > _MESSAGES:
            self._messages.clear()
            self._size = 0
        self._messages[item.key] = (item, raw)
        return raw

    @functools.cached_property
    def _message_type(self) -> str:
        return protobuf.type_of(self.resource.api_version, self.resource.kind)

    def message(self, item: Item) -> bytes:
        """An item in protobuf, whole."""
        return protobuf_write.envelope(self.resource.api_version, self.resource.kind, self.raw_message(item))

    def _shown(self, rest: bytes) -> bytes:
        """The part of an object that its metadata are shown from: upstream shows those of its inner form."""
        hidden = self.strategy.hidden_annotation
        if not hidden or hidden.encode() not in rest:
            return rest
        obj = decode(b"{" + rest)
        annotations = obj["metadata"].get("annotations") or {}
        annotations.pop(hidden, None)
        if not annotations:
            obj["metadata"].pop("annotations", None)
        return encode(obj)[1:]

    def partial(self, item: Item, version: str) -> bytes:
        """An item as PartialObjectMetadata."""
        return partial(self._shown(item.rest), version)

    def row(self, item: Item, include: str, version: str, now: float) -> Obj:
        """An item as a row of a Table."""
        rest = self.rest(item)
        return row_of(self.printer, self.head + rest, self._shown(rest), include, now, version)

    def table(self, rows: list[Obj] | None, metadata: Obj, version: str, definitions: bool = True) -> bytes:
        """Rows as an encoded Table."""
        return encode(self.printer.table(rows, metadata, version, definitions))


class Views:
    """Views of all served resources, made on first use."""

    def __init__(self, resources: dict[tuple[str, str, str], Resource], cache: Cache):
        self._resources, self._cache = resources, cache
        self._views: dict[tuple[str, str, str], View | None] = {}
        self.custom: Callable[[Resource], View | None] = lambda resource: (
            None
        )  # what makes the views of custom resources

    def get(self, key: tuple[str, str, str]) -> View | None:
        """The view of (group, version, plural), or None where nothing is stored under it."""
        if key in self._views:
            return self._views[key]
        resource = self._resources.get(key)
        view = None
        if resource is not None and resource.custom:
            view = self.custom(resource)
        elif resource is not None:
            group = resource.storage_version.rpartition("/")[0]
            shelf = self._cache.shelves.get((group, resource.plural))
            view = View(resource, shelf) if shelf is not None else None
        self._views[key] = view
        return view

    def forget(self, key: tuple[str, str, str]) -> None:
        """A resource changed or is no longer served."""
        self._views.pop(key, None)


def clock() -> float:
    """Now, as a POSIX time: ages in tables follow the wall clock."""
    return time.time()


def raw(data: bytes) -> Any:
    """Encoded JSON to stand inside of something that is encoded later."""
    return msgspec.Raw(data)
