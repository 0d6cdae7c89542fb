"""scale: autoscaling/v1 Scale read from and written to the paths that a kind names."""

from functools import cache
from typing import Any

from kk.base import paths
from kk.base.errors import StatusError, bad_request, internal, invalid, invalid_value, no_such_path
from kk.kinds import types
from kk.kinds.kind import AGE, Column, Resource, Scale
from kk.server.answers import encoded
from kk.server.bodies import finished, read_as
from kk.server.cache import Item
from kk.server.context import Request, Response
from kk.server.encoding import Obj, encode
from kk.server.negotiate import Form, form_of
from kk.server.reads import find, included
from kk.server.subresources._types import travelling
from kk.server.tables import Printer, partial
from kk.server.views import View, clock
from kk.server.writes import patch as patching
from kk.server.writes.options import write_options
from kk.server.writes.update import update
from kk.server.writes.write import Write, copied

_OWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _resource() -> Resource:
    return travelling("io.k8s.api.autoscaling.v1.Scale", "autoscaling/v1", "Scale")


@cache
def _printer() -> Printer:
    columns = (Column("Desired", ".spec.replicas", "integer"), Column("Available", ".status.replicas", "integer"))
    name = Column("Name", ".metadata.name")
    return Printer(_resource(), (name, *columns, AGE))


def _facts(view: View) -> Scale:
    facts = view.strategy.scale
    if facts is None:
        raise no_such_path()
    return facts


def scale_of(view: View, obj: Obj) -> Obj:
    """The Scale of an object."""
    facts = _facts(view)
    metadata = {k: obj["metadata"][k] for k in _OWN if k in obj["metadata"]}
    replicas = paths.get(obj, facts.spec, 0)
    status: Obj = {"replicas": paths.get(obj, facts.status, 0) or 0}
    selector = selector_text(paths.get(obj, facts.selector, None)) if facts.selector else ""
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def selector_text(selector: Any) -> str:
    """A selector, or a map of labels, as a query writes it."""
    if not selector:
        return ""
    if isinstance(selector, str):
        return selector
    nested = "matchLabels" in selector or "matchExpressions" in selector
    labels = selector.get("matchLabels") or {} if nested else selector
    terms = [(key, f"{key}={value}") for key, value in labels.items()]
    for term in (selector.get("matchExpressions") or []) if nested else []:
        values = ",".join(sorted(term.get("values") or []))
        word = {"In": f" in ({values})", "NotIn": f" notin ({values})", "Exists": ""}
        key = term["key"]
        terms.append((key, f"!{key}" if term["operator"] == "DoesNotExist" else key + word[term["operator"]]))
    return ",".join(text for _, text in sorted(terms))


def _response(request: Request, view: View, item: Item, form: Form) -> Response:
    body = encode(scale_of(view, view.obj(item)))
    if form.kind == "Table":
        scale = scale_of(view, view.obj(item))
        row = _printer().row(scale, body.split(b",", 2)[2], included(request.info), clock(), body, form.version)
        body = encode(_printer().table([row], {"resourceVersion": str(item.revision)}, form.version))
    elif form.kind:
        body = partial(body.split(b",", 2)[2], form.version)
    return encoded(request, body, form)


async def get(request: Request, view: View) -> Response:
    """The Scale of an object."""
    form = form_of(request.headers.get(b"accept", b""), read=True)
    facts, item = _facts(view), find(view, request.info.namespace, request.info.name)
    if view.resource.custom and paths.get(view.obj(item), facts.spec) is None:
        raise internal(f'the spec replicas field "{facts.spec}" does not exist')
    return _response(request, view, item, form)


async def put(request: Request, view: View) -> Response:
    """A whole Scale."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    _facts(view)
    options = write_options(request.info, "UpdateOptions")
    scale = await read_as(request, _resource(), options.validation)
    write = Write.of(request, view, "UPDATE", options)
    find(view, write.namespace, write.name)
    item = await update(write, lambda obj: scaled(view, obj, scale, write), put=False, merge=_keep)
    return _response(request, view, item, form)


async def patch(request: Request, view: View) -> Response:
    """A patch of the Scale."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    _facts(view)
    media = patching.media_of(request)
    options = write_options(request.info, "PatchOptions", media == patching.APPLY)
    write = Write.of(request, view, "UPDATE", options)
    body = await request.body()
    find(view, write.namespace, write.name)
    if media == patching.APPLY:
        item = await _apply(write, patching.parse_applied(write, body))
        return _response(request, view, item, form)
    parsed = patching.parse_patch(media, body)
    function = patching.patcher(media, parsed, _resource().schema)

    def change(obj: Obj) -> Obj:
        new = patching.patched(function, scale_of(view, obj))
        try:
            _check_kind(new)
            read, warnings = types.read(_resource(), new, options.validation)
        except StatusError as error:
            raise patching.unreadable(patching.touched(new, parsed), error) from None
        for text in warnings:
            write.warn(text)
        return scaled(view, obj, finished(_resource(), read), write)

    return _response(request, view, await update(write, change, merge=_keep), form)


def _check_kind(scale: Obj) -> None:
    if (scale.get("apiVersion"), scale.get("kind")) != ("autoscaling/v1", "Scale"):
        raise bad_request(
            f'no kind "{scale.get("kind")}" is registered for version "{scale.get("apiVersion")}" in scheme '
            '"pkg/api/legacyscheme/scheme.go:30"'
        )


async def _apply(write: Write, applied: Obj) -> Item:
    if (applied.get("apiVersion"), applied.get("kind")) != ("autoscaling/v1", "Scale"):
        raise bad_request(f"invalid object type: {applied.get('apiVersion') or '/'}, Kind={applied.get('kind') or ''}")
    read, _ = types.read(_resource(), applied, write.options.validation)
    scale = finished(_resource(), read)
    facts, view = _facts(write.view), write.view
    resource = view.resource

    def change(obj: Obj) -> Obj:
        scaled(view, copied(obj), scale, write)
        if "replicas" not in (applied.get("spec") or {}) and not resource.custom:
            return _given_up(write, obj)
        config: Obj = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": write.name}}
        if "replicas" in (applied.get("spec") or {}):
            paths.set_in(config, facts.spec, (scale.get("spec") or {}).get("replicas", 0))
        if resource.custom:
            return _apply_custom(write, obj, config)
        new = patching.merged(write, obj, config)
        for entry in new["metadata"].get("managedFields") or []:
            if entry.get("subresource") == "scale" and entry["operation"] == "Apply":
                entry.pop("time", None)  # upstream takes ownership through the Scale, which has no times
        return new

    return await update(write, change, manage=False, merge=_keep)


def _given_up(write: Write, obj: Obj) -> Obj:
    """Who applied the replicas and applies a Scale without them makes them 0, which a Scale does not show, and stays their owner."""
    owned = {"manager": write.manager, "operation": "Apply", "subresource": "scale"}
    new = copied(obj)
    for entry in new["metadata"].get("managedFields") or ():
        if owned.items() <= entry.items():
            paths.set_in(new, _facts(write.view).spec, 0)
    new["metadata"].pop("resourceVersion", None)
    return new


def _apply_custom(write: Write, obj: Obj, config: Obj) -> Obj:
    """Upstream tells of the Scale's field where a custom resource's conflicts, and cannot convert what else it gets. Raises 409, 500."""
    place = _facts(write.view).spec
    try:
        patching.merged(write, obj, config)
    except StatusError as error:
        for cause in error.details.get("causes") or ():
            if cause.get("field") == place:
                cause["field"] = ".spec.replicas"
        error.status["message"] = error.message.replace(f": {place}", ": .spec.replicas")
        raise
    raise StatusError(
        500,
        "",
        f"failed to convert new object (/{write.name}; autoscaling/v1, Kind=Scale) to proper version: "
        "request to convert CR to an invalid group/version: autoscaling/v1",
    )


def _keep(new: Obj, old: Obj) -> None:
    """A Scale says nothing about the rest of the object."""


def scaled(view: View, obj: Obj, scale: Obj, write: Write) -> Obj:
    """The object with the replicas of a Scale. Raises 409 and 422."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    metadata = scale["metadata"]
    if metadata.get("name") not in (None, "", write.name):
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({write.name})"
        )
    if metadata.get("namespace") not in (None, "", write.namespace):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if replicas < 0:
        fault = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid("Scale", "autoscaling", write.name, [fault])
    obj["metadata"] = {**obj["metadata"], "resourceVersion": metadata.get("resourceVersion") or ""}
    if metadata.get("uid"):
        obj["metadata"]["uid"] = metadata["uid"]
    paths.set_in(obj, _facts(view).spec, replicas)
    return obj


SUBRESOURCE = {"GET": get, "PUT": put, "PATCH": patch}
