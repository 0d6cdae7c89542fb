"""The authorizer of admission policies: authorizer.group("apps").resource("deployments").check("create").allowed().

Behaviour and words are those of k8s.io/apiserver `pkg/cel/library/authz.go`. Rules of roles look at no selectors; what nodes may do does.
"""

from typing import Any

from kk.base import names, selectors
from kk.server.cel.values import CelError

_A, _P, _G, _R, _D = (
    f"kubernetes.authorization.{n}" for n in ("Authorizer", "PathCheck", "GroupCheck", "ResourceCheck", "Decision")
)
FUNCTIONS = f"""
path authorizer_path {_A}.(string) -> {_P}
group authorizer_group {_A}.(string) -> {_G}
serviceAccount authorizer_serviceaccount {_A}.(string, string) -> {_A}
resource groupcheck_resource {_G}.(string) -> {_R}
subresource resourcecheck_subresource {_R}.(string) -> {_R}
namespace resourcecheck_namespace {_R}.(string) -> {_R}
name resourcecheck_name {_R}.(string) -> {_R}
fieldSelector authorizer_fieldselector {_R}.(string) -> {_R}
labelSelector authorizer_labelselector {_R}.(string) -> {_R}
check pathcheck_check {_P}.(string) -> {_D}
check resourcecheck_check {_R}.(string) -> {_D}
allowed decision_allowed {_D}.() -> bool
reason decision_reason {_D}.() -> string
errored decision_errored {_D}.() -> bool
error decision_error {_D}.() -> string
"""


class _Held:
    """What is asked so far; changed copies of it are further steps."""

    __slots__ = ("facts",)
    cel_type = ""

    def __init__(self, facts: dict[str, Any]):
        self.facts = facts

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, _Held) and self.facts == other.facts

    __hash__ = None  # type: ignore[assignment]


class Authorizer(_Held):
    """Who asks: facts server, user."""

    cel_type = _A


class PathCheck(_Held):
    """A path."""

    cel_type = _P


class GroupCheck(_Held):
    """A group."""

    cel_type = _G


class ResourceCheck(_Held):
    """A resource."""

    cel_type = _R


class Decision(_Held):
    """The answer: facts allowed, reason. None of kk's authorizers can fail, so it never has an error."""

    cel_type = _D


def _account(a: Authorizer, namespace: str, name: str) -> Authorizer:
    from kk.server.context import User

    if names.dns_subdomain(name):
        raise CelError("Invalid service account name")
    if names.dns_label(namespace):
        raise CelError("Invalid service account namespace")
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return Authorizer({**a.facts, "user": User(f"system:serviceaccount:{namespace}:{name}", "", groups)})


def _check(held: Any, verb: str) -> Decision:
    from kk.server.authz import decide
    from kk.server.context import RequestInfo

    facts = held.facts
    info = RequestInfo(verb, facts.get("path", ""))
    if isinstance(held, ResourceCheck):
        info.is_resource, info.api_prefix = True, "apis" if facts["group"] else "api"
        info.group, info.version, info.resource = facts["group"], "*", facts["resource"]
        info.subresource, info.namespace = facts.get("subresource", ""), facts.get("namespace", "")
        info.name = facts.get("name", "")
        info.raw_query = _selectors(facts)
    decision = decide(facts["server"], facts["user"], info)
    return Decision({"allowed": decision.allowed, "reason": decision.reason})


def _selectors(facts: dict[str, Any]) -> bytes:
    """The selectors as a query has them; one that does not parse narrows nothing."""
    from urllib.parse import urlencode

    found = {}
    for key, parse in (("fieldSelector", selectors.parse_fields), ("labelSelector", selectors.parse_labels)):
        text = facts.get(key)
        if text:
            try:
                parse(text)
                found[key] = text
            except ValueError:
                continue
    return urlencode(found).encode()


def _step(kind: type[_Held], key: str) -> Any:
    return lambda held, value: kind({**held.facts, key: value})


def _named(kind: type[_Held], key: str) -> Any:
    """A step that an empty text cannot take."""

    def step(held: _Held, value: str) -> _Held:
        if not value.strip():
            raise CelError(f"{key} must not be empty")
        return kind({**held.facts, key: value})

    return step


IMPLEMENTATIONS: dict[str, Any] = {
    "path": _named(PathCheck, "path"),
    "group": _step(GroupCheck, "group"),
    "serviceAccount": _account,
    "resource": _named(ResourceCheck, "resource"),
    "subresource": _step(ResourceCheck, "subresource"),
    "namespace": _step(ResourceCheck, "namespace"),
    "name": _step(ResourceCheck, "name"),
    "fieldSelector": _step(ResourceCheck, "fieldSelector"),
    "labelSelector": _step(ResourceCheck, "labelSelector"),
    "check": _check,
    "allowed": lambda d: d.facts["allowed"],
    "reason": lambda d: d.facts["reason"],
    "errored": lambda d: False,
    "error": lambda d: "",
}
