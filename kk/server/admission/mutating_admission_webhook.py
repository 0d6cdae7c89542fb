"""MutatingAdmissionWebhook: asks the configured webhooks one after the other, each about what the one before made of the object.

Where one changed the object, the whole chain of admission runs a second time (kk.server.admit), and those that say reinvocationPolicy
IfNeeded are asked again. Choosing and calling is kk.server.hooks.
"""

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from kk.base.errors import StatusError, internal
from kk.base.patch import PatchError, json_patch
from kk.server.context import Attributes, Plugin
from kk.server.encoding import encode
from kk.server.hooks import calls, forms, matching
from kk.server.hooks.configurations import GROUP, MUTATING, OPERATIONS, Hook, hooks

log = logging.getLogger("kk.server")
_KEY = (GROUP, MUTATING)


@dataclass(slots=True)
class _Rounds:
    """What the first round leaves to the second: who may be asked again, who must be, and what the object was like."""

    asked: list[str] = field(default_factory=list)
    again: set[str] = field(default_factory=set)
    output: bytes = b""

    def changed(self) -> None:
        """Those that were asked before have not seen this."""
        self.again.update(self.asked)


def mutate(a: Attributes) -> Any:
    """Ask the webhooks, if there are any."""
    shelf = a.server.cache.shelves.get(_KEY)
    if shelf is None or not shelf.items:
        return None
    return _ask_all(a)


async def _ask_all(a: Attributes) -> None:
    if matching.exempt(a):
        return
    if not a.round:
        a.memory[__name__] = _Rounds()
    rounds: _Rounds = a.memory[__name__]
    if a.round and _encoded(a) != rounds.output:
        rounds.changed()
    for index, hook in enumerate(hooks(a.server, MUTATING)):
        call = await calls.wanted(hook, a)
        if call is None or a.round and hook.key not in rounds.again:
            continue
        if await _ask(call, a, index):
            rounds.changed()
            a.again = True
        if hook.facts.get("reinvocationPolicy") == "IfNeeded":
            rounds.asked.append(hook.key)
    rounds.output = _encoded(a)


def _encoded(a: Attributes) -> bytes:
    return encode(a.obj) if a.obj is not None else b""


async def _ask(call: calls.Call, a: Attributes, index: int) -> bool:
    """Ask one; whether it changed the object. Raises StatusError."""
    hook, changed = call.hook, False
    try:
        response = await calls.ask(call, a, mutating=True)
        changed = await _patch(call, a, response.get("patch") or b"", index)
    except calls.Failed as error:
        if not hook.ignores_failure:
            raise error.refusal() from None
        log.warning("%s; its failurePolicy is Ignore", error)
        calls.annotate(a, f"failed-open.mutation.webhook.admission.k8s.io/round_{a.round}_index_{index}", hook.name)
    finally:
        _annotate(a, hook, index, "mutation", {"mutated": changed})
    return changed


def _annotate(a: Attributes, hook: Hook, index: int, what: str, more: dict[str, Any]) -> None:
    value = {"configuration": hook.configuration, "webhook": hook.name, **more}
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    calls.annotate(a, f"{what}.webhook.admission.k8s.io/round_{a.round}_index_{index}", text)


async def _patch(call: calls.Call, a: Attributes, data: bytes, index: int) -> bool:
    """Do what the webhook wants with the object; whether that changes it. Raises Failed, StatusError 500."""
    if not data:
        return False
    try:
        operations = json.loads(data)
    except ValueError as error:
        raise calls.Failed(call.hook, f"received undecodable patch in webhook response: {error}") from None
    if not operations:
        return False
    if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
        why = "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        raise calls.Failed(call.hook, f"received undecodable patch in webhook response: {why}")
    if call.obj is None or a.obj is None:
        text = "attempted to modify the object, which is not supported for this operation"
        raise internal(f'admission webhook "{call.hook.name}" {text}')
    try:
        new = json_patch.apply(call.obj, operations)
    except PatchError as error:
        raise internal(str(error)) from None
    if not isinstance(new, dict):
        raise StatusError(500, "InternalError", "Internal error occurred: the patch leaves no object")
    before = encode(a.obj)
    await forms.accept(a, new, call.resource)
    _annotate(a, call.hook, index, "patch", {"patch": operations, "patchType": "JSONPatch"})
    return encode(a.obj) != before


PLUGIN = Plugin("MutatingAdmissionWebhook", 210, mutate=mutate, operations=OPERATIONS)
