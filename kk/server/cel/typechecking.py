"""What the expressions of a ValidatingAdmissionPolicy say of the types that it matches: warnings for its status, which change no decision.

Which types are looked at, and the form of a warning, follow k8s.io/apiserver `pkg/admission/plugin/policy/validating/typechecking.go`. Pure but
for the look at what is served; who writes the status is a controller (kk.control.controllers.validatingadmissionpolicy_status).
"""

from collections.abc import Mapping
from typing import Any

from kk.base.schema import Node
from kk.kinds.kind import Resource
from kk.server.cel import expressions as ex
from kk.server.cel import types as t
from kk.server.cel.schema import unescape
from kk.server.cel.syntax import Faults

Obj = dict[str, Any]
Resources = Mapping[tuple[str, str, str], Resource]
#: types that one rule brings in at most
_MOST = 10
_SIMPLE: dict[str, t.Type] = {
    "string": t.STRING,
    "integer": t.INT,
    "number": t.DOUBLE,
    "boolean": t.BOOL,
    "bytes": t.BYTES,
    "time": t.TIMESTAMP,
    "micro-time": t.TIMESTAMP,
}


class Types:
    """Types of objects as the checker knows them, each made when an expression comes to it; a name is the path from the kind."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def of(self, name: str, node: Node) -> t.Type:
        """The type of a place; dyn where the schema leaves it open."""
        if node.type == "object":
            self._nodes[name] = node
            return ("object", name)
        if node.type == "list":
            return t.list_of(self.of(f"{name}.@idx", node.items))
        if node.type == "map":
            return t.map_of(t.STRING, self.of(f"{name}.@elem", node.items))
        return _SIMPLE.get(node.type, t.DYN)

    def fields(self, name: str, field: str) -> "t.Type | None":
        """The type of a field of an object type; None where it has no such field."""
        node = self._nodes.get(name)
        found = node.fields.get(field) or node.fields.get(unescape(field)) if node is not None else None
        return None if found is None else self.of(f"{name}.{field}", found)


class _Scope(ex.Scope):
    """Admission's variables with the types of one matched kind."""

    def __init__(self, resource: Resource, params: "Resource | None", composed: bool):
        super().__init__(params is not None, composed=composed)
        self._types = Types()
        kind = self._types.of(resource.kind, resource.schema)
        self.variables |= {"object": kind, "oldObject": kind}
        if params is not None:
            self.variables["params"] = self._types.of(f"params.{params.kind}", params.schema)

    def fields(self, name: str, field: str) -> "t.Type | None":
        """Fields of the matched kind's types, and of admission's own."""
        return self._types.fields(name, field) or super().fields(name, field)

    def declare(self, variables: list[Obj]) -> None:
        """The policy's variables, in order; one that does not compile is dynamic."""
        for variable in variables:
            try:
                found = self.compile(variable.get("expression") or "").result
            except Faults:
                found = t.DYN
            self.composed[variable.get("name") or ""] = found


def warnings(policy: Obj, resources: Resources) -> list[Obj]:
    """ExpressionWarnings of a policy, in the order of its validations."""
    spec = policy.get("spec") or {}
    scopes = _scopes(spec, resources)
    found = []
    for index, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            text = validation.get(field)
            told = [f"{name}: {fault}\n" for name, scope in scopes if text and (fault := _fault(scope, text))]
            if told:
                found.append({"fieldRef": f"spec.validations[{index}].{field}", "warning": "\n".join(told)})
    return found


def _scopes(spec: Obj, resources: Resources) -> "list[tuple[str, _Scope]]":
    """What each matched type is called in warnings, and the variables with it."""
    kind = spec.get("paramKind") or {}
    params = next(
        (r for r in resources.values() if (r.api_version, r.kind) == (kind.get("apiVersion"), kind.get("kind"))), None
    )
    variables = spec.get("variables") or []
    made = []
    for resource in _matched(spec, resources):
        scope = _Scope(resource, params, bool(variables))
        scope.declare(variables)
        made.append((f"{resource.group}/{resource.version}, Kind={resource.kind}", scope))
    return made


def _fault(scope: _Scope, text: str) -> str:
    try:
        scope.compile(text)
    except Faults as error:
        return str(error)
    return ""


def _matched(spec: Obj, resources: Resources) -> list[Resource]:
    """The resources that the rules name without wildcards, by group, version and kind."""
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        if _take(rule, resources, found):
            break
    return [found[key] for key in sorted(found)]


def _take(rule: Obj, resources: Resources, found: dict[tuple[str, str, str], Resource]) -> bool:
    """Add what one rule names; True where it names so much that no further rule is read."""
    groups, versions = sorted(rule.get("apiGroups") or ()), sorted(rule.get("apiVersions") or ())
    if any("*" in name for name in (*groups, *versions)):
        return False
    count, plurals = 0, sorted(p for p in rule.get("resources") or () if "*" not in p and "/" not in p)
    for group in groups:
        for version in versions:
            for plural in plurals:
                resource = resources.get((group, version, plural))
                if resource is None:
                    continue
                found[(group, version, resource.kind)] = resource
                count += 1
                if count == _MOST:
                    return True
    return False
