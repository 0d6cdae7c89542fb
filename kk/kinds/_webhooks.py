"""What webhook configurations and admission policies share: rules, match conditions, client configurations.

Expressions are compiled by the server's admission plugins, not here: a floor below knows no CEL. Source of the words:
`pkg/apis/admissionregistration/validation/validation.go` of Kubernetes and `k8s.io/apiserver/pkg/util/webhook/validation.go`.
"""

import re
from urllib.parse import urlsplit

from kk.base import names
from kk.base.errors import FieldError, duplicate, invalid_value, not_supported, required
from kk.kinds._checks import Errors, Obj, bad, each, fill, one_of
from kk.kinds._labelselector import check_selector

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
SCOPES = ("*", "Cluster", "Namespaced")
_REVIEWS = ("v1", "v1beta1")
_MOST_CONDITIONS = 64
_URL = "desired format: https://host[/path]"


def default_rule(rule: Obj) -> None:
    """A rule without a scope means both."""
    fill(rule, "scope", "*")


def check_rule(path: str, rule: Obj) -> Errors:
    """Faults of a rule with its operations."""
    yield from _operations(f"{path}.operations", rule.get("operations") or [])
    yield from _list(f"{path}.apiGroups", rule.get("apiGroups"), "API groups", empty=True)
    yield from _list(f"{path}.apiVersions", rule.get("apiVersions"), "API versions")
    yield from _resources(f"{path}.resources", rule.get("resources") or [])
    if rule.get("scope") is not None:
        yield from one_of(f"{path}.scope", rule["scope"], SCOPES)
    seen: set[str] = set()
    for where, name in each(f"{path}.resourceNames", rule.get("resourceNames")):
        yield from bad(where, name, names.path_segment(name))
        if name in seen:
            yield duplicate(where, name)
        seen.add(name)


def _operations(path: str, operations: list[str]) -> Errors:
    if not operations:
        yield required(path)
    for where, operation in each(path, operations):
        if operation not in OPERATIONS:
            yield not_supported(where, operation, OPERATIONS)
    if "*" in operations and len(operations) > 1:
        yield invalid_value(path, operations, "if '*' is present, must not specify other operations")


def _list(path: str, values: list[str] | None, what: str, empty: bool = False) -> Errors:
    values = values or []
    if not values:
        yield required(path)
    if len(values) > 1 and "*" in values:
        yield invalid_value(path, values, f"if '*' is present, must not specify other {what}")
    for where, value in each(path, values):
        if not value and not empty:
            yield required(where)


def _resources(path: str, resources: list[str]) -> Errors:
    """`*/*` stands alone, `*` with sub-resources only, `R/*` before any R/x, `*/x` before any R/x."""
    if not resources:
        yield required(path)
    whole: set[str] = set()
    subs: set[str] = set()
    plain = False
    for where, resource in each(path, resources):
        if not resource:
            yield required(where)
            continue
        name, slash, sub = resource.partition("/")
        if not slash:
            plain = resource != "*"
            continue
        if name in whole:
            yield invalid_value(where, resource, f"if '{name}/*' is present, must not specify {resource}")
        if sub in subs:
            yield invalid_value(where, resource, f"if '*/{sub}' is present, must not specify {resource}")
        if sub == "*":
            whole.add(name)
        if name == "*":
            subs.add(sub)
    if len(resources) > 1 and "*/*" in resources:
        yield invalid_value(path, resources, "if '*/*' is present, must not specify other resources")
    if "*" in resources and plain:
        yield invalid_value(path, resources, "if '*' is present, must not specify other resources without subresources")


def check_conditions(path: str, conditions: list[Obj] | None) -> Errors:
    """Faults of match conditions, but for what their expressions mean."""
    if len(conditions or []) > _MOST_CONDITIONS:
        yield FieldError(
            "FieldValueTooMany", path, len(conditions or []), f"must have at most {_MOST_CONDITIONS} items"
        )
        return
    seen: set[str] = set()
    for where, condition in each(path, conditions):
        if not (condition.get("expression") or "").strip():
            yield required(f"{where}.expression")
        name = condition.get("name") or ""
        if not name:
            yield required(f"{where}.name")
            continue
        yield from bad(f"{where}.name", name, names.qualified_name(name))
        if name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)


def check_client(path: str, client: Obj) -> Errors:
    """Faults of where a webhook listens."""
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        yield required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _url(f"{path}.url", url)
    else:
        yield from _service(f"{path}.service", service or {})


def _url(path: str, url: str) -> Errors:
    try:
        found = urlsplit(url)
        host = found.netloc
    except ValueError as error:
        yield required(path, f"url must be a valid URL: {error}; {_URL}")
        return
    if found.scheme != "https":
        yield invalid_value(path, found.scheme, f"'https' is the only allowed URL scheme; {_URL}")
    if not host:
        yield invalid_value(path, host, f"host must be specified; {_URL}")
    if "@" in host:
        yield invalid_value(path, host.partition("@")[0], f"user information is not permitted in the URL; {_URL}")
    if found.fragment:
        yield invalid_value(path, found.fragment, f"fragments are not permitted in the URL; {_URL}")
    if found.query:
        yield invalid_value(path, found.query, f"query parameters are not permitted in the URL; {_URL}")


def _service(path: str, service: Obj) -> Errors:
    for field in ("name", "namespace"):
        if not service.get(field):
            yield required(f"{path}.{field}", f"service {field} is required")
    port = service.get("port")
    if port is not None and not 1 <= port <= 65535:
        yield invalid_value(f"{path}.port", port, "port is not valid: must be between 1 and 65535, inclusive")
    yield from _path(f"{path}.path", service.get("path") or "/")


def _path(path: str, url: str) -> Errors:
    if url == "/":
        return
    if url == "//":
        yield invalid_value(path, url, "segment[0] may not be empty")
        return
    if not url.startswith("/"):
        yield invalid_value(path, url, "must start with a '/'")
    for i, step in enumerate(url[1:].removesuffix("/").split("/")):
        if not step:
            yield invalid_value(path, url, f"segment[{i}] may not be empty")
            continue
        yield from bad(path, url, (f"segment[{i}]: {message}" for message in names.dns_subdomain(step)))


def default_webhook(hook: Obj) -> None:
    """A webhook fails closed, for all objects, within ten seconds."""
    for field, value in (("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"), ("timeoutSeconds", 10)):
        fill(hook, field, value)
    for field in ("namespaceSelector", "objectSelector"):
        if hook.get(field) is None:
            hook[field] = {}
    client = hook.get("clientConfig")
    if client is not None and client.get("service") is not None:
        fill(client["service"], "port", 443)
    for rule in hook.get("rules") or []:
        default_rule(rule)


def check_webhooks(obj: Obj, old: Obj | None) -> Errors:
    """Faults of a configuration's webhooks; names are unique."""
    seen: set[str] = set()
    before = {h.get("name"): h for h in (old or {}).get("webhooks") or []}
    for path, hook in each("webhooks", obj.get("webhooks")):
        yield from _webhook(path, hook, before.get(hook.get("name")) or {})
        name = hook.get("name") or ""
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)


def _webhook(path: str, hook: Obj, old: Obj) -> Errors:
    yield from qualified_domain(f"{path}.name", hook.get("name") or "")
    for where, rule in each(f"{path}.rules", hook.get("rules")):
        yield from check_rule(where, rule)
    for field, allowed in (("failurePolicy", FAILURE_POLICIES), ("matchPolicy", MATCH_POLICIES)):
        if hook.get(field) is not None:
            yield from one_of(f"{path}.{field}", hook[field], allowed)
    effects = hook.get("sideEffects")
    if effects is None:
        yield required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun")
    else:
        yield from one_of(f"{path}.sideEffects", effects, ("None", "NoneOnDryRun"))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        yield invalid_value(f"{path}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds")
    for field in ("namespaceSelector", "objectSelector"):
        yield from check_selector(hook.get(field), f"{path}.{field}")
    yield from check_client(f"{path}.clientConfig", hook.get("clientConfig") or {})
    yield from check_reviews(
        f"{path}.admissionReviewVersions", hook.get("admissionReviewVersions") or [], "must specify one of v1, v1beta1"
    )
    yield from check_conditions(f"{path}.matchConditions", hook.get("matchConditions"))
    if hook.get("reinvocationPolicy") is not None:
        yield from one_of(f"{path}.reinvocationPolicy", hook["reinvocationPolicy"], ("IfNeeded", "Never"))


def qualified_domain(path: str, name: str) -> Errors:
    """Faults of a domain of three parts."""
    if not name:
        yield required(path)
        return
    faults = names.dns_subdomain(name)
    yield from bad(path, name, faults)
    if not faults and len(name.split(".")) < 3:
        yield invalid_value(path, name, "should be a domain with at least three segments separated by dots")


def check_reviews(path: str, versions: list[str], missing: str) -> Errors:
    """Faults of the versions of a review that a webhook understands."""
    if not versions:
        yield required(path, missing)
        return
    seen: set[str] = set()
    for where, version in each(path, versions):
        if version in seen:
            yield invalid_value(where, version, "duplicate version")
            continue
        seen.add(version)
        yield from bad(where, version, names.dns1035_label(version))
    if not seen & set(_REVIEWS):
        yield invalid_value(path, versions, "must include at least one of v1, v1beta1")


_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*\Z")
#: words of CEL that name nothing
CEL_RESERVED = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)


def is_identifier(name: str) -> bool:
    """Whether CEL takes a name as an identifier."""
    return bool(_IDENTIFIER.match(name)) and name not in CEL_RESERVED
