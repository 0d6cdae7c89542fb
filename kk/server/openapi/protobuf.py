"""An OpenAPI 2.0 document in the protobuf form that client-go asks for (gnostic's openapi.v2.Document), without a protobuf library.

Numbers are the fields of github.com/google/gnostic `openapiv2/OpenAPIv2.proto`; only what kk.server.openapi.documents makes is encoded.
"""

import json
from typing import Any

Obj = dict[str, Any]


def document(doc: Obj) -> bytes:
    """A whole document."""
    info = _text(1, doc["info"]["title"]) + _text(2, doc["info"]["version"])
    paths = b"".join(_part(2, _named(path, _path(item))) for path, item in doc["paths"].items())
    definitions = b"".join(_part(1, _named(name, _schema(s))) for name, s in doc["definitions"].items())
    return _text(1, doc["swagger"]) + _part(2, info) + _part(8, paths) + _part(9, definitions)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _part(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _part(field, text.encode()) if text else b""


def _flag(field: int, value: bool) -> bytes:
    return _varint(field << 3) + b"\x01" if value else b""


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _part(2, value)


def _any(value: Any) -> bytes:
    """An Any holds YAML; JSON is YAML."""
    return _text(2, json.dumps(value) + "\n")


def _extensions(field: int, found: Obj) -> bytes:
    return b"".join(_part(field, _named(k, _any(v))) for k, v in found.items() if k.startswith("x-"))


def _schema(found: Obj) -> bytes:
    out = _text(1, found.get("$ref", "")) + _text(2, found.get("format", "")) + _text(4, found.get("description", ""))
    if "default" in found:
        out += _part(5, _any(found["default"]))
    out += b"".join(_text(19, name) for name in found.get("required", ()))
    out += b"".join(_part(20, _any(value)) for value in found.get("enum", ()))
    if "additionalProperties" in found:
        out += _part(21, _part(1, _schema(found["additionalProperties"])))
    if "type" in found:
        out += _part(22, _text(1, found["type"]))
    if "items" in found:
        out += _part(23, _part(1, _schema(found["items"])))
    properties = found.get("properties")
    if properties:
        out += _part(25, b"".join(_part(1, _named(name, _schema(s))) for name, s in properties.items()))
    return out + _extensions(31, found)


def _path(item: Obj) -> bytes:
    out = b""
    for field, method in ((2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")):
        if method in item:
            out += _part(field, _operation(item[method]))
    return out + b"".join(_part(9, _parameter(p)) for p in item.get("parameters", ()))


def _operation(found: Obj) -> bytes:
    out = b"".join(_text(1, tag) for tag in found.get("tags", ())) + _text(5, found.get("operationId", ""))
    out += b"".join(_text(6, media) for media in found.get("produces", ()))
    out += b"".join(_text(7, media) for media in found.get("consumes", ()))
    out += b"".join(_part(8, _parameter(p)) for p in found.get("parameters", ()))
    answers = b"".join(_part(1, _named(code, _part(1, _response(r)))) for code, r in found["responses"].items())
    schemes = b"".join(_text(10, scheme) for scheme in found.get("schemes", ()))
    return out + _part(9, answers) + schemes + _extensions(13, found)


def _response(found: Obj) -> bytes:
    out = _text(1, found["description"])
    return out + (_part(2, _part(1, _schema(found["schema"]))) if "schema" in found else b"")


def _parameter(found: Obj) -> bytes:
    """A ParametersItem."""
    if found["in"] == "body":
        body = (
            _text(2, found["name"])
            + _text(3, "body")
            + _flag(4, found.get("required", False))
            + _part(5, _schema(found["schema"]))
        )
        return _part(1, _part(1, body))
    head = _flag(1, found.get("required", False)) + _text(2, found["in"]) + _text(3, found.get("description", ""))
    head += _text(4, found["name"])
    if found["in"] == "path":
        return _part(1, _part(2, _part(4, head + _text(5, found["type"]))))
    query = head + _text(6, found["type"]) + _flag(20, found.get("uniqueItems", False))
    return _part(1, _part(2, _part(3, query)))
