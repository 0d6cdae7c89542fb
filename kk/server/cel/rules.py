"""x-kubernetes-validations: the check of a schema's rules when it is written, and their evaluation over objects.

`check` is asked by kk.server.cel.kinds, `Rules` by kk.server.custom. What is wrong with a rule's other fields (message, reason, fieldPath),
or with its place, kk.kinds says.
"""

import json
from collections.abc import Iterator
from typing import Any

from kk.base import errors
from kk.base.errors import OMITTED, FieldError
from kk.server.cel import environment as env
from kk.server.cel import estimate, schema
from kk.server.cel import types as t
from kk.server.cel.environment import Program
from kk.server.cel.schema import Decl, Decls, Schema
from kk.server.cel.syntax import Faults
from kk.server.cel.values import NONE, CelError, CostExceeded, Optional

KEY = "x-kubernetes-validations"
_RULE_LIMIT, _SCHEMA_LIMIT = 10_000_000, 100_000_000
_ADVICE = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
_MESSAGE_LIMIT = 5 * 1024
_OUT = "validation failed due to running out of cost budget, no further validation rules will be run"


class _Rule:
    """One rule, compiled."""

    __slots__ = ("facts", "program", "message", "fault", "message_fault", "uses_old", "field")

    def __init__(self, facts: dict[str, Any], decl: Decl, decls: Decls):
        self.facts = facts
        self.program: Program | None = None
        self.message: Program | None = None
        self.fault = self.message_fault = ""
        self.uses_old = False
        self.field = (facts.get("fieldPath") or "").strip()
        rule = facts.get("rule") or ""
        if not rule.strip():
            return
        old = t.optional_of(decl.type) if facts.get("optionalOldSelf") else decl.type
        variables = {"self": decl.type, "oldSelf": old}
        try:
            self.program = env.compile(rule, variables, decls.fields, None, schema.unescape)
            self.uses_old = _uses(self.program, "oldSelf")
            if self.program.result not in (t.BOOL, t.DYN):
                self.fault, self.program = "cel expression must evaluate to a bool", None
        except Faults as error:
            self.fault = f"compilation failed: {error}"
        self._compile_message(variables, decls)

    def _compile_message(self, variables: dict[str, t.Type], decls: Decls) -> None:
        text = self.facts.get("messageExpression") or ""
        if not text.strip():
            return
        try:
            self.message = env.compile(text, variables, decls.fields, None, schema.unescape)
            if self.message.result not in (t.STRING, t.DYN):
                self.message, self.message_fault = None, "messageExpression must evaluate to a string"
        except Faults as error:
            self.message_fault = f"messageExpression compilation failed: {error}"

    @property
    def shown(self) -> str:
        """What names the rule in messages."""
        return ((self.facts.get("message") or "") or (self.facts.get("rule") or "")).strip()


def _uses(program: Program, name: str) -> bool:
    return any(e.kind == "ident" and e.name == name for e in env.walk(program.checked.parsed.root))


# when a schema is written


def check(root: Schema, path: str) -> list[FieldError]:
    """Faults of all rules below a root schema."""
    if not _has_rules(root):
        return []
    return _Check(path).run(root)


def _has_rules(node: Any) -> bool:
    if isinstance(node, dict):
        return KEY in node or any(_has_rules(x) for x in node.values() if isinstance(x, (dict, list)))
    return isinstance(node, list) and any(_has_rules(x) for x in node)


class _Check:
    def __init__(self, path: str):
        self._path, self._total = path, 0
        self._costs: list[tuple[int, str]] = []
        self._faults: list[FieldError] = []

    def run(self, root: Schema) -> list[FieldError]:
        """All faults; the total last."""
        self._node(root, self._path, True, 1, "")
        if self._total > _SCHEMA_LIMIT:
            for _, path in sorted(self._costs, key=lambda c: -c[0])[:4]:
                text = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
                self._faults.append(errors.forbidden_value(path, text))
            text = _over(
                "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
                self._total,
                _SCHEMA_LIMIT,
            )
            self._faults.append(errors.forbidden_value(self._path, text))
        return self._faults

    def _node(self, node: Schema, path: str, root: bool, count: "int | None", uncorrelatable: str) -> None:
        """`count`: how often the place can stand in an object, None unbounded; `uncorrelatable`: the list that makes it so."""
        if node.get(KEY):
            self._rules(node, path, root, count, uncorrelatable)
        for name, inner in (node.get("properties") or {}).items():
            if isinstance(inner, dict):
                held = uncorrelatable or (path if node.get("x-kubernetes-map-type") == "atomic" else "")
                self._node(inner, f"{path}.properties[{name}]", False, count, held)
        more = node.get("additionalProperties")
        if isinstance(more, dict):
            held = uncorrelatable or (path if node.get("x-kubernetes-map-type") == "atomic" else "")
            self._node(more, f"{path}.additionalProperties", False, _counted(count, node.get("maxProperties")), held)
        items = node.get("items")
        if isinstance(items, dict):
            held = uncorrelatable or ("" if node.get("x-kubernetes-list-type") == "map" else path)
            self._node(items, f"{path}.items", False, _counted(count, node.get("maxItems")), held)

    def _rules(self, node: Schema, path: str, root: bool, count: "int | None", uncorrelatable: str) -> None:
        decls = Decls()
        decl = decls.of(node, root)
        found = self._faults
        if decl is None:
            text = "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations"
            found.append(FieldError("InternalError", f"{path}.{KEY}", None, text))
            return
        for index, facts in enumerate(node[KEY]):
            at = f"{path}.{KEY}[{index}]"
            if not (facts.get("rule") or "").strip():
                continue
            rule = _Rule(facts, decl, decls)
            found += _compiled(facts, rule, at, uncorrelatable)
            times = count if count is not None else schema.REQUEST // (decl.least + 1)
            for program, field, what in (
                (rule.program, "rule", "estimated rule cost"),
                (rule.message, "messageExpression", "estimated messageExpression cost"),
            ):
                if program is not None:
                    roots = {"self": decl, "oldSelf": decl}
                    self._spend(program, roots, times, f"{at}.{field}", what)

    def _spend(self, program: Program, roots: dict[str, Decl], times: int, path: str, what: str) -> None:
        cost = estimate.times(estimate.Estimate(program.checked, roots).most(), times)
        if cost > _RULE_LIMIT:
            self._faults.append(errors.forbidden_value(path, _over(what, cost, _RULE_LIMIT)))
        self._total = estimate.add(self._total, cost)
        if cost >= _SCHEMA_LIMIT // 100:
            self._costs.append((cost, path))


def _counted(count: "int | None", most: "int | None") -> "int | None":
    return None if count is None or most is None else estimate.times(count, max(most, 0))


def _over(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{what} exceeds budget by factor of {shown} {_ADVICE}"


def _compiled(facts: dict[str, Any], rule: _Rule, at: str, uncorrelatable: str) -> Iterator[FieldError]:
    if rule.fault:
        yield errors.FieldError("FieldValueInvalid", f"{at}.rule", _Go(facts), rule.fault)
    if rule.message_fault:
        yield errors.FieldError("FieldValueInvalid", f"{at}.messageExpression", _Go(facts), rule.message_fault)
    if rule.program is None:
        return
    if rule.uses_old and uncorrelatable:
        text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelatable}"
        yield errors.invalid_value(f"{at}.rule", facts["rule"], text)


class _Go:
    """A rule as Go's JSON shows the internal struct."""

    def __init__(self, facts: dict[str, Any]):
        shown = {
            "Rule": facts.get("rule") or "",
            "Message": facts.get("message") or "",
            "MessageExpression": facts.get("messageExpression") or "",
            "Reason": facts.get("reason"),
            "FieldPath": facts.get("fieldPath") or "",
            "OptionalOldSelf": facts.get("optionalOldSelf"),
        }
        text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
        for char in "<>&":
            text = text.replace(char, f"\\u{ord(char):04x}")
        self._text = text

    def __str__(self) -> str:
        return self._text


# over objects


class _Node:
    """The rules of one place of a schema, and of the places below that have any."""

    __slots__ = ("rules", "convert", "properties", "more", "items", "all_of", "list_keys", "map_atomic", "type")

    def __init__(self, node: Schema, root: bool = False):
        self.rules: list[_Rule] = []
        self.type = node.get("type") or ""
        self.convert = schema.converter(node)
        if node.get(KEY):
            decls = Decls()
            decl = decls.of(node, root)
            if decl is not None:
                self.rules = [_Rule(facts, decl, decls) for facts in node[KEY]]
        self.properties = {
            name: made for name, inner in (node.get("properties") or {}).items() if (made := _node(inner)) is not None
        }
        self.more = _node(node.get("additionalProperties"))
        self.items = _node(node.get("items"))
        self.list_keys = (
            tuple(node.get("x-kubernetes-list-map-keys") or ()) if node.get("x-kubernetes-list-type") == "map" else ()
        )
        self.map_atomic = node.get("x-kubernetes-map-type") == "atomic"


def _node(node: Any) -> "_Node | None":
    return _Node(node) if isinstance(node, dict) and _has_rules(node) else None


class Rules:
    """All rules of a schema. `validate` walks an object along with its schema."""

    def __init__(self, root: Schema):
        self._root = _Node(root, True) if _has_rules(root) else None
        self.empty = self._root is None

    def validate(
        self, obj: Any, old: Any = None, path: str = "", forgiven: "list[FieldError] | None" = None
    ) -> list[FieldError]:
        """Faults of an object; `old` is what it was before an update. What is forgiven because nothing changed goes into `forgiven`."""
        if self._root is None:
            return []
        walk = _Walk(forgiven)
        walk.node(self._root, obj, old, path, _Link(old is not None, obj, old))
        return walk.faults


class _Link:
    """What a place was before, as ratcheting asks: `same` where it, or the nearest place above that has a before, did not change."""

    __slots__ = ("known", "_new", "_old", "_above", "_same")

    def __init__(self, known: bool, new: Any, old: Any, above: "_Link | None" = None):
        self.known, self._new, self._old, self._above = known, new, old, above
        self._same: bool | None = None

    @property
    def same(self) -> bool:
        """Whether faults here are forgiven."""
        if self._same is None:
            if self.known:
                self._same = self._new == self._old
            else:
                self._same = self._above is not None and self._above.same
        return self._same

    def below(self, known: bool, new: Any, old: Any) -> "_Link":
        """The link of a place below."""
        return _Link(known and self.known, new, old, self) if self.known else self


class _Walk:
    def __init__(self, forgiven: "list[FieldError] | None" = None) -> None:
        self.faults: list[FieldError] = []
        self._forgiven = forgiven
        self._left = env.REQUEST_LIMIT

    def node(self, node: _Node, obj: Any, old: Any, path: str, link: _Link) -> None:
        """A place and all below it; stops when the budget is used up."""
        if obj is None or self._left < 0:
            return
        if node.rules:
            self._run(node, obj, old, path, link)
        if isinstance(obj, list) and node.items is not None:
            self._list(node, obj, old if isinstance(old, list) else None, path, link)
        elif isinstance(obj, dict):
            before = old if isinstance(old, dict) else {}
            for key in sorted(obj):
                inner = node.properties.get(key)
                at = f"{path}.{key}" if path else key
                if inner is None:
                    inner, at = (node.more, f"{path}[{key}]") if key not in node.properties else (None, at)
                if inner is not None:
                    known = key in before and not node.map_atomic
                    was = None if node.map_atomic else before.get(key)
                    self.node(inner, obj[key], was, at, link.below(known, obj[key], was))

    def _list(self, node: _Node, obj: "list[Any]", old: "list[Any] | None", path: str, link: _Link) -> None:
        held: dict[Any, Any] = {}
        if node.list_keys and old is not None:
            held = {_key(item, node.list_keys): item for item in old}
        assert node.items is not None
        for index, item in enumerate(obj):
            was = held.get(_key(item, node.list_keys)) if held else None
            self.node(node.items, item, was, f"{path}[{index}]", link.below(was is not None, item, was))

    def _run(self, node: _Node, obj: Any, old: Any, path: str, link: _Link) -> None:
        if self._left <= 0:
            self._stop(path, node, _OUT)
            return
        convert = node.convert or (lambda x: x)
        value = convert(obj)
        was = convert(old) if old is not None else None
        for rule in node.rules:
            if rule.fault:  # stored before it was checked
                self.faults.append(
                    errors.invalid_value(path or "<nil>", node.type, f"rule compile error: {rule.fault}")
                )
                continue
            if rule.program is None or rule.uses_old and old is None and not rule.facts.get("optionalOldSelf"):
                continue
            variables = {"self": value}
            if rule.facts.get("optionalOldSelf"):
                variables["oldSelf"] = NONE if old is None else Optional(True, was)
            elif old is not None:
                variables["oldSelf"] = was
            if not self._one(node, rule, variables, obj, path, link):
                return

    def _one(self, node: _Node, rule: _Rule, variables: dict[str, Any], obj: Any, path: str, link: _Link) -> bool:
        """Evaluate a rule; False where nothing more is to run."""
        assert rule.program is not None
        try:
            if isinstance(variables["self"], CelError):
                raise variables["self"]
            holds, cost = rule.program.run(variables)
        except CelError as error:
            return self._broke(node, rule, error, path)
        if cost > self._left:
            return self._stop(path, node, _OUT)
        self._left -= cost
        if holds is not True:
            return self._failed(node, rule, variables, obj, path, link)
        return True

    def _stop(self, path: str, node: _Node, text: str) -> bool:
        self.faults.append(errors.invalid_value(path or "<nil>", node.type, text))
        self._left = -1
        return False

    def _broke(self, node: _Node, rule: _Rule, error: CelError, path: str) -> bool:
        cost = getattr(error, "cost", 0)
        if cost > self._left:
            return self._stop(path, node, _OUT)
        self._left -= cost
        text = str(error)
        if isinstance(error, CostExceeded):
            why = f"'{text}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.shown}"
            return self._stop(path, node, why)
        if text.startswith("no such overload"):
            text = f"'{text}': call arguments did not match a supported operator, function or macro signature for rule: {rule.shown}"
        else:
            text = f"{text} evaluating rule: {rule.shown}"
        self.faults.append(errors.invalid_value(path or "<nil>", node.type, text))
        return True

    def _failed(self, node: _Node, rule: _Rule, variables: dict[str, Any], obj: Any, path: str, link: _Link) -> bool:
        same = not rule.uses_old and link.same
        if same and self._forgiven is None:
            return True
        faults = self._forgiven if same and self._forgiven is not None else self.faults
        at = f"{path}{rule.field}" if path else rule.field.removeprefix(".")
        at = at or "<nil>"
        value = OMITTED if isinstance(obj, (dict, list)) else obj
        detail = self._message(rule, variables)
        if detail is None:
            detail = (rule.facts.get("message") or "").strip() or f"failed rule: {rule.shown}"
        reason = rule.facts.get("reason")
        if reason == "FieldValueForbidden":
            faults.append(errors.forbidden_value(at, detail))
        elif reason == "FieldValueRequired":
            faults.append(errors.required(at, detail))
        elif reason == "FieldValueDuplicate":
            faults.append(FieldError(reason, at, value))
        else:
            faults.append(errors.invalid_value(at, value, detail))
        return self._left >= 0

    def _message(self, rule: _Rule, variables: dict[str, Any]) -> "str | None":
        if rule.message is None:
            return None
        try:
            text, cost = rule.message.run(variables)
        except CelError as error:
            self._left -= getattr(error, "cost", 0)
            return None
        self._left -= cost
        if not isinstance(text, str):
            return None
        text = text.strip()
        return text if text and "\n" not in text and len(text.encode()) <= _MESSAGE_LIMIT else None


def _key(item: Any, keys: "tuple[str, ...]") -> Any:
    return tuple(str(item.get(k)) for k in keys) if isinstance(item, dict) else id(item)
