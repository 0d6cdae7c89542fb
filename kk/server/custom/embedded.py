"""Whole objects inside of custom resources: their kind, apiVersion and metadata are read and judged as those of any object.

The rules are those of k8s.io/apiextensions-apiserver `pkg/apiserver/schema/objectmeta`. Also reads the metadata of the custom resource itself.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from kk.base import names
from kk.base.errors import FieldError, invalid_value, required, show
from kk.kinds import meta, types
from kk.kinds._walk import TypeFault, Walk
from kk.server.custom.schema import Schema

Obj = dict[str, Any]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
Errors = Iterator[FieldError]


class Malformed(ValueError):
    """Metadata that is none; the text is upstream's."""


def read_metadata(value: Any, path: str, unknown: list[str]) -> Obj:
    """Metadata by its type; paths of what the type does not know are added to `unknown`. Raises Malformed."""
    if value is None:
        return {}
    try:
        return types.convert(_META, value)
    except (msgspec.ValidationError, ValueError):
        pass  # the walk tells why
    walk = Walk()
    try:
        clean = walk.clean("#" + _META, value)
    except TypeFault as fault:
        raise Malformed(str(fault)) from None
    if walk.fault:
        raise Malformed(walk.fault)
    unknown += [f"{path}.{name}" for name in walk.unknown]
    return types.convert(_META, clean)


def coerce(value: Any, schema: Schema, unknown: list[str], path: str = "") -> None:
    """Read the metadata of embedded resources by its type, in place. Raises Malformed."""
    if not schema.grouped:
        return
    if type(value) is dict:
        for key, inner in list(value.items()):
            place = f"{path}.{key}" if path else key
            if schema.embedded and key in ("apiVersion", "kind") and not isinstance(inner, str):
                raise Malformed(f"{place}: Invalid value: {show(inner)}: must be a string")
            if schema.embedded and key == "metadata":
                value[key] = _metadata(inner, place, unknown)
            child = schema.fields.get(key) or schema.more
            if child is not None:
                coerce(inner, child, unknown, place)
    elif type(value) is list and schema.items is not None:
        for at, inner in enumerate(value):
            coerce(inner, schema.items, unknown, f"{path}[{at}]")


def _metadata(value: Any, path: str, unknown: list[str]) -> Obj:
    try:
        read = read_metadata(value, path, unknown)
    except Malformed as error:
        raise Malformed(f"{path}: Invalid value: {show(value)}: {error}") from None
    if read.get("creationTimestamp") is None:
        read.pop("creationTimestamp", None)
    return read


def faults(value: Any, schema: Schema, path: str = "") -> Errors:
    """What is wrong with embedded resources anywhere below a value."""
    if not schema.grouped:
        return
    if type(value) is dict:
        if schema.embedded:
            yield from _whole(value, path)
        for key, inner in value.items():
            child = schema.fields.get(key)
            if child is not None:
                yield from faults(inner, child, f"{path}.{key}" if path else key)
            elif schema.more is not None:
                yield from faults(inner, schema.more, f"{path}[{key}]")
    elif type(value) is list and schema.items is not None:
        for at, inner in enumerate(value):
            yield from faults(inner, schema.items, f"{path}[{at}]")


def _whole(obj: Obj, path: str) -> Errors:
    for key in ("apiVersion", "kind"):
        if key not in obj:
            yield required(f"{path}.{key}")
        elif not isinstance(obj[key], str):
            yield invalid_value(f"{path}.{key}", obj[key], "must be a string")
        elif not obj[key]:
            yield invalid_value(f"{path}.{key}", "", "must not be empty")
    api_version, kind = obj.get("apiVersion"), obj.get("kind")
    if isinstance(api_version, str) and api_version.count("/") > 1:
        yield invalid_value(f"{path}.apiVersion", api_version, f"unexpected GroupVersion string: {api_version}")
    if isinstance(kind, str) and kind:
        messages = names.dns1035_label(kind.lower())
        if messages:
            text = "may have mixed case, but should otherwise match: " + ",".join(messages)
            yield invalid_value(f"{path}.kind", kind, text)
    if "metadata" in obj:
        yield from _metadata_faults(obj["metadata"], f"{path}.metadata")


def _metadata_faults(value: Any, path: str) -> Errors:
    try:
        read = dict(read_metadata(value, path, []))
    except Malformed as error:
        yield invalid_value(path, value, str(error))
        return
    if not read.get("name"):
        read["name"] = "fakename"
    yield from meta.check(read, bool(read.get("namespace")), _path_segment, path)


def _path_segment(name: str) -> list[str]:
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in name]
