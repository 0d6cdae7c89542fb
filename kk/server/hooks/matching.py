"""Whether a webhook wants to hear of a write: rules, scope, the same resource in another version, and selectors.

The rules are those of k8s.io/apiserver `pkg/admission/plugin/webhook/predicates`. Reads the cache for labels of namespaces; calls nobody.
"""

from typing import Any

from kk.base.errors import not_found
from kk.kinds.kind import Resource
from kk.server.context import Attributes, Server
from kk.server.endpoints import discovery
from kk.server.hooks.configurations import GROUP, Hook

Obj = dict[str, Any]
_NAMESPACES = ("", "v1", "namespaces")
#: what no webhook may stand in the way of
_EXEMPT = frozenset(
    (
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    )
)


def exempt(a: Attributes) -> bool:
    """Configurations of admission are not subject to it: a webhook that refuses everything could not be taken away else."""
    return a.resource.group == GROUP and a.resource.plural in _EXEMPT


def namespace_of(a: Attributes) -> str:
    """The namespace as webhooks are told it: a Namespace's is its own name."""
    return name_of(a) if a.resource.key == _NAMESPACES else a.namespace


def unnamed(a: Attributes) -> bool:
    """Whether the name is one that was generated and is not told yet."""
    return a.operation == "CREATE" and not a.name and bool(((a.obj or {}).get("metadata") or {}).get("generateName"))


def name_of(a: Attributes) -> str:
    """The object's name; "" where it is not known yet."""
    if unnamed(a):
        return ""
    return a.name or str(((a.obj or a.old or {}).get("metadata") or {}).get("name") or "")


def matches(rule: Obj, a: Attributes, resource: Resource) -> bool:
    """Whether a rule speaks of a write, as one of `resource`."""
    operations = rule.get("operations") or ()
    return (
        ("*" in operations or a.operation in operations)
        and _in(rule.get("apiGroups"), resource.group)
        and _in(rule.get("apiVersions"), resource.version)
        and any(_names(r, resource.plural, a.subresource) for r in rule.get("resources") or ())
        and _in_scope(rule.get("scope") or "*", bool(a.namespace) and a.resource.key != _NAMESPACES)
    )


def _in(values: "list[str] | None", value: str) -> bool:
    return "*" in (values or ()) or value in (values or ())


def _names(pattern: str, plural: str, subresource: str) -> bool:
    name, _, sub = pattern.partition("/")
    return name in ("*", plural) and sub in ("*", subresource)


def _in_scope(scope: str, namespaced: bool) -> bool:
    return scope == "*" or (scope == "Namespaced") == namespaced


def wanted(hook: Hook, a: Attributes) -> Resource | None:
    """The resource as which a webhook wants to hear of a write, or None. Raises StatusError 404 where the namespace is not there."""
    if not _objects(hook, a):
        return None
    found = next((a.resource for rule in hook.rules if matches(rule, a, a.resource)), None)
    if found is None and hook.equivalent:
        others = equivalents(a.server, a.resource)
        found = next((r for rule in hook.rules for r in others if matches(rule, a, r)), None)
    return found if found is not None and _namespaces(hook, a) else None


def _objects(hook: Hook, a: Attributes) -> bool:
    return hook.objects.empty or any(
        obj is not None and hook.objects.matches((obj.get("metadata") or {}).get("labels") or {})
        for obj in (a.obj, a.old)
    )


def _namespaces(hook: Hook, a: Attributes) -> bool:
    name = namespace_of(a)
    if hook.namespaces.empty or not name:
        return True
    if (
        a.resource.key == _NAMESPACES
        and not a.subresource
        and a.operation in ("CREATE", "UPDATE")
        and a.obj is not None
    ):
        labels = (a.obj.get("metadata") or {}).get("labels")
    else:
        item = a.server.cache.item("", "namespaces", "", name)
        if item is None:
            raise not_found("namespaces", "", name)
        labels = item.labels
    return hook.namespaces.matches(labels or {})


def equivalents(server: Server, resource: Resource) -> list[Resource]:
    """Other served resources that show the same stored objects."""
    version = discovery.resources_version(server)
    held: tuple[int, dict[Any, list[Resource]]] | None = server.state.get(__name__)
    if held is None or held[0] != version:
        held = server.state[__name__] = (version, {})
    found = held[1].get(resource.key)
    if found is None:
        home = _home(server, resource)
        same = [r for r in server.resources.values() if r.plural == resource.plural and r.key != resource.key]
        found = held[1][resource.key] = [r for r in same if home is not None and _home(server, r) is home]
    return found


def _home(server: Server, resource: Resource) -> Any:
    """The shelf that really stores a resource."""
    view = server.views.get(resource.key)
    return None if view is None else view.shelf.base or view.shelf
