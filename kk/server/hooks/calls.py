"""One call of one webhook about one write: asked, answered, its warnings and annotations told on. What a patch does is not decided here.

Faults come in two sorts: `Failed` (nobody answered as agreed: the failurePolicy decides) and StatusError (a refusal, which stands).
"""

import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from kk.base import names
from kk.base.errors import StatusError, bad_request, forbidden
from kk.kinds.kind import Resource
from kk.server.context import Attributes
from kk.server.encoding import Obj
from kk.server.hooks import client, forms, matching, reviews
from kk.server.hooks.configurations import Hook
from kk.server.hooks.counts import CALLING, NO_ERROR, counts

log = logging.getLogger("kk.server")


class Failed(Exception):
    """A webhook that could not be asked, or did not answer as agreed."""

    def __init__(self, hook: Hook, why: str, code: int = 503):
        super().__init__(f'failed calling webhook "{hook.name}": {why}')
        self.code = code

    def refusal(self) -> StatusError:
        """500 for a webhook that fails closed."""
        text = str(self)
        return StatusError(500, "InternalError", f"Internal error occurred: {text}", {"causes": [{"message": text}]})


@dataclass(slots=True)
class Call:
    """A webhook that wants to hear of a write, and the objects as it wants them."""

    hook: Hook
    resource: Resource
    kind: Obj
    obj: Obj | None
    old: Obj | None


async def wanted(hook: Hook, a: Attributes) -> Call | None:
    """The call that a webhook wants of a write, or None. Raises StatusError."""
    resource = matching.wanted(hook, a)
    if resource is None:
        return None
    obj, old = await forms.shown(a, a.obj, resource), await forms.shown(a, a.old, resource)
    call = Call(hook, resource, forms.kind_of(a, resource), obj, old)
    return call if await _conditions_hold(call, a) else None


async def _conditions_hold(call: Call, a: Attributes) -> bool:
    """Whether the webhook's matchConditions hold. Raises StatusError 403 where that cannot be told and the webhook fails closed."""
    conditions = call.hook.facts.get("matchConditions")
    if not conditions:
        return True
    from kk.server.cel import conditions as cel

    try:
        return cel.hold(call.hook, conditions, a, call.obj, call.old)
    except ValueError as error:
        if call.hook.ignores_failure:
            return False
        raise forbidden(a.resource.plural, a.resource.group, matching.name_of(a), str(error)) from None


async def ask(call: Call, a: Attributes, mutating: bool) -> Obj:
    """The webhook's response, when it allows the write. Raises Failed, StatusError. Counted."""
    hook, kind = call.hook, "admit" if mutating else "validating"
    known, began, code, rejected = counts(a.server), perf_counter(), 200, False
    try:
        return await _ask(call, a, mutating)
    except Failed as error:
        code, rejected = error.code, not hook.ignores_failure
        if rejected:
            known.refused(hook.name, kind, a.operation, CALLING, code)
        else:
            known.failed_open(hook.name, kind)
        raise
    except StatusError as error:
        code, rejected = error.code, True
        known.refused(hook.name, kind, a.operation, NO_ERROR, code)
        raise
    finally:
        known.called(hook.name, kind, a.operation, code, rejected, perf_counter() - began)


async def _ask(call: Call, a: Attributes, mutating: bool) -> Obj:
    hook = call.hook
    if a.dry_run and hook.facts.get("sideEffects") not in ("None", "NoneOnDryRun"):
        raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
    try:
        version = reviews.version_of(hook.facts.get("admissionReviewVersions") or [])
    except reviews.Unusable as error:
        raise Failed(hook, f"could not create admission objects: {error}", 400) from None
    kinds = (call.kind, forms.kind_of(a, a.resource))
    review = reviews.request(a, version, call.resource, kinds, call.obj, call.old)
    try:
        answer = await client.call(a.server, hook.facts["clientConfig"], review, hook.timeout)
    except client.CallError as error:
        raise Failed(hook, f"failed to call webhook: {error}", error.code or 503) from None
    try:
        response = reviews.response(answer, review, mutating)
    except reviews.Unusable as error:
        raise Failed(hook, f"received invalid webhook response: {error}") from None
    _tell(hook, a, response)
    if not response.get("allowed"):
        raise reviews.denial(hook.name, response.get("status"))
    return response


def _tell(hook: Hook, a: Attributes, response: Obj) -> None:
    for text in response.get("warnings") or ():
        if text not in a.warnings:
            a.warnings.append(str(text))
    for key, value in (response.get("auditAnnotations") or {}).items():
        annotate(a, f"{hook.name}/{key}", str(value))


def annotate(a: Attributes, key: str, value: Any) -> None:
    """Add an annotation to the audit log's event: a key once, and only where it is a qualified name."""
    faults = list(names.qualified_name(key))
    if faults:
        log.warning("audit annotation %s was not set: %s", key, faults[0])
    else:
        a.annotations.setdefault(key, value)
