"""Nobody gives away rights that he does not hold: roles and bindings are checked against their writer's own rules.

The verbs `escalate` (on roles) and `bind` (on the role that is bound) lift the check. Kubernetes does this in the storage of the RBAC kinds;
rules and texts follow `pkg/registry/rbac` and `pkg/registry/rbac/validation`. Not here: the shape of rules (kk.kinds).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kk.base.errors import not_found
from kk.server.admission._shared import Obj, name_of, refuse
from kk.server.authz import GROUP, MASTERS, access, authorize, errors_text, role_rules, rules_for
from kk.server.context import Attributes, Plugin

_ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_ALL_PATHS = {"verbs": ["*"], "nonResourceURLs": ["*"]}
#: of metadata, what the garbage collector writes, and what every write changes
_COLLECTORS = ("ownerReferences", "finalizers", "managedFields", "resourceVersion", "selfLink")


def check(a: Attributes) -> None:
    """Raise StatusError 403, or 404 for a binding to a role that is not there."""
    new, old = a.obj, a.old
    if new is None or MASTERS in a.user.groups or (old and _for_the_collector_alone(new, old)):
        return
    if a.resource.plural.endswith("bindings"):
        _binding(a, new)
    else:
        _role(a, new, old or {})


def _for_the_collector_alone(new: Obj, old: Obj) -> bool:
    """Whether a change gives nobody anything: only owners and finalizers differ."""
    return _without(new) == _without(old)


def _without(obj: Obj) -> Obj:
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _COLLECTORS}
    return {k: v for k, v in obj.items() if v and k != "metadata"} | {"metadata": metadata}


def _role(a: Attributes, new: Obj, old: Obj) -> None:
    # a POST names nothing in its path, so a right to escalate that names roles does not serve for it
    name = "" if a.options.get("kind") == "CreateOptions" else name_of(a)
    wanted = access("escalate", a.resource.plural, group=GROUP, namespace=a.namespace, name=name)
    if authorize(a.server, a.user, wanted) is None:
        return
    _hold(a, new.get("rules") or [])
    if (_gathers(new) or _gathers(old)) and _missing(a, [_ALL, _ALL_PATHS])[0]:
        raise refuse(a, "must have cluster-admin privileges to use the aggregationRule")


def _gathers(role: Obj) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


def _binding(a: Attributes, new: Obj) -> None:
    ref = new.get("roleRef") or {}
    kind, name = ref.get("kind", ""), ref.get("name", "")
    plural = "clusterroles" if kind == "ClusterRole" else "roles"
    if authorize(a.server, a.user, access("bind", plural, group=GROUP, namespace=a.namespace, name=name)) is None:
        return
    rules = role_rules(a.server, kind, a.namespace, name)
    if rules is None:
        raise not_found(a.resource.plural, GROUP, name)
    _hold(a, rules)


def _hold(a: Attributes, rules: list[Obj]) -> None:
    missing, faults = _missing(a, rules)
    if not missing:
        return
    groups = " ".join(json.dumps(g) for g in a.user.groups)
    lines = "\n".join(sorted(_text(r) for r in _compact(missing)))
    why = f"user {json.dumps(a.user.name)} (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:"
    tail = f"; resolution errors: {errors_text(faults)}" if faults else ""
    raise refuse(a, f"{why}\n{lines}{tail}")


def _missing(a: Attributes, rules: list[Obj]) -> tuple[list[Obj], tuple[str, ...]]:
    """The parts of rules that their giver does not hold, and the faults met."""
    held, faults = rules_for(a.server, a.user, a.namespace)
    sources = [r.source for r in held]
    parts = [part for rule in rules for part in break_down(rule)]
    return [p for p in parts if not any(covers(s, p) for s in sources)], faults


def break_down(rule: Obj) -> Iterator[Obj]:
    """A rule as rules of one verb and one thing each."""
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                for name in names:
                    yield {**part, "resourceNames": [name]}
                if not names:
                    yield part
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"nonResourceURLs": [url], "verbs": [verb]}


def covers(owner: Obj, part: Obj) -> bool:
    """Whether a held rule includes a broken-down one."""
    if not _includes(owner.get("verbs"), part["verbs"]):
        return False
    if "nonResourceURLs" in part:
        return any(_url(held, part["nonResourceURLs"][0]) for held in owner.get("nonResourceURLs") or ())
    if not _includes(owner.get("apiGroups"), part["apiGroups"]):
        return False
    names = owner.get("resourceNames")
    if names and (not part.get("resourceNames") or part["resourceNames"][0] not in names):
        return False
    held, wanted = owner.get("resources") or (), part["resources"][0]
    if "*" in held or wanted in held:
        return True
    _, slash, sub = wanted.partition("/")
    return bool(slash) and f"*/{sub}" in held


def _includes(held: Iterable[str] | None, wanted: list[str]) -> bool:
    held = held or ()
    return "*" in held or wanted[0] in held


def _url(held: str, wanted: str) -> bool:
    return held == wanted or (held.endswith("*") and wanted.startswith(held.rstrip("*")))


def _compact(rules: list[Obj]) -> list[Obj]:
    """Rules of one thing each, joined by their verbs; paths stay apart."""
    found: dict[Any, Obj] = {}
    for i, rule in enumerate(rules):
        key: Any = i
        if "resources" in rule:
            key = (rule["apiGroups"][0], rule["resources"][0], tuple(rule.get("resourceNames") or ()))
        if key in found:
            found[key]["verbs"] += [v for v in rule["verbs"] if v not in found[key]["verbs"]]
        else:
            found[key] = {**rule, "verbs": list(rule["verbs"])}
    return list(found.values())


def _text(rule: Obj) -> str:
    parts = [
        f"{word}:[{' '.join(json.dumps(x) for x in rule[key])}]"
        for word, key in (
            ("APIGroups", "apiGroups"),
            ("Resources", "resources"),
            ("NonResourceURLs", "nonResourceURLs"),
            ("ResourceNames", "resourceNames"),
            ("Verbs", "verbs"),
        )
        if rule.get(key)
    ]
    return "{" + ", ".join(parts) + "}"


PLUGIN = Plugin(
    "RBACEscalation",
    900,
    mutate=check,
    operations=("CREATE", "UPDATE"),
    resources=tuple(f"{p}.{GROUP}" for p in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")),
)
