"""MutatingAdmissionPolicy: apply configurations and JSON patches that expressions make, one policy after the other.

Those that say reinvocationPolicy IfNeeded are asked again where the object was changed after them (kk.server.admit runs the second round).
Compiling and matching is kk.server.cel.policies. Words follow k8s.io/apiserver `pkg/admission/plugin/policy/mutating`.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

from kk.base.patch import PatchError, json_patch
from kk.base.patch.apply import merged
from kk.server.context import Attributes, Plugin
from kk.server.encoding import encode
from kk.server.hooks import forms
from kk.server.hooks.matching import exempt

GROUP = "admissionregistration.k8s.io"
POLICIES, BINDINGS = "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"
_KEY = (GROUP, BINDINGS)


class _Failed(Exception):
    """A mutation that cannot be made: the failurePolicy decides."""


@dataclass(slots=True)
class _Rounds:
    """What the first round leaves to the second: who may be asked again, who must be, and what the object was like."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    again: set[tuple[str, str]] = field(default_factory=set)
    output: bytes = b""


def _parts(spec: dict[str, Any], scope: Any) -> list[tuple[str, Any]]:
    found = []
    for mutation in spec.get("mutations") or ():
        kind = mutation.get("patchType") or ""
        held = mutation.get("applyConfiguration" if kind == "ApplyConfiguration" else "jsonPatch") or {}
        found.append((kind, scope.compile(held["expression"], True)))
    return found


def mutate(a: Attributes) -> Any:
    """Ask the policies, if any is bound."""
    shelf = a.server.cache.shelves.get(_KEY)
    if shelf is None or not shelf.items or a.obj is None:
        return None
    return None if exempt(a) else _ask(a)


async def _ask(a: Attributes) -> None:
    from kk.server.cel import policies

    if not a.round:
        a.memory[__name__] = _Rounds()
    rounds: _Rounds = a.memory[__name__]
    if a.round and encode(a.obj) != rounds.output:
        rounds.again.update(rounds.asked)
    for policy, bindings in policies.pairs(a.server, POLICIES, BINDINGS, _parts):
        resource = policy.match.wanted(a)
        if resource is None:
            continue
        for binding in bindings:
            key = (policy.name, binding.name)
            if binding.match.given and binding.match.wanted(a) is None or a.round and key not in rounds.again:
                continue
            if await _bound(policy, binding, a, resource):
                rounds.again.update(rounds.asked)
                a.again = True
            if policy.spec.get("reinvocationPolicy") == "IfNeeded":
                rounds.asked.append(key)
    rounds.output = encode(a.obj)


async def _bound(policy: Any, binding: Any, a: Attributes, resource: Any) -> bool:
    """Do what a policy wants by one binding; whether the object changed. Raises StatusError."""
    from kk.server.cel import conditions, policies

    before = encode(a.obj)
    try:
        if policy.fault:
            raise _Failed(policy.fault)
        for params in policies.params_of(policy, binding, a):
            obj, old = await policies.objects(a, resource)
            values = policies.with_policy(policy, policies.bound(a, resource, obj, old), params)
            if not policies.applies(policy, values):
                continue
            for kind, program in policy.parts:
                await _one(kind, program, policy, a, resource, params)
    except (policies.Misconfigured, _Failed) as error:
        _refuse(policy, binding, a, str(error))
    except conditions.Broken as error:
        _refuse(policy, binding, a, f"expression '{error.expression}' resulted in error: {error.error}")
    return encode(a.obj) != before


def _refuse(policy: Any, binding: Any, a: Attributes, why: str) -> None:
    from kk.server.cel import policies

    if policy.ignores_failure:
        return
    text = f"policy '{policy.name}' with binding '{binding.name}' denied request: {why}"
    raise policies.refusal(a, 403, "Invalid", text, text)


async def _one(kind: str, program: Any, policy: Any, a: Attributes, resource: Any, params: Any) -> None:
    """One mutation, of the object as the one before left it. Raises _Failed."""
    from kk.server.cel import policies
    from kk.server.cel.values import CelError

    obj, old = await policies.objects(a, resource)
    values = policies.with_policy(policy, policies.bound(a, resource, obj, old), params)
    try:
        found, _ = program.run(values)
    except CelError as error:
        raise _Failed(f"expression '{program.expression}' resulted in error: {error}") from None
    assert obj is not None
    new = _applied(obj, found, resource) if kind == "ApplyConfiguration" else _patched(obj, found)
    if new != obj:
        await forms.accept(a, new, resource)


def _applied(obj: dict[str, Any], found: Any, resource: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _Failed(f"unexpected type returned: {type(found).__name__}, expected Object")
    config = plain(found)
    for name in ("apiVersion", "kind"):
        if name in config:
            raise _Failed(f"error applying patch: invalid ApplyConfiguration: may not set {name}")
    wrong = [
        k for k in ("name", "namespace", "uid", "generateName", "managedFields") if k in (config.get("metadata") or {})
    ]
    if wrong:
        raise _Failed(f"error applying patch: invalid ApplyConfiguration: may not set metadata.{wrong[0]}")
    return merged(obj, config, resource.schema)


def _patched(obj: dict[str, Any], found: Any) -> dict[str, Any]:
    if not isinstance(found, list):
        raise _Failed(f"type mismatch: JSONPatchType.expression should evaluate to array, got {type(found).__name__}")
    if not found:
        return obj
    try:
        new = json_patch.apply(obj, [plain(operation) for operation in found])
    except PatchError as error:
        raise _Failed(f"JSON Patch: {error}") from None
    if not isinstance(new, dict):
        raise _Failed("JSON Patch: the patch leaves no object")
    return new


def plain(value: Any) -> Any:
    """A value of CEL as JSON."""
    from kk.server.cel import values as v
    from kk.server.cel.library.quantities import Quantity

    if isinstance(value, dict):
        return {str(k): plain(x) for k, x in value.items()}
    if isinstance(value, list):
        return [plain(x) for x in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, v.Timestamp):
        return v.timestamp_text(value)
    if isinstance(value, v.Duration):
        return v.duration_text(value)
    if isinstance(value, Quantity):
        return str(value.amount)
    if isinstance(value, v.Optional):
        raise _Failed("unsupported: an optional is no JSON value")
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value


PLUGIN = Plugin("MutatingAdmissionPolicy", 200, mutate=mutate)
