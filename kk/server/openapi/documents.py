"""Whole OpenAPI documents: version 3 for one group and version, version 2 for everything. Pure, and made only when asked for.

Paths are told as far as clients use them: which kind a path serves, its verbs, its parameters, and what goes in and out.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from kk.kinds.kind import Resource
from kk.kinds.registry import BuiltIn
from kk.server.openapi.operations import group_name, name_of, operation, path_parameter
from kk.server.openapi.schemas import META, Obj, Schemas

Resources = list[Resource]
_PRETTY = (("pretty", "string", "true for indented JSON."),)
_LIST = (
    ("allowWatchBookmarks", "boolean", "Also send BOOKMARK events."),
    ("continue", "string", "Where the last page ended."),
    ("fieldSelector", "string", "Only objects whose fields match."),
    ("labelSelector", "string", "Only objects whose labels match."),
    ("limit", "integer", "At most so many objects a page."),
    ("resourceVersion", "string", "As of which version."),
    ("resourceVersionMatch", "string", "How resourceVersion is meant."),
    ("sendInitialEvents", "boolean", "Begin a watch with what is there."),
    ("timeoutSeconds", "integer", "How long a list or watch may take."),
    ("watch", "boolean", "Stream changes."),
)
_WRITE = (
    ("dryRun", "string", "All: do everything but keep it."),
    ("fieldManager", "string", "Who changes the fields."),
    ("fieldValidation", "string", "Ignore, Warn or Strict: what becomes of unknown and doubled fields."),
)
_FORCE = (("force", "boolean", "Take fields over from other managers (apply)."),)
_DELETE = (
    ("dryRun", "string", "All: do everything but keep it."),
    ("gracePeriodSeconds", "integer", "Seconds to wait before the object goes."),
    ("orphanDependents", "boolean", "Old form of propagationPolicy."),
    ("propagationPolicy", "string", "Orphan, Background or Foreground."),
)
#: options of connects, by the kind of the sub-resource
_CONNECTS = {
    "PodExecOptions": (
        ("command", "string", "What to run; may stand more than once."),
        ("container", "string", "Where to run it."),
        ("stdin", "boolean", "Send standard input."),
        ("stdout", "boolean", "Fetch standard output."),
        ("stderr", "boolean", "Fetch standard error."),
        ("tty", "boolean", "With a terminal."),
    ),
    "PodAttachOptions": (
        ("container", "string", "Which to attach to."),
        ("stdin", "boolean", "Send standard input."),
        ("stdout", "boolean", "Fetch standard output."),
        ("stderr", "boolean", "Fetch standard error."),
        ("tty", "boolean", "With a terminal."),
    ),
    "PodPortForwardOptions": (("ports", "integer", "Ports to forward."),),
    "PodProxyOptions": (("path", "string", "Where to go."),),
    "ServiceProxyOptions": (("path", "string", "Where to go."),),
    "NodeProxyOptions": (("path", "string", "Where to go."),),
}
_LOG = (
    ("container", "string", "Whose log."),
    ("follow", "boolean", "Go on as it grows."),
    ("insecureSkipTLSVerifyBackend", "boolean", "Do not verify the node's certificate."),
    ("limitBytes", "integer", "At most so many bytes."),
    ("previous", "boolean", "Of the container before this one."),
    ("sinceSeconds", "integer", "Not older than so many seconds."),
    ("stream", "string", "All, Stdout or Stderr."),
    ("tailLines", "integer", "The last so many lines."),
    ("timestamps", "boolean", "With a time on each line."),
)


def definition_of(r: Resource) -> str:
    """The name of a resource's definition."""
    if isinstance(r, BuiltIn):
        return r.facts.definition
    domain = ".".join(reversed(r.group.split(".")))
    return f"{domain}.{r.version}.{r.kind}"


def kinds_of(resources: Iterable[Resource]) -> dict[str, list[dict[str, str]]]:
    """Definition → the kinds that it is, for kinds and their lists."""
    found: dict[str, list[dict[str, str]]] = {}
    for r in resources:
        definition = definition_of(r)
        found.setdefault(definition, []).append(gvk(r))
        if "list" in r.verbs:
            listed = {**gvk(r), "kind": f"{r.kind}List"}
            found.setdefault(f"{definition}List", []).append(listed)
    return {name: list({tuple(k.items()): k for k in kinds}.values()) for name, kinds in found.items()}


def gvk(r: Resource) -> dict[str, str]:
    """A resource's kind as the extension has it."""
    return {"group": r.group, "kind": r.kind, "version": r.version}


def fingerprint(version: str, resources: Resources) -> str:
    """What changes when a document of these resources would: its address and ETag."""
    parts = [
        version,
        *(f"{r.key} {r.kind} {r.verbs} {r.subresources} {getattr(r, 'mark', 0)}" for r in resources),
    ]
    return hashlib.sha512("\n".join(parts).encode()).hexdigest().upper()


def v3(title: str, resources: Resources) -> Obj:
    """The OpenAPI 3.0 document of one group and version."""
    schemas = Schemas(3, kinds_of(resources))
    _collect(schemas, resources)
    paths: Obj = {}
    for r in resources:
        paths.update(_paths(r, 3))
    if resources:
        group, version = resources[0].group, resources[0].version
        paths[f"/apis/{group}/{version}/" if group else f"/api/{version}/"] = _about(3, group, version)
    info = {"title": "Kubernetes", "version": title}
    if resources and all(r.custom for r in resources):
        info = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
        del paths[f"/apis/{resources[0].group}/{resources[0].version}/"]
    return {
        "openapi": "3.0.0",
        "info": info,
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.found.items()))},
    }


def root(title: str, path: str) -> Obj:
    """The OpenAPI 3.0 document of a path above the versions, such as apis/apps, or of a plain one, such as version."""
    parts = path.split("/")
    kind = {"api": "APIVersions", "apis": "APIGroupList" if len(parts) == 1 else "APIGroup"}.get(parts[0], "")
    name = META + kind if kind else ""
    schemas = Schemas(3, {})
    if name:
        schemas.add((name,))
    told = _about(3, parts[1] if len(parts) > 1 else "", kind=kind, path=path)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": title},
        "paths": {f"/{path}/": told},
        "components": {"schemas": dict(sorted(schemas.found.items()))},
    }


def _about(number: int, group: str, version: str = "", kind: str = "APIResourceList", path: str = "") -> Obj:
    """The path that tells what there is: versions, a group, or the resources of a version."""
    name, title = group_name(group), group_name(group)[:1].upper() + group_name(group)[1:]
    if version:
        action = f"get{title}{version[:1].upper()}{version[1:]}APIResources"
        tag = f"{name}_{version}"
    elif kind == "APIGroup":
        action, tag = f"get{title}APIGroup", name
    elif kind == "APIGroupList":
        action, tag = "getAPIVersions", "apis"
    elif kind == "APIVersions":
        action, tag = "getCoreAPIVersions", "core"
    else:
        action, tag = ("getCodeVersion", "version") if path == "version" else ("", "")
    made = operation(number, "get", {}, (), "", META + kind if kind else "", action, tag)
    del made["x-kubernetes-action"]
    return {"get": made}


def v2(title: str, resources: Resources) -> Obj:
    """The OpenAPI 2.0 document of everything."""
    schemas = Schemas(2, kinds_of(resources))
    _collect(schemas, resources)
    paths: Obj = {}
    schemas.add(META + name for name in ("APIVersions", "APIGroup", "APIGroupList"))
    paths["/api/"], paths["/apis/"] = _about(2, "", kind="APIVersions"), _about(2, "", kind="APIGroupList")
    paths["/version/"] = _about(2, "", kind="", path="version")
    for r in resources:
        where = f"/apis/{r.group}/" if r.group else "/api/"
        if where not in paths:
            paths[where] = _about(2, r.group, kind="APIGroup")
        if f"{where}{r.version}/" not in paths:
            paths[f"{where}{r.version}/"] = _about(2, r.group, r.version)
        paths.update(_paths(r, 2))
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": title},
        "paths": paths,
        "definitions": dict(sorted(schemas.found.items())),
    }


def merged(own: Obj, others: list[Obj]) -> Obj:
    """A version 2 document with what other servers say of theirs; of one name the first definition stands."""
    for other in others:
        own["paths"] = {**other["paths"], **own["paths"]}
        own["definitions"] = {**other["definitions"], **own["definitions"]}
    return own


def _collect(schemas: Schemas, resources: Resources) -> None:
    names: tuple[str, ...] = ("Status", "DeleteOptions", "WatchEvent", "ObjectMeta", "ListMeta", "APIResourceList")
    if resources and all(r.custom for r in resources):
        names = ("Status", "DeleteOptions", "ObjectMeta", "ListMeta")
        if any("scale" in r.subresources for r in resources):
            schemas.add(("io.k8s.api.autoscaling.v1.Scale",))
    schemas.found[META + "Patch"] = {"description": "What a PATCH request carries.", "type": "object"}
    schemas.add(META + name for name in names)
    for r in resources:
        name = definition_of(r)
        if not isinstance(r, BuiltIn):
            from kk.server.custom import openapi

            schemas.found.update(openapi.definitions(r, name, schemas.three))  # type: ignore[arg-type]
            continue
        schemas.add((name,))
        if "list" in r.verbs:
            schemas.add((f"{name}List",))
        for sub in r.subresources:
            details = r.details(sub)
            group, version = details.group or r.group, details.version or r.version
            schemas.add(n for n in (_definition(group, version, details.kind),) if n)


def _definition(group: str, version: str, kind: str) -> str:
    """The definition of a sub-resource's kind; "" where it has none (options of connects)."""
    from kk.kinds import schema

    short = (group or "core").split(".")[0]
    name = f"io.k8s.api.{short}.{version}.{kind}"
    return name if name in schema.names() else ""


def _paths(r: Resource, version: int) -> Obj:
    root = f"/apis/{r.group}/{r.version}" if r.group else f"/api/{r.version}"
    place = f"{root}/namespaces/{{namespace}}/{r.plural}" if r.namespaced else f"{root}/{r.plural}"
    name = definition_of(r)
    own, tag = gvk(r), _tag(r)
    collection: Obj = {}
    item: Obj = {}
    for verb, method, into, path, params, body, out in (
        ("list", "get", collection, "list", _LIST, "", f"{name}List"),
        ("create", "post", collection, "post", _WRITE, name, name),
        (
            "deletecollection",
            "delete",
            collection,
            "deletecollection",
            _LIST + _DELETE,
            META + "DeleteOptions",
            META + "Status",
        ),
        ("get", "get", item, "get", (), "", name),
        ("update", "put", item, "put", _WRITE, name, name),
        ("patch", "patch", item, "patch", _WRITE + _FORCE, "+" if r.custom else "*", name),
        ("delete", "delete", item, "delete", _DELETE, META + "DeleteOptions", META + "Status"),
    ):
        if verb in r.verbs:
            into[method] = operation(version, path, own, params + _PRETTY, body, out, name_of(r, path), tag)
    found: Obj = {}
    where = [path_parameter(version, "namespace")] if r.namespaced else []
    if collection:
        found[place] = {**collection, **({"parameters": where} if where else {})}
    if item:
        found[f"{place}/{{name}}"] = {**item, "parameters": [path_parameter(version, "name"), *where]}
    if r.namespaced and "list" in r.verbs:
        listed = operation(version, "list", own, _LIST + _PRETTY, "", f"{name}List", name_of(r, "list", "", True), tag)
        found[f"{root}/{r.plural}"] = {"get": listed}
    for sub in r.subresources:
        made = _subresource(r, sub, version) if isinstance(r, BuiltIn) else _custom_subresource(r, sub, version)
        found[f"{place}/{{name}}/{sub}"] = {**made, "parameters": [path_parameter(version, "name"), *where]}
    return found


def _custom_subresource(r: Resource, sub: str, version: int) -> Obj:
    name = "io.k8s.api.autoscaling.v1.Scale" if sub == "scale" else definition_of(r)
    return {
        method: operation(version, method, gvk(r), params + _PRETTY, body, name, name_of(r, method, sub), _tag(r))
        for method, params, body in (("get", (), ""), ("put", _WRITE, name), ("patch", _WRITE + _FORCE, "+"))
    }


def _tag(r: Resource) -> str:
    return f"{group_name(r.group)}_{r.version}"


_METHODS = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}


def _subresource(r: BuiltIn, sub: str, version: int) -> Obj:
    details = r.details(sub)
    own = {"group": details.group or r.group, "kind": details.kind, "version": details.version or r.version}
    name = _definition(own["group"], own["version"], own["kind"])
    found: Obj = {}
    for verb in details.verbs:
        method = _METHODS.get(verb)
        if method is None:
            continue
        action = "connect" if details.kind.endswith("Options") else method
        params: Any = (_WRITE if method in ("post", "put", "patch") else ()) + (_FORCE if method == "patch" else ())
        body = "" if method == "get" or not name else "*" if method == "patch" else name
        if action == "connect":
            params = _CONNECTS.get(details.kind, ())
        elif sub == "log":
            params = _LOG
        found[method] = operation(
            version, action, own, params + _PRETTY, body, name, name_of(r, action, sub, method=method), _tag(r)
        )
    return found
