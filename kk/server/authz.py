"""Who may do what: system:masters, then the node rules, then RBAC, evaluated from the cache.

Roles and bindings are compiled into an index by subject; it is made again only when one of the four kinds changed, and each user's decisions
are remembered until then. Behaviour and texts follow kubernetes `plugin/pkg/auth/authorizer/rbac` and `pkg/apiserver` `ForbiddenStatusError`.
Not here: who the user is (kk.server.authn), and whether a role may be granted (kk.server.admission.rbac_escalation).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kk.base.errors import StatusError, forbidden, forbidden_path
from kk.server.context import RequestInfo, Server, User

GROUP = "rbac.authorization.k8s.io"
MASTERS = "system:masters"
_SHELVES = tuple((GROUP, plural) for plural in ("clusterroles", "clusterrolebindings", "roles", "rolebindings"))
#: methods that are no verb of a resource
_NO_VERBS = ("options", "trace", "connect")
#: decisions that are remembered at most; the whole memory is dropped beyond that
_MEMORY = 20_000


class Rule:
    """A compiled PolicyRule: who asks for many things at once pays for sets, not for lists."""

    __slots__ = ("verbs", "groups", "resources", "names", "paths", "prefixes", "source")

    def __init__(self, source: dict[str, Any]):
        self.source = source
        self.verbs = frozenset(source.get("verbs") or ())
        self.groups = frozenset(source.get("apiGroups") or ())
        self.resources = frozenset(source.get("resources") or ())
        self.names = frozenset(source.get("resourceNames") or ())
        urls = source.get("nonResourceURLs") or ()
        self.paths = frozenset(urls)
        self.prefixes = tuple(u.rstrip("*") for u in urls if u.endswith("*"))

    def allows(self, info: RequestInfo) -> bool:
        """Whether the rule lets the request through."""
        if info.verb not in self.verbs and "*" not in self.verbs:
            return False
        if not info.is_resource:
            return info.path in self.paths or any(info.path.startswith(p) for p in self.prefixes)
        if info.group not in self.groups and "*" not in self.groups:
            return False
        if self.names and info.name not in self.names:
            return False
        return self._covers(info.resource, info.subresource)

    def _covers(self, resource: str, subresource: str) -> bool:
        if "*" in self.resources:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources


@dataclass(frozen=True, slots=True)
class Grant:
    """One subject of one binding: where it holds ("" for everywhere), its rules, and the words that tell of it.

    `missing` is the fault of a binding whose role is not there.
    """

    order: tuple[int, str, int]
    namespace: str
    rules: tuple[Rule, ...]
    words: str
    missing: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed or not, and why."""

    allowed: bool
    reason: str = ""


class Index:
    """All grants by subject, as of one state of the four RBAC resources."""

    def __init__(self, versions: int, subjects: dict[tuple[str, str], list[Grant]]):
        self.versions, self._subjects = versions, subjects
        self._grants: dict[tuple[str, tuple[str, ...]], list[Grant]] = {}
        self.memory: dict[Any, Decision] = {}

    def grants(self, user: User) -> list[Grant]:
        """What a user holds anywhere, in the order in which it is evaluated."""
        key = (user.name, user.groups)
        held = self._grants.get(key)
        if held is None:
            found = list(self._subjects.get(("User", user.name), ()))
            for group in user.groups:
                found += self._subjects.get(("Group", group), ())
            held = sorted({id(g): g for g in found}.values(), key=lambda g: g.order)
            if len(self._grants) > _MEMORY // 10:
                self._grants.clear()
            self._grants[key] = held
        return held


def authorize(server: Server, user: User, info: RequestInfo) -> StatusError | None:
    """None where the request may pass, else the 403 in upstream's words."""
    if MASTERS in user.groups:
        return None
    decision = decide(server, user, info)
    return None if decision.allowed else refusal(user, info, decision)


def decide(server: Server, user: User, info: RequestInfo) -> Decision:
    """The decision and its reason, as SubjectAccessReview shows them."""
    if MASTERS in user.groups:
        return Decision(True)
    from kk.server import authz_node

    reason = ""
    if authz_node.is_node(user):
        answer = authz_node.decide(server, user, info)
        if answer.allowed:
            return answer
        reason = answer.reason
    decision = _by_roles(server, user, info)
    if decision.allowed or not reason:
        return decision
    return Decision(False, "\n".join(r for r in (reason, decision.reason) if r))


def refusal(user: User, info: RequestInfo, decision: Decision) -> StatusError:
    """The 403 of a request that nothing allows."""
    text = denial_text(user, info)
    if decision.reason:
        text += f": {decision.reason}"
    if not info.is_resource:
        return forbidden_path(f"forbidden: {text}")
    return forbidden(info.resource, info.group, info.name, text)


def errors_text(errors: Sequence[str]) -> str:
    """Several faults as upstream's aggregate prints them, each once."""
    errors = list(dict.fromkeys(errors))
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"


def denial_text(user: User, info: RequestInfo) -> str:
    """`User "x" cannot get resource "pods" in API group "" in the namespace "y"`."""
    if not info.is_resource:
        return f'User "{user.name}" cannot {info.verb} path "{info.path}"'
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    where = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    verb = "" if info.verb in _NO_VERBS else info.verb
    return f'User "{user.name}" cannot {verb} resource "{resource}" in API group "{info.group}" {where}'


def access(
    verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", subresource: str = ""
) -> RequestInfo:
    """Attributes of a resource request that nobody sent (reviews, secondary checks of admission)."""
    info = RequestInfo(verb, "")
    info.is_resource, info.group, info.resource, info.subresource = True, group, resource, subresource
    info.namespace, info.name = namespace, name
    return info


def rules_for(server: Server, user: User, namespace: str) -> tuple[list[Rule], tuple[str, ...]]:
    """All rules that hold for a user in a namespace, cluster-wide ones first, and the faults met."""
    rules: list[Rule] = []
    errors: list[str] = []
    for grant in index(server).grants(user):
        if grant.namespace in ("", namespace):
            rules += grant.rules
            if grant.missing:
                errors.append(grant.missing)
    return rules, tuple(errors)


def role_rules(server: Server, kind: str, namespace: str, name: str) -> list[dict[str, Any]] | None:
    """The PolicyRules of a Role (in the namespace) or ClusterRole; None where it is not there."""
    if kind == "ClusterRole":
        role = server.cache.get(GROUP, "clusterroles", "", name)
    else:
        role = server.cache.get(GROUP, "roles", namespace, name)
    return None if role is None else (role.get("rules") or [])


def index(server: Server) -> Index:
    """The index of the present state."""
    shelves = server.cache.shelves
    # each of the four only grows, so their sum tells of any change
    versions = sum([shelves[key].version for key in _SHELVES])
    held: Index | None = server.state.get(__name__)
    if held is None or held.versions != versions:
        held = Index(versions, _subjects(server.cache.list))
        server.state[__name__] = held
    return held


def _by_roles(server: Server, user: User, info: RequestInfo) -> Decision:
    roles = index(server)
    if info.is_resource:
        key = (
            user.name,
            user.groups,
            info.verb,
            info.group,
            info.resource,
            info.subresource,
            info.namespace,
            info.name,
        )
    else:
        key = (user.name, user.groups, info.verb, info.path)  # type: ignore[assignment]
    decision = roles.memory.get(key)
    if decision is None:
        decision = _evaluate(roles.grants(user), info)
        if len(roles.memory) > _MEMORY:
            roles.memory.clear()
        roles.memory[key] = decision
    return decision


def _evaluate(grants: Iterable[Grant], info: RequestInfo) -> Decision:
    errors = []
    namespace = info.namespace if info.is_resource else ""
    for grant in grants:
        if grant.namespace and grant.namespace != namespace:
            continue
        if grant.missing:
            errors.append(grant.missing)
        for rule in grant.rules:
            if rule.allows(info):
                return Decision(True, f"RBAC: allowed by {grant.words}")
    return Decision(False, f"RBAC: {errors_text(errors)}" if errors else "")


def _subjects(listed: Callable[..., Iterable[dict[str, Any]]]) -> dict[tuple[str, str], list[Grant]]:
    roles = {
        (kind, r["metadata"].get("namespace", ""), r["metadata"]["name"]): tuple(Rule(x) for x in r.get("rules") or ())
        for kind, plural in (("ClusterRole", "clusterroles"), ("Role", "roles"))
        for r in listed(GROUP, plural)
    }
    found: dict[tuple[str, str], list[Grant]] = {}
    for plural in ("clusterrolebindings", "rolebindings"):
        for binding in listed(GROUP, plural):
            for key, grant in _grants_of(binding, plural == "clusterrolebindings", roles):
                found.setdefault(key, []).append(grant)
    return found


def _grants_of(
    binding: dict[str, Any], cluster: bool, roles: dict[tuple[str, str, str], tuple[Rule, ...]]
) -> Iterator[tuple[tuple[str, str], Grant]]:
    meta, ref = binding["metadata"], binding.get("roleRef") or {}
    namespace = "" if cluster else meta.get("namespace", "")
    kind, name = ref.get("kind", ""), ref.get("name", "")
    rules = roles.get((kind, "" if kind == "ClusterRole" else namespace, name))
    missing = "" if rules is not None else f'{kind.lower()}.{GROUP} "{name}" not found'
    label = f'"{meta["name"]}"' if cluster else f'"{meta["name"]}/{namespace}"'
    start = f'{"ClusterRoleBinding" if cluster else "RoleBinding"} {label} of {kind} "{name}" to '
    for i, subject in enumerate(binding.get("subjects") or ()):
        order = (0 if cluster else 1, meta["name"], i)
        key, words = _subject(subject, namespace)
        yield key, Grant(order, namespace, rules or (), start + words, missing)


def _subject(subject: dict[str, Any], namespace: str) -> tuple[tuple[str, str], str]:
    kind, name = subject.get("kind", ""), subject.get("name", "")
    if kind != "ServiceAccount":
        return (kind, name), f'{kind} "{name}"'
    where = subject.get("namespace") or namespace
    return ("User", f"system:serviceaccount:{where}:{name}"), f'ServiceAccount "{name}/{where}"'
