"""Operations of OpenAPI documents: their names (code generators make methods of them), parameters, bodies and answers.

What paths there are is kk.server.openapi.documents' affair.
"""

from typing import Any

from kk.kinds.kind import Resource
from kk.server.openapi.schemas import META, Obj

Parameters = tuple[tuple[str, str, str], ...]
_VERBS = {"get": "read", "post": "create", "put": "replace", "deletecollection": "delete"}
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_FORMS = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_STREAMS = ("application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch")
#: what a success is, by the operation's action
_ANSWERS = {
    "post": {"200": "OK", "201": "Created", "202": "Accepted"},
    "put": {"200": "OK", "201": "Created"},
    "patch": {"200": "OK", "201": "Created"},
    "delete": {"200": "OK", "202": "Accepted"},
}


def group_name(group: str) -> str:
    """A group as names of operations have it: rbac.authorization.k8s.io is rbacAuthorization, the core group core."""
    first, *others = (group.removesuffix(".k8s.io") or "core").split(".")
    return first + "".join(_title(part) for part in others)


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]


def name_of(r: Resource, action: str, sub: str = "", everywhere: bool = False, method: str = "") -> str:
    """The name of an operation: readAppsV1NamespacedDeploymentScale."""
    words = [_VERBS.get(action, action), _title(group_name(r.group)), _title(r.version)]
    if action == "deletecollection":
        words.append("Collection")
    if action == "connect":
        words.append(_title(method))
    if r.namespaced and not everywhere:
        words.append("Namespaced")
    words += [r.kind, _title(sub)]
    if everywhere:
        words.append("ForAllNamespaces")
    return "".join(words)


def operation(
    version: int,
    action: str,
    kind: dict[str, str],
    params: Parameters,
    body: str,
    out: str,
    name: str = "",
    tag: str = "",
) -> Obj:
    """One operation of an OpenAPI document of `version` (2 or 3).

    `body` and `out` are definitions, "" for none; a body "*" is a patch of any kind, "+" one without strategic merge.
    """
    found: Obj = {"x-kubernetes-action": action, **({"x-kubernetes-group-version-kind": kind} if kind else {})}
    if name:
        found["operationId"] = name
    if tag:
        found["tags"] = [tag]
    patches = {"*": _PATCHES, "+": tuple(t for t in _PATCHES if "strategic" not in t)}.get(body)
    prefix = "#/components/schemas/" if version == 3 else "#/definitions/"
    taken: Obj = {"$ref": prefix + (META + "Patch" if patches else body)}
    parameters = [parameter(version, *p) for p in params]
    forms = _FORMS + (_STREAMS if action == "list" else ())
    if version == 3:
        if parameters:
            found["parameters"] = parameters
        if body:
            found["requestBody"] = {"content": {t: {"schema": taken} for t in patches or ("*/*",)}}
            if action in ("post", "put", "patch"):
                found["requestBody"]["required"] = True
        content: Obj = {"content": {t: {"schema": {"$ref": prefix + out}} for t in forms}} if out else {}
    else:
        if body:
            given = {"in": "body", "name": "body", "schema": taken}
            parameters.append({**given, "required": True} if action in ("post", "put", "patch") else given)
        found.update(parameters=parameters, consumes=list(patches or ("*/*",)), produces=list(forms), schemes=["https"])
        content = {"schema": {"$ref": prefix + out}} if out else {}
    answers = _ANSWERS.get(action, {"200": "OK"})
    found["responses"] = {code: {"description": text, **content} for code, text in answers.items()}
    found["responses"]["401"] = {"description": "Unauthorized"}
    return found


def parameter(version: int, name: str, kind: str, text: str) -> Obj:
    """A parameter of the query."""
    typed: dict[str, Any] = (
        {"schema": {"type": kind, "uniqueItems": True}} if version == 3 else {"type": kind, "uniqueItems": True}
    )
    return {"name": name, "in": "query", "description": text, **typed}


def path_parameter(version: int, name: str) -> Obj:
    """A part of a path."""
    typed: Obj = {"schema": {"type": "string"}} if version == 3 else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": f"The object's {name}.", **typed}
