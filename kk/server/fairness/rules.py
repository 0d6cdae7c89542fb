"""Which FlowSchema a request belongs to: matching by subject, resource and path, in order of precedence.

Pure. As k8s.io/apiserver `pkg/util/flowcontrol/rule.go`.
"""

from collections.abc import Iterable
from typing import Any

from kk.server.context import RequestInfo, User

Obj = dict[str, Any]
_ACCOUNT = "system:serviceaccount:"


def ordered(schemas: Iterable[Obj]) -> list[Obj]:
    """Schemas in the order in which they are asked."""
    return sorted(schemas, key=lambda s: (s["spec"].get("matchingPrecedence", 1000), s["metadata"]["name"]))


def find(schemas: Iterable[Obj], user: User, info: RequestInfo) -> Obj | None:
    """The first schema that a request matches."""
    for schema in schemas:
        if any(_rule(rule, user, info) for rule in schema["spec"].get("rules") or ()):
            return schema
    return None


def flow(schema: Obj, user: User, info: RequestInfo) -> str:
    """What tells the flows of a schema apart."""
    kind = (schema["spec"].get("distinguisherMethod") or {}).get("type")
    if kind == "ByUser":
        return user.name
    return info.namespace if kind == "ByNamespace" else ""


def _rule(rule: Obj, user: User, info: RequestInfo) -> bool:
    if not any(_subject(s, user) for s in rule.get("subjects") or ()):
        return False
    if info.is_resource:
        return any(_resource(r, info) for r in rule.get("resourceRules") or ())
    return any(_path(r, info) for r in rule.get("nonResourceRules") or ())


def _subject(subject: Obj, user: User) -> bool:
    kind = subject.get("kind")
    if kind == "User":
        name = (subject.get("user") or {}).get("name")
        return name in ("*", user.name)
    if kind == "Group":
        name = (subject.get("group") or {}).get("name")
        return name == "*" or name in user.groups
    account = subject.get("serviceAccount") or {}
    if not user.name.startswith(_ACCOUNT):
        return False
    namespace, _, name = user.name[len(_ACCOUNT) :].partition(":")
    return account.get("namespace") == namespace and account.get("name") in ("*", name)


def _resource(rule: Obj, info: RequestInfo) -> bool:
    if not _has(rule.get("verbs"), info.verb) or not _has(rule.get("apiGroups"), info.group):
        return False
    name = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    if not _has(rule.get("resources"), name):
        return False
    return bool(rule.get("clusterScope")) if not info.namespace else _has(rule.get("namespaces"), info.namespace)


def _path(rule: Obj, info: RequestInfo) -> bool:
    if not _has(rule.get("verbs"), info.verb):
        return False
    return any(
        url in ("*", info.path) or url.endswith("/*") and info.path.startswith(url[:-1])
        for url in rule.get("nonResourceURLs") or ()
    )


def _has(values: list[str] | None, value: str) -> bool:
    return bool(values) and ("*" in values or value in values)  # type: ignore[operator]
