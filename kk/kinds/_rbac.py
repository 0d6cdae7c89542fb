"""What the four RBAC kinds share: rules, role references, subjects. Who may do what is decided by kk.server, not here.

Source of the words: `pkg/apis/rbac/validation/validation.go` of Kubernetes.
"""

from kk.base import names
from kk.base.errors import invalid_value, not_supported, required
from kk.kinds._checks import Errors, Obj, bad, each, fill, go_value, needed_name, one_of, section
from kk.kinds.kind import AGE, Column

GROUP = "rbac.authorization.k8s.io"


def check_rules(rules: list[Obj] | None, namespaced: bool) -> Errors:
    """Faults of policy rules."""
    for path, rule in each("rules", rules):
        urls = rule.get("nonResourceURLs")
        if not rule.get("verbs"):
            yield required(f"{path}.verbs", "verbs must contain at least one value")
        if urls:
            if namespaced:
                yield invalid_value(
                    f"{path}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs"
                )
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                yield invalid_value(
                    f"{path}.nonResourceURLs",
                    urls,
                    "rules cannot apply to both regular resources and non-resource URLs",
                )
            continue
        if not rule.get("apiGroups"):
            yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{path}.resources", "resource rules must supply at least one resource")


def default_rules(obj: Obj) -> None:
    """The rules of a role are always written, null where it has none."""
    obj.setdefault("rules", None)


def keep_rules(obj: Obj, old: Obj | None = None) -> None:
    """An empty list is kept as null: not before it is told who wrote it, for who writes an empty list owns it."""
    if not obj.get("rules"):
        obj["rules"] = None


def default_binding(obj: Obj) -> None:
    """Groups of the role and of its subjects."""
    fill_group(section(obj, "roleRef"))
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            fill_group(subject)


def fill_group(ref: Obj) -> None:
    """A reference without a group means this one."""
    if not ref.get("apiGroup"):
        ref["apiGroup"] = GROUP
    fill(ref, "kind", "")
    fill(ref, "name", "")


def check_binding(obj: Obj, old: Obj | None, kinds: tuple[str, ...], namespaced: bool) -> Errors:
    """Faults of a binding; what it binds never changes."""
    ref = obj["roleRef"]
    yield from one_of("roleRef.apiGroup", ref.get("apiGroup"), (GROUP,))
    yield from one_of("roleRef.kind", ref.get("kind"), kinds)
    yield from needed_name("roleRef.name", ref.get("name"), names.path_segment)
    for path, subject in each("subjects", obj.get("subjects")):
        yield from _subject(path, subject, namespaced)
    if old is not None and ref != old["roleRef"]:
        yield invalid_value("roleRef", go_value(ref, "APIGroup=apiGroup", "Kind", "Name"), "cannot change roleRef")


def _subject(path: str, subject: Obj, namespaced: bool) -> Errors:
    kind, name, group = subject.get("kind") or "", subject.get("name") or "", subject.get("apiGroup") or ""
    if not name:
        yield required(f"{path}.name")
    if kind == "ServiceAccount":
        if name:
            yield from bad(f"{path}.name", name, names.dns_subdomain(name))
        if group:
            yield not_supported(f"{path}.apiGroup", group, ("",))
        if not namespaced and not subject.get("namespace"):
            yield required(f"{path}.namespace")
    elif kind in ("User", "Group"):
        yield from one_of(f"{path}.apiGroup", group, (GROUP,))
    else:
        yield not_supported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group"))


def _role(obj: Obj) -> str:
    ref = obj.get("roleRef") or {}
    return f"{ref.get('kind', '')}/{ref.get('name', '')}"


def _subjects(kind: str, binding: str) -> Column:
    def cell(obj: Obj) -> str:
        found = [s for s in obj.get("subjects") or [] if s.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{s.get('namespace', '')}/{s.get('name', '')}" for s in found)
        return ", ".join(s.get("name", "") for s in found)

    return Column(f"{kind}s", cell, priority=1, description=f"{kind}s in the {binding}")


def binding_columns(binding: str) -> tuple[Column, ...]:
    """The columns of a kind of binding, which their texts name."""
    people = (_subjects(kind, binding) for kind in ("User", "Group", "ServiceAccount"))
    return (Column("Role", _role, describes=".roleRef"), AGE, *people)
