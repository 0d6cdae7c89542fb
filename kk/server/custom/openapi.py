"""Schemas of custom resources as OpenAPI definitions of version 3 (whole) and version 2 (what kubectl's checks of that version can bear).

What is left out of version 2 follows k8s.io/apiextensions-apiserver `pkg/controller/openapi/v2`.
"""

from typing import TYPE_CHECKING, Any

from kk.server.custom.schema import EITHER, EMBEDDED, PRESERVE
from kk.server.openapi.descriptions import Descriptions

if TYPE_CHECKING:
    from kk.server.custom.resource import Custom

Obj = dict[str, Any]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_EITHER = [{"type": "integer"}, {"type": "string"}]
#: extensions that only the server reads
_LOGIC = ("oneOf", "anyOf", "allOf", "not")


def definitions(resource: "Custom", name: str, three: bool) -> dict[str, Obj]:
    """The definitions of a version's kind and of its list, by name."""
    prefix = "#/components/schemas/" if three else "#/definitions/"
    own = _schema(resource.raw_schema(), three)
    if not three and PRESERVE in own:
        own = {k: v for k, v in own.items() if k in ("description", PRESERVE)}
    properties = own.setdefault("properties", {})
    own["type"] = "object"
    text = f"Standard object's metadata. More info: {_CONVENTIONS}#metadata"
    properties.update(_typed(), metadata=_reference(prefix + _META + "ObjectMeta", text, three))
    kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
    own["x-kubernetes-group-version-kind"] = [kind]
    text = f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds"
    listed = {
        "description": f"{resource.list_kind} is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            **_typed(),
            "items": {
                "description": f"List of {resource.plural}. More info: {_CONVENTIONS}",
                "type": "array",
                "items": {"$ref": prefix + name},
            },
            "metadata": _reference(prefix + _META + "ListMeta", text, three),
        },
        "x-kubernetes-group-version-kind": [{**kind, "kind": resource.list_kind}],
    }
    return {name: own, f"{name}List": listed}


def _typed() -> Obj:
    texts = Descriptions().of(_META + "DeleteOptions")[1]
    return {key: {"description": texts.get(key, ""), "type": "string"} for key in ("apiVersion", "kind")}


def _reference(target: str, text: str, three: bool) -> Obj:
    if three:
        return {"description": text, "allOf": [{"$ref": target}]}
    return {"description": text, "$ref": target}


def _schema(raw: Obj, three: bool) -> Obj:
    """One place of a schema, and all below it."""
    if not three and raw.get("nullable"):  # the old form cannot say it, and so says nothing
        return {"description": raw["description"]} if raw.get("description") else {}
    out: Obj = {}
    for key, value in raw.items():
        if not three and (key in _LOGIC or key in ("default", "nullable")):
            continue
        if key == "properties":
            out[key] = {name: _schema(inner, three) for name, inner in value.items()}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            out[key] = _schema(value, three)
        elif key in ("oneOf", "anyOf", "allOf"):
            out[key] = [_schema(inner, three) for inner in value]
        else:
            out[key] = value
    if out.get(EITHER) and three and not any(key in out for key in ("anyOf", "allOf")):
        out["anyOf"] = [dict(choice) for choice in _EITHER]
    if not three and out.get(PRESERVE):
        for key in ("type", "items", "properties", "additionalProperties", "required"):
            out.pop(key, None)
    if not three and out.get("required"):
        nullable = {name for name, inner in (raw.get("properties") or {}).items() if inner.get("nullable")}
        out["required"] = [name for name in out["required"] if name not in nullable]
        if not out["required"]:
            del out["required"]
    if out.get(EMBEDDED):
        _embed(out, three)
    return out


def _embed(out: Obj, three: bool) -> None:
    prefix = "#/components/schemas/" if three else "#/definitions/"
    text = f"Standard object's metadata. More info: {_CONVENTIONS}#metadata"
    known = {**_typed(), "metadata": _reference(prefix + _META + "ObjectMeta", text, three)}
    if three or PRESERVE not in out:
        out["properties"] = {**out.get("properties", {}), **known}
    out["required"] = sorted({*out.get("required", ()), "apiVersion", "kind"})
