"""Admission policies with their bindings, compiled once for each revision, and which of them speak of a write.

Shared by the validating and the mutating plugin; what a policy then does stands in kk.server.admission. Matching is that of webhooks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kk.base.errors import StatusError
from kk.base.selectors import LabelSelector, from_label_selector
from kk.kinds.kind import Resource
from kk.server.cel import conditions
from kk.server.cel import expressions as ex
from kk.server.cel.environment import Program
from kk.server.cel.syntax import Faults
from kk.server.context import Attributes, Server
from kk.server.encoding import Obj
from kk.server.hooks import forms, matching

GROUP = "admissionregistration.k8s.io"


class Misconfigured(Exception):
    """A policy or binding that cannot be used: its failurePolicy decides."""


@dataclass(slots=True)
class Match:
    """matchConstraints or matchResources; has what kk.server.hooks.matching asks of a webhook."""

    rules: tuple[Obj, ...]
    excluded: tuple[Obj, ...]
    namespaces: LabelSelector
    objects: LabelSelector
    equivalent: bool
    given: bool

    @classmethod
    def of(cls, found: "Obj | None") -> "Match":
        """From the wire."""
        found = found or {}
        return cls(
            tuple(found.get("resourceRules") or ()),
            tuple(found.get("excludeResourceRules") or ()),
            from_label_selector(found.get("namespaceSelector") or {}),
            from_label_selector(found.get("objectSelector") or {}),
            found.get("matchPolicy") != "Exact",
            bool(found),
        )

    def wanted(self, a: Attributes) -> "Resource | None":
        """As which resource it speaks of a write; None: not at all. Without rules it speaks of all."""
        if any(_named(rule, a) and matching.matches(rule, a, a.resource) for rule in self.excluded):
            return None
        rules = tuple(rule for rule in self.rules if _named(rule, a))
        if not self.rules:
            rules = ({"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*", "*/*"]},)
        if not rules:
            return None
        narrowed = Match(rules, (), self.namespaces, self.objects, self.equivalent, True)
        return matching.wanted(narrowed, a)  # type: ignore[arg-type]


def _named(rule: Obj, a: Attributes) -> bool:
    names = rule.get("resourceNames")
    return not names or matching.name_of(a) in names


@dataclass(slots=True)
class Policy:
    """A policy; `parts` are what its plugin compiled, `fault` why it could not."""

    name: str
    spec: Obj
    match: Match
    scope: ex.Scope
    conditions: list[tuple[str, Program]] = field(default_factory=list)
    variables: dict[str, Program] = field(default_factory=dict)
    parts: list[Any] = field(default_factory=list)
    fault: str = ""

    @property
    def ignores_failure(self) -> bool:
        """failurePolicy: Ignore."""
        return self.spec.get("failurePolicy") == "Ignore"


@dataclass(slots=True)
class Binding:
    """A binding."""

    name: str
    spec: Obj
    match: Match


def _compiled(obj: Obj, compile_parts: Any) -> Policy:
    spec = obj.get("spec") or {}
    params = bool(spec.get("paramKind"))
    scope = ex.Scope(params, composed=bool(spec.get("variables")))
    policy = Policy(obj["metadata"]["name"], spec, Match.of(spec.get("matchConstraints")), scope)
    try:
        plain = ex.Scope(params)
        policy.conditions = [
            (c.get("name") or "", plain.compile(c["expression"])) for c in spec.get("matchConditions") or ()
        ]
        for variable in spec.get("variables") or ():
            program = policy.variables[variable["name"]] = scope.compile(variable["expression"])
            scope.composed[variable["name"]] = program.result
        policy.parts = compile_parts(spec, scope)
    except Faults as error:
        policy.fault = f"compilation failed: {error}"
    return policy


def pairs(server: Server, policies: str, bindings: str, compile_parts: Any) -> "list[tuple[Policy, list[Binding]]]":
    """All policies that are bound, in the order of their names, with their bindings."""
    shelf, bound = (server.cache.shelves[(GROUP, plural)] for plural in (policies, bindings))
    key = f"{__name__}:{policies}"
    held = server.state.get(key)
    versions = (shelf.version, bound.version)
    if held is not None and held[0] == versions:
        return held[1]
    before: dict[str, tuple[str, Policy]] = held[2] if held is not None else {}
    kept: dict[str, tuple[str, Policy]] = {}
    by_policy: dict[str, list[Binding]] = {}
    for obj in server.cache.iterate(GROUP, bindings):
        spec = obj.get("spec") or {}
        found = Binding(obj["metadata"]["name"], spec, Match.of(spec.get("matchResources")))
        by_policy.setdefault(spec.get("policyName") or "", []).append(found)
    made = []
    for obj in server.cache.iterate(GROUP, policies):
        name, revision = obj["metadata"]["name"], str(obj["metadata"].get("resourceVersion"))
        old = before.get(name)
        policy = old[1] if old is not None and old[0] == revision else _compiled(obj, compile_parts)
        kept[name] = (revision, policy)
        if name in by_policy:
            made.append((policy, sorted(by_policy[name], key=lambda b: b.name)))
    made.sort(key=lambda pair: pair[0].name)
    server.state[key] = (versions, made, kept)
    return made


async def objects(a: Attributes, resource: Resource) -> "tuple[Obj | None, Obj | None]":
    """Object and old object as a resource."""
    return await forms.shown(a, a.obj, resource), await forms.shown(a, a.old, resource)


def bound(a: Attributes, resource: Resource, obj: "Obj | None", old: "Obj | None") -> Obj:
    """The values of the variables, but for params and the policy's own."""
    kinds = forms.kind_of(a, resource), forms.kind_of(a, a.resource)
    return ex.bind(a, obj, old, ex.request_of(a, *kinds, resource))


def with_policy(policy: Policy, values: Obj, params: Any) -> Obj:
    """The values with params and variables."""
    made = {**values, "params": params}
    if policy.variables:
        made["variables"] = ex.Variables(policy.variables, made)
    return made


def applies(policy: Policy, values: Obj) -> bool:
    """Whether the policy's matchConditions hold. Raises conditions.Broken."""
    return conditions.matches(policy.conditions, values) if policy.conditions else True


def params_of(policy: Policy, binding: Binding, a: Attributes) -> "list[Any]":
    """The objects that a binding names as params, each to be used once; [None] where there are none to be had. Raises Misconfigured."""
    kind, ref = policy.spec.get("paramKind"), binding.spec.get("paramRef")
    if not kind or not ref:
        return [None]
    resource = next(
        (
            r
            for r in a.server.resources.values()
            if r.kind == kind.get("kind") and r.api_version == kind.get("apiVersion")
        ),
        None,
    )
    if resource is None:
        raise Misconfigured(
            f"failed to configure policy: failed to find resource referenced by paramKind: '{kind.get('apiVersion')}, Kind={kind.get('kind')}'"
        )
    namespace = ""
    if resource.namespaced:
        namespace = ref.get("namespace") or matching.namespace_of(a)
        if not namespace:
            raise Misconfigured(
                "failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
            )
    elif ref.get("namespace"):
        raise Misconfigured(
            "failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
        )
    found = list(_params(a.server, resource, namespace, ref))
    if found:
        return found
    if ref.get("parameterNotFoundAction") == "Allow":
        return []
    raise Misconfigured(
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )


def _params(server: Server, resource: Resource, namespace: str, ref: Obj) -> Iterator[Obj]:
    group = resource.storage_version.rpartition("/")[0]
    view = server.views.get(resource.key)
    shelf = getattr(view.shelf, "base", None) or view.shelf if view is not None else None
    plural, group = (shelf.resource.plural, shelf.resource.group) if shelf is not None else (resource.plural, group)
    if ref.get("name"):
        found = server.cache.get(group, plural, namespace, ref["name"])
        if found is not None:
            yield found
    elif ref.get("selector") is not None:
        selector = from_label_selector(ref["selector"])
        for obj in server.cache.list(group, plural, namespace):
            if selector.matches((obj.get("metadata") or {}).get("labels") or {}):
                yield obj


def refusal(a: Attributes, code: int, reason: str, message: str, shown: str) -> StatusError:
    """The Status of a write that a policy refuses."""
    details: Obj = {"name": matching.name_of(a), "group": a.resource.group, "kind": a.resource.plural}
    details = {k: v for k, v in details.items() if v}
    return StatusError(code, reason, shown, {**details, "causes": [{"message": message}]})


def forbidden_text(a: Attributes, message: str) -> str:
    """A message behind what is refused."""
    name = f"{a.resource.plural}.{a.resource.group}" if a.resource.group else a.resource.plural
    return f'{name} "{matching.name_of(a) or "Unknown"}" is forbidden: {message}'
