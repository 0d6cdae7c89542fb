"""ValidatingAdmissionPolicy: the expressions of the policies that are bound, over each write that they match; a failure denies, warns or is audited.

Compiling and matching is kk.server.cel.policies; with no policies a write costs one look-up. Words follow k8s.io/apiserver
`pkg/admission/plugin/policy/validating`.
"""

import json
from dataclasses import dataclass
from typing import Any

from kk.server.context import Attributes, Plugin
from kk.server.hooks.matching import exempt

GROUP = "admissionregistration.k8s.io"
POLICIES, BINDINGS = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
_KEY = (GROUP, BINDINGS)
_CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
_BUDGET = 10_000_000


@dataclass(slots=True)
class _Part:
    """A validation, or an audit annotation where `key` is set."""

    program: Any
    facts: dict[str, Any]
    message: Any = None
    key: str = ""


@dataclass(slots=True)
class _Failure:
    message: str
    reason: str
    policy: str
    binding: str
    actions: list[str]
    index: int = 0


def _parts(spec: dict[str, Any], scope: Any) -> list[_Part]:
    found = []
    for facts in spec.get("validations") or ():
        message = facts.get("messageExpression")
        found.append(_Part(scope.compile(facts["expression"]), facts, scope.compile(message) if message else None))
    for facts in spec.get("auditAnnotations") or ():
        found.append(_Part(scope.compile(facts["valueExpression"]), facts, None, facts["key"]))
    return found


def validate(a: Attributes) -> Any:
    """Ask the policies, if any is bound."""
    shelf = a.server.cache.shelves.get(_KEY)
    if shelf is None or not shelf.items:
        return None
    return None if exempt(a) else _ask(a)


async def _ask(a: Attributes) -> None:
    from kk.server.cel import policies

    failures: list[_Failure] = []
    notes: dict[str, list[str]] = {}
    for policy, bindings in policies.pairs(a.server, POLICIES, BINDINGS, _parts):
        resource = policy.match.wanted(a)
        if resource is None:
            continue
        values = None
        for binding in bindings:
            if binding.match.given and binding.match.wanted(a) is None:
                continue
            if values is None:
                values = policies.bound(a, resource, *await policies.objects(a, resource))
            failures += _bound(policy, binding, a, values, notes)
    for key, texts in notes.items():
        a.annotations[key] = ", ".join(texts)
    _act(a, failures)


def _bound(
    policy: Any, binding: Any, a: Attributes, values: dict[str, Any], notes: dict[str, list[str]]
) -> list[_Failure]:
    from kk.server.cel import conditions, policies

    actions = list(binding.spec.get("validationActions") or ["Deny"])

    def failed(message: str, reason: str = "", index: int = 0, wanted: "list[str] | None" = None) -> _Failure:
        return _Failure(message, reason, policy.name, binding.name, wanted or actions, index)

    ignored = policy.ignores_failure
    if policy.fault:
        return [] if ignored else [failed(policy.fault, wanted=["Deny"])]
    try:
        all_params = policies.params_of(policy, binding, a)
    except policies.Misconfigured as error:
        return [] if ignored else [failed(str(error), wanted=["Deny"])]
    found = []
    for params in all_params:
        bound = policies.with_policy(policy, values, params)
        try:
            if not policies.applies(policy, bound):
                continue
        except conditions.Broken as error:
            if not ignored:
                found.append(failed(f"expression '{error.expression}' resulted in error: {error.error}"))
            continue
        for index, message, reason in _evaluated(policy, bound, notes):
            found.append(failed(message, reason, index))
    return found


def _evaluated(policy: Any, bound: dict[str, Any], notes: dict[str, list[str]]) -> "list[tuple[int, str, str]]":
    """(index, message, reason) of what fails, in order."""
    from kk.server.cel.values import CelError, CostExceeded

    found, left = [], _BUDGET
    for index, part in enumerate(policy.parts):
        try:
            value, cost = part.program.run(bound, min(left, 1_000_000))
        except CelError as error:
            left -= getattr(error, "cost", 0)
            if policy.ignores_failure:
                continue
            text = f"expression '{part.program.expression}' resulted in error: {error}"
            if isinstance(error, CostExceeded) and left <= 0:
                text = "validation failed due to running out of cost budget, no further validation rules will be run"
            found.append((index, text, ""))
            continue
        left -= cost
        if part.key:
            if isinstance(value, str) and value.strip():
                texts = notes.setdefault(f"{policy.name}/{part.key}", [])
                if value not in texts:
                    texts.append(value)
        elif value is not True:
            found.append((index, _message(part, bound), part.facts.get("reason") or ""))
    return found


def _message(part: _Part, bound: dict[str, Any]) -> str:
    from kk.server.cel.values import CelError

    if part.message is not None:
        try:
            text, _ = part.message.run(bound)
            if isinstance(text, str) and text.strip() and "\n" not in text.strip() and len(text) <= 5 * 1024:
                return text.strip()
        except CelError:
            pass  # the fixed message takes its place, as upstream has it
    fixed = (part.facts.get("message") or "").strip()
    return fixed or f"failed expression: {part.program.expression.strip()}"


def _act(a: Attributes, failures: list[_Failure]) -> None:
    """Warn, write down and deny. Raises StatusError."""
    from kk.server.cel import policies

    denied, audited = [], []
    for f in failures:
        for action in f.actions:
            if action == "Deny":
                denied.append(f)
            elif action == "Warn":
                text = f"Validation failed for ValidatingAdmissionPolicy '{f.policy}' with binding '{f.binding}': {f.message}"
                if text not in a.warnings:
                    a.warnings.append(text)
            elif action == "Audit":
                audited.append(
                    {
                        "message": f.message,
                        "policy": f.policy,
                        "binding": f.binding,
                        "expressionIndex": f.index,
                        "validationActions": f.actions,
                    }
                )
    if audited:
        a.annotations["validation.policy.admission.k8s.io/validation_failure"] = json.dumps(
            audited, separators=(",", ":")
        )
    if denied:
        f = denied[0]
        text = f"ValidatingAdmissionPolicy '{f.policy}' with binding '{f.binding}' denied request: {f.message}"
        reason = f.reason or "Invalid"
        raise policies.refusal(a, _CODES.get(reason, 422), reason, text, policies.forbidden_text(a, text))


PLUGIN = Plugin("ValidatingAdmissionPolicy", 220, validate=validate)
