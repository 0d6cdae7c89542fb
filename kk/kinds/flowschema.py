"""FlowSchema: which requests go to which priority level of the API server."""

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, not_supported, required
from kk.kinds._cells import condition
from kk.kinds._checks import Errors, Obj, bad, condition_types, each, fill, go_value, one_of, section
from kk.kinds.kind import AGE, Column, Kind

_PRECEDENCE, _MOST = 1000, 10000
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")


def _everything(*groups: str) -> list[Obj]:
    """The rule that lets groups do everything."""
    return [
        {
            "subjects": [{"kind": "Group", "group": {"name": name}} for name in groups],
            "resourceRules": [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
            ],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }
    ]


#: the two schemas that always exist, and what they always say
FIXED: dict[str, Obj] = {
    "exempt": {
        "priorityLevelConfiguration": {"name": "exempt"},
        "matchingPrecedence": 1,
        "rules": _everything("system:masters"),
    },
    "catch-all": {
        "priorityLevelConfiguration": {"name": "catch-all"},
        "matchingPrecedence": _MOST,
        "distinguisherMethod": {"type": "ByUser"},
        "rules": _everything("system:unauthenticated", "system:authenticated"),
    },
}


def default(obj: Obj) -> None:
    """A middling precedence."""
    spec = section(obj, "spec")
    if not spec.get("matchingPrecedence"):
        spec["matchingPrecedence"] = _PRECEDENCE
    fill(spec, "priorityLevelConfiguration", {"name": ""})
    fill(obj, "status", {})


def prepare_create(obj: Obj) -> None:
    """Only the server says whether a schema dangles."""
    obj["status"] = {}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Precedence, level, and rules about who asks for what."""
    spec = obj["spec"]
    precedence = spec.get("matchingPrecedence") or 0
    if precedence <= 0:
        yield invalid_value("spec.matchingPrecedence", precedence, "must be a positive value")
    if precedence > _MOST:
        yield invalid_value("spec.matchingPrecedence", precedence, f"must not be greater than {_MOST}")
    name = obj["metadata"].get("name") or ""
    if precedence == 1 and name != "exempt":
        yield invalid_value(
            "spec.matchingPrecedence", precedence, "only the schema named 'exempt' may have matchingPrecedence 1"
        )
    method = (spec.get("distinguisherMethod") or {}).get("type")
    if spec.get("distinguisherMethod") is not None:
        yield from one_of("spec.distinguisherMethod.type", method, ("ByNamespace", "ByUser"))
    level = (spec.get("priorityLevelConfiguration") or {}).get("name") or ""
    if not level:
        yield required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    else:
        yield from bad("spec.priorityLevelConfiguration.name", level, names.dns_subdomain(level))
    for path, rule in each("spec.rules", spec.get("rules")):
        yield from _rule(path, rule)
    if name in FIXED and _plain(spec) != _plain(FIXED[name]):
        yield invalid_value("spec", _shown(spec), f"spec of '{name}' must equal the fixed value")


def _plain(spec: Obj) -> Obj:
    return {k: v for k, v in spec.items() if v}


def _shown(spec: Obj) -> Obj:
    rules = []
    for rule in spec.get("rules") or []:
        subjects = [
            {
                "Kind": s.get("kind") or "",
                "User": _named(s.get("user")),
                "Group": _named(s.get("group")),
                "ServiceAccount": go_value(s["serviceAccount"], "Namespace", "Name")
                if s.get("serviceAccount")
                else None,
            }
            for s in rule.get("subjects") or []
        ]
        resources = [
            go_value(
                {"clusterScope": False, **r}, "Verbs", "APIGroups=apiGroups", "Resources", "ClusterScope", "Namespaces"
            )
            for r in rule.get("resourceRules") or []
        ]
        paths = [go_value(r, "Verbs", "NonResourceURLs") for r in rule.get("nonResourceRules") or []]
        rules.append({"Subjects": subjects, "ResourceRules": resources, "NonResourceRules": paths})
    method = spec.get("distinguisherMethod")
    return {
        "PriorityLevelConfiguration": _named(spec.get("priorityLevelConfiguration") or {}),
        "MatchingPrecedence": spec.get("matchingPrecedence") or 0,
        "DistinguisherMethod": {"Type": method.get("type") or ""} if method else None,
        "Rules": rules,
    }


def _named(found: Obj | None) -> Obj | None:
    return None if found is None else {"Name": found.get("name") or ""}


def _rule(path: str, rule: Obj) -> Errors:
    if not rule.get("subjects"):
        yield required(f"{path}.subjects", "subjects must contain at least one value")
    for where, subject in each(f"{path}.subjects", rule.get("subjects")):
        yield from _subject(where, subject)
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        yield required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for where, one in each(f"{path}.resourceRules", rule.get("resourceRules")):
        yield from _verbs(where, one)
        for field, what in (("apiGroups", "api group"), ("resources", "resource")):
            yield from _values(f"{where}.{field}", one.get(field), what)
        namespaces = one.get("namespaces") or []
        if not namespaces and not one.get("clusterScope"):
            yield required(
                f"{where}.namespaces", "resource rules that are not cluster scoped must supply at least one namespace"
            )
        elif "*" in namespaces and len(namespaces) > 1:
            yield invalid_value(
                f"{where}.namespaces", namespaces, "if '*' is present, must not specify other namespaces"
            )
        else:
            for there, namespace in each(f"{where}.namespaces", namespaces):
                if namespace != "*":
                    yield from bad(there, namespace, names.dns_label(namespace))
    for where, one in each(f"{path}.nonResourceRules", rule.get("nonResourceRules")):
        yield from _verbs(where, one)
        yield from _urls(f"{where}.nonResourceURLs", one.get("nonResourceURLs") or [])


def _values(path: str, values: list[str] | None, what: str) -> Errors:
    if not values:
        yield required(path, f"resource rules must supply at least one {what}")
    elif "*" in values and len(values) > 1:
        yield invalid_value(path, values, f"if '*' is present, must not specify other {what}s")


def _verbs(path: str, rule: Obj) -> Errors:
    verbs = rule.get("verbs") or []
    if not verbs:
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    elif "*" in verbs:
        if len(verbs) > 1:
            yield invalid_value(f"{path}.verbs", verbs, "if '*' is present, must not specify other verbs")
    else:
        if not set(verbs) <= set(_VERBS):
            yield not_supported(f"{path}.verbs", verbs, _VERBS)


def _urls(path: str, urls: list[str]) -> Errors:
    if not urls:
        yield required(path, "nonResourceURLs must contain at least one value")
    elif "*" in urls and len(urls) > 1:
        yield invalid_value(path, urls, "if '*' is present, must not specify other non-resource URLs")
    if "*" in urls:
        return
    for where, url in each(path, urls):
        if why := _url_fault(url):
            yield invalid_value(where, url, why)


def _url_fault(url: str) -> str:
    """What is wrong with a path, the first thing only."""
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""


def _subject(path: str, subject: Obj) -> Errors:
    kind = subject.get("kind") or ""
    fields = {"User": "user", "Group": "group", "ServiceAccount": "serviceAccount"}
    if kind not in fields:
        yield from one_of(f"{path}.kind", kind, ("Group", "ServiceAccount", "User"))
        return
    for other, field in fields.items():
        if other != kind and subject.get(field) is not None:
            yield forbidden_value(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{other}'")
    field = fields[kind]
    found = subject.get(field)
    if found is None:
        yield required(f"{path}.{field}", f"{field} is required when subject kind is '{kind}'")
        return
    name = found.get("name") or ""
    if not name:
        yield required(f"{path}.{field}.name")
    elif kind == "ServiceAccount" and name != "*":
        yield from bad(f"{path}.{field}.name", name, names.dns_subdomain(name))
    if kind == "ServiceAccount":
        if not found.get("namespace"):
            yield required(f"{path}.{field}.namespace", "must specify namespace for service account")
        else:
            yield from bad(f"{path}.{field}.namespace", found["namespace"], names.dns_label(found["namespace"]))


def _method(obj: Obj) -> str:
    return (obj["spec"].get("distinguisherMethod") or {}).get("type") or "<none>"


def _missing(obj: Obj) -> str:
    found = condition(obj, "Dangling")
    return str(found.get("status", "")) if found else "?"


KIND = Kind(
    "flowcontrol.apiserver.k8s.io/v1",
    "FlowSchema",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=condition_types,
    columns=(
        Column("PriorityLevel", ".spec.priorityLevelConfiguration.name"),
        Column(
            "MatchingPrecedence",
            lambda obj: obj["spec"].get("matchingPrecedence") or 0,
            describes=".spec.matchingPrecedence",
        ),
        Column("DistinguisherMethod", _method, describes=".spec.distinguisherMethod"),
        AGE,
        Column("MissingPL", _missing, description="references a broken or non-existent PriorityLevelConfiguration"),
    ),
    status=True,
)
