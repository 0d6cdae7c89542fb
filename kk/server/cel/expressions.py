"""The variables of admission: object, oldObject, request, namespaceObject, params, authorizer, variables; their types and their values.

Types and limits are those of k8s.io/apiserver `pkg/admission/plugin/cel`. Objects are dynamic; what is dear to make is made on first use.
"""

from collections.abc import Callable
from typing import Any

from kk.server.cel import environment as env
from kk.server.cel import types as t
from kk.server.cel import values as v
from kk.server.cel.environment import Program
from kk.server.cel.library.authorizers import Authorizer, ResourceCheck
from kk.server.cel.syntax import Faults
from kk.server.context import Attributes

Obj = dict[str, Any]
_GROUP = "kubernetes.authorization."
_ANY_TEXT = t.map_of(t.STRING, t.STRING)
_EXTRA = t.map_of(t.STRING, t.list_of(t.STRING))


def _named(*names: str) -> dict[str, t.Type]:
    return dict.fromkeys(names, t.STRING)


_OBJECTS: dict[str, dict[str, t.Type]] = {
    "kubernetes.GroupVersionKind": _named("group", "version", "kind"),
    "kubernetes.GroupVersionResource": _named("group", "version", "resource"),
    "kubernetes.UserInfo": {**_named("username", "uid"), "groups": t.list_of(t.STRING), "extra": _EXTRA},
    "kubernetes.AdmissionRequest": {
        **dict.fromkeys(("kind", "requestKind"), ("object", "kubernetes.GroupVersionKind")),
        **dict.fromkeys(("resource", "requestResource"), ("object", "kubernetes.GroupVersionResource")),
        **_named("subResource", "requestSubResource", "name", "namespace", "operation"),
        "userInfo": ("object", "kubernetes.UserInfo"),
        "dryRun": t.BOOL,
        "options": t.DYN,
    },
    "kubernetes.Namespace": {
        "metadata": ("object", "kubernetes.NamespaceMetadata"),
        "spec": ("object", "kubernetes.NamespaceSpec"),
        "status": ("object", "kubernetes.NamespaceStatus"),
    },
    "kubernetes.NamespaceMetadata": {
        **_named("name", "generateName", "namespace", "UID", "resourceVersion"),
        "labels": _ANY_TEXT,
        "annotations": _ANY_TEXT,
        "creationTimestamp": t.TIMESTAMP,
        "deletionTimestamp": t.TIMESTAMP,
        "deletionGracePeriodSeconds": t.INT,
        "generation": t.INT,
        "finalizers": t.list_of(t.STRING),
    },
    "kubernetes.NamespaceSpec": {"finalizers": t.list_of(t.STRING)},
    "kubernetes.NamespaceStatus": {"phase": t.STRING},
    "JSONPatch": {**_named("op", "path", "from"), "value": t.DYN},
    "kubernetes.Device": {
        "driver": t.STRING,
        "allowMultipleAllocations": t.BOOL,
        "attributes": t.map_of(t.STRING, t.map_of(t.STRING, t.DYN)),
        "capacity": t.map_of(t.STRING, t.map_of(t.STRING, ("opaque", "kubernetes.Quantity"))),
    },
}


class Scope:
    """What an expression may name. `composed`: the policy's variables, in order, each added when it has compiled."""

    def __init__(self, params: bool = False, namespace: bool = True, composed: bool = False):
        self.variables: dict[str, t.Type] = {
            "object": t.DYN,
            "oldObject": t.DYN,
            "request": ("object", "kubernetes.AdmissionRequest"),
            "authorizer": ("opaque", f"{_GROUP}Authorizer"),
            "authorizer.requestResource": ("opaque", f"{_GROUP}ResourceCheck"),
        }
        if namespace:
            self.variables["namespaceObject"] = ("object", "kubernetes.Namespace")
        if params:
            self.variables["params"] = t.DYN
        self.composed: dict[str, t.Type] = {}
        if composed:
            self.variables["variables"] = ("object", "kubernetes.variables")

    def fields(self, name: str, field: str) -> "t.Type | None":
        """Fields of the object types of admission."""
        if name == "kubernetes.variables":
            return self.composed.get(field)
        if name == "Object" or name.startswith("Object."):
            return t.DYN
        return _OBJECTS.get(name, {}).get(field)

    def compile(self, expression: str, mutation: bool = False) -> Program:
        """A program. Raises Faults."""
        structs = _constructed if mutation else None
        return env.compile(expression, self.variables, self.fields, structs, str, _MUTATION if mutation else None)


def _constructed(name: str) -> bool:
    return name in ("Object", "JSONPatch") or name.startswith("Object.")


_MUTATION: dict[str, tuple[Any, list[t.Overload]]] = {
    "jsonpatch.escapeKey": (
        lambda key: key.replace("~", "~0").replace("/", "~1"),
        [t.Overload("string_jsonpatch_escapeKey_string", [t.STRING], t.STRING, False)],
    )
}


def fault(
    scope: Scope, expression: str, wanted: "tuple[t.Type, ...]", words: str, mutation: bool = False
) -> "str | None":
    """Why an expression cannot stand where one of the wanted types is needed; None where it can."""
    try:
        result = scope.compile(expression, mutation).result
    except Faults as error:
        return f"compilation failed: {error}"
    if wanted and result[0] != "dyn" and not any(t.Mapping().assignable(result, w) for w in wanted):
        return f"{words} {t.show(result)}"
    return None


class Lazy:
    """A value that is made when it is first asked for."""

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], Any]):
        self._make: Callable[[], Any] | None = make
        self._value: Any = None

    def cel_value(self) -> Any:
        """The value."""
        if self._make is not None:
            self._value, self._make = self._make(), None
        return self._value


class Variables:
    """The policy's variables: each is evaluated once, when it is first selected, and costs where it is."""

    __slots__ = ("_programs", "_values", "_bound")
    cel_type = "kubernetes.variables"

    def __init__(self, programs: dict[str, Program], bound: Obj):
        self._programs, self._bound = programs, bound
        self._values: dict[str, Any] = {}

    def cel_has(self, name: str) -> bool:
        """Whether there is such a variable."""
        return name in self._programs

    def cel_select(self, run: Any, name: str) -> Any:
        """The variable's value. Raises CelError."""
        if name not in self._values:
            if name not in self._programs:
                raise v.CelError(f"no such key: {name}")
            try:
                value, cost = self._programs[name].run(self._bound, env.CALL_LIMIT)
                run.spend(cost)
            except v.CelError as error:
                value = v.CelError(f'composited variable "{name}" fails to evaluate: {error}')
            self._values[name] = value
        found = self._values[name]
        if isinstance(found, v.CelError):
            raise found
        return found


def bind(a: Attributes, obj: "Obj | None", old: "Obj | None", request: Callable[[], Obj], params: Any = None) -> Obj:
    """Values of the variables for one write; obj and old in the version that was asked for."""
    authorizer = Authorizer({"server": a.server, "user": a.user})
    return {
        "object": obj,
        "oldObject": old,
        "request": Lazy(request),
        "params": params,
        "namespaceObject": Lazy(lambda: _namespace(a)),
        "authorizer": authorizer,
        "authorizer.requestResource": Lazy(lambda: _request_resource(a, authorizer)),
    }


def _request_resource(a: Attributes, authorizer: Authorizer) -> ResourceCheck:
    from kk.server.hooks.matching import name_of

    facts = {"group": a.resource.group, "resource": a.resource.plural, "subresource": a.subresource}
    return ResourceCheck({**authorizer.facts, **facts, "namespace": a.namespace, "name": name_of(a)})


def _namespace(a: Attributes) -> Any:
    if not a.namespace or a.resource.plural == "namespaces" and not a.resource.group:
        return None
    found = a.server.cache.get("", "namespaces", "", a.namespace)
    if found is None:
        return None
    metadata = {**found.get("metadata", {})}
    for key in ("creationTimestamp", "deletionTimestamp"):
        if key in metadata:
            metadata[key] = v.parse_timestamp(metadata[key])
    return {**found, "metadata": metadata}


def request_of(a: Attributes, kind: Obj, own_kind: Obj, resource: Any) -> Callable[[], Obj]:
    """What makes the `request` of a write."""

    def make() -> Obj:
        from kk.server.hooks import reviews

        found: Obj = reviews.request(a, "v1", resource, (kind, own_kind), None, None)["request"]
        for key in ("uid", "object", "oldObject"):
            found.pop(key, None)
        found["userInfo"] = {"username": "", "groups": [], "extra": {}, **found["userInfo"]}
        return {"subResource": "", "requestSubResource": "", "name": "", "namespace": "", **found}

    return make
