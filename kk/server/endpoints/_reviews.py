"""What the reviews share: reading the question, answering it as an object that is never stored, and attributes as RequestInfo."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from kk.base import names, selectors, times
from kk.base.errors import FieldError, StatusError, bad_request, invalid, invalid_value, required
from kk.base.patch import managers
from kk.server import authz
from kk.server.bodies import read_object
from kk.server.context import Request, RequestInfo, Response, User
from kk.server.endpoints._answers import document
from kk.server.unstored import created
from kk.server.views import View
from kk.server.writes.options import write_options
from kk.server.writes.write import manager_of

Obj = dict[str, Any]
GROUP = "authorization.k8s.io"


async def read(request: Request) -> Obj:
    """The posted review, checked against its schema, with managedFields as upstream shows them. Raises StatusError."""
    info = request.info
    view = _view(request)
    options = write_options(info, "CreateOptions")
    if not (await request.body()).strip():
        raise bad_request(
            f"the object provided is unrecognized (must be of type {view.resource.kind}): couldn't get version/kind; "
            "json parse error: unexpected end of JSON input (<empty>)"
        )
    review = await read_object(request, view, options.validation)
    given = review.get("metadata") or {}
    if view.resource.namespaced and given.get("namespace") not in (None, "", info.namespace):
        message = "the namespace of the provided object does not match the namespace sent on the request"
        raise StatusError(400, "BadRequest", message)
    metadata = {k: v for k, v in given.items() if k not in ("namespace", "managedFields")}
    if view.resource.namespaced:
        metadata["namespace"] = info.namespace
    review["metadata"] = metadata
    review.pop("status", None)
    review.setdefault("spec", {})
    manage(request, review, options.manager)
    await created(request, review, options.wire, options.dry_run)
    return review


def manage(request: Request, review: Obj, manager: str, subresource: str = "", schema: Any = None) -> None:
    """Say who set which field, as upstream does even for what is not stored."""
    manager = manager or manager_of(request.headers.get(b"user-agent", b""))
    node = schema if schema is not None else _view(request).resource.schema
    fields = {k: v for k, v in review.items() if k != "metadata"} | {"metadata": {}}
    entries = managers.update(
        None,
        fields,
        node,
        manager,
        api_version=review["apiVersion"],
        now=times.SYSTEM.now(),
        subresource=subresource,
    )
    if entries:
        review["metadata"]["managedFields"] = entries


def _view(request: Request) -> View:
    info = request.info
    view = request.server.views.get((info.group, info.version, info.resource))
    assert view is not None  # the app only calls endpoints of resources that are served
    return view


def answer(request: Request, review: Obj, status: Obj) -> Response:
    """The review with its answer."""
    return document(request, {**review, "status": status}, 201)


def refuse(faults: Iterable[FieldError]) -> None:
    """Raise 422 where there are faults; upstream names no kind here."""
    found = list(faults)
    if found:
        raise invalid("", GROUP, "", found)


def attributes_of(spec: Obj) -> RequestInfo:
    """The request that a review asks about."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None:
        info = authz.access(
            resource.get("verb", ""),
            resource.get("resource", ""),
            group=resource.get("group", ""),
            namespace=resource.get("namespace", ""),
            name=resource.get("name", ""),
            subresource=resource.get("subresource", ""),
        )
        info.version = resource.get("version", "")
        _select(info, resource.get("fieldSelector") or {})
        return info
    path = path or {}
    return RequestInfo(path.get("verb", ""), path.get("path", ""))


def _select(info: RequestInfo, selector: Obj) -> None:
    """Let the question ask for what a field selector leaves; what cannot be read narrows nothing."""
    text = selector.get("rawSelector", "")
    if text and not _parses(selectors.parse_fields, text):
        return
    operators = {"In": "=", "NotIn": "!="}
    for wanted in selector.get("requirements") or ():
        values = wanted.get("values") or []
        if wanted.get("operator") in operators and len(values) == 1:
            part = f"{wanted.get('key', '')}{operators[wanted['operator']]}{values[0]}"
            text = f"{text},{part}" if text else part
    if text:
        info.raw_query = urlencode({"fieldSelector": text}).encode()


def user_of(spec: Obj) -> User:
    """The user that a review asks about."""
    extra = tuple((k, tuple(v)) for k, v in sorted((spec.get("extra") or {}).items()))
    return User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)


def access_status(request: Request, user: User, spec: Obj) -> Obj:
    """SubjectAccessReviewStatus."""
    decision = authz.decide(request.server, user, attributes_of(spec))
    status: Obj = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    ignored = [
        f"spec.resourceAttributes.{kind} ignored due to parse error"
        for kind, parse in (("fieldSelector", selectors.parse_fields), ("labelSelector", selectors.parse_labels))
        if not _parses(parse, ((spec.get("resourceAttributes") or {}).get(kind) or {}).get("rawSelector", ""))
    ]
    if ignored:
        status["evaluationError"] = authz.errors_text(ignored)
    return status


def _parses(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def attribute_faults(spec: Obj) -> list[FieldError]:
    """Faults of resourceAttributes and nonResourceAttributes."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        text = "cannot be specified in combination with resourceAttributes"
        return [invalid_value("spec.nonResourceAttributes", path_value(path), text)]
    if resource is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid_value("spec.resourceAttributes", None, text)]
    faults: list[FieldError] = []
    for kind in ("fieldSelector", "labelSelector"):
        selector = (resource or {}).get(kind)
        if selector is not None:
            faults += _selector_faults(f"spec.resourceAttributes.{kind}", selector, kind == "labelSelector")
    return faults


def path_value(path: Obj) -> Obj:
    """nonResourceAttributes as upstream's messages show them."""
    return {"Path": path.get("path", ""), "Verb": path.get("verb", "")}


def _selector_faults(path: str, selector: Obj, labels: bool) -> list[FieldError]:
    raw, wanted = selector.get("rawSelector", ""), selector.get("requirements") or []
    if raw and wanted:
        return [invalid_value(f"{path}.rawSelector", raw, "may not specified at the same time as requirements")]
    if not raw and not wanted:
        parent = path
        return [
            required(f"{path}.requirements", f"when {parent} is specified, requirements or rawSelector is required")
        ]
    faults: list[FieldError] = []
    for i, requirement in enumerate(wanted):
        faults += _requirement_faults(f"{path}.requirements[{i}]", requirement, labels)
    return faults


def _requirement_faults(path: str, requirement: Obj, labels: bool) -> list[FieldError]:
    operator, values, key = requirement.get("operator", ""), requirement.get("values") or [], requirement.get("key", "")
    faults: list[FieldError] = []
    if not labels and not key:
        faults.append(required(f"{path}.key", "must be specified"))
    if operator in ("In", "NotIn"):
        if not values:
            faults.append(required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            faults.append(FieldError("FieldValueForbidden", f"{path}.values", None, text))
    elif not labels or key:
        faults.append(invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    if labels:
        faults += [invalid_value(f"{path}.key", key, text) for text in names.qualified_name(key)]
    return faults
