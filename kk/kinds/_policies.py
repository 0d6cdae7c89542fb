"""What the four kinds of admission policies share: matching, parameters, variables, bindings. kk.server compiles and applies them.

Source of the words: `pkg/apis/admissionregistration/validation/validation.go` of Kubernetes.
"""

import re

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, required
from kk.kinds._checks import Errors, Obj, bad, each, fill, needed_name, one_of, section
from kk.kinds._labelselector import check_selector
from kk.kinds._webhooks import (
    FAILURE_POLICIES,
    MATCH_POLICIES,
    check_conditions,
    check_rule,
    default_rule,
    is_identifier,
)

_GROUP_VERSION = re.compile(r"[^/]+(/[^/]+)?\Z")


def default_policy(obj: Obj) -> None:
    """A policy fails closed and matches equivalents."""
    spec = section(obj, "spec")
    fill(spec, "failurePolicy", "Fail")
    if spec.get("matchConstraints") is not None:
        default_match(spec["matchConstraints"])


def default_match(match: Obj) -> None:
    """All namespaces, all objects, equivalent versions."""
    fill(match, "matchPolicy", "Equivalent")
    for field in ("namespaceSelector", "objectSelector"):
        if match.get(field) is None:
            match[field] = {}
    for field in ("resourceRules", "excludeResourceRules"):
        for rule in match.get(field) or []:
            default_rule(rule)


def default_binding(obj: Obj) -> None:
    """Matching of a binding, where it narrows its policy's."""
    match = section(obj, "spec").get("matchResources")
    if match is not None:
        default_match(match)


def check_match(path: str, match: Obj, rules_needed: bool) -> Errors:
    """Faults of what a policy or binding matches."""
    if match.get("matchPolicy") is not None:
        yield from one_of(f"{path}.matchPolicy", match["matchPolicy"], MATCH_POLICIES)
    for field in ("namespaceSelector", "objectSelector"):
        yield from check_selector(match.get(field), f"{path}.{field}")
    if rules_needed and not match.get("resourceRules"):
        yield required(f"{path}.resourceRules")
    for field in ("resourceRules", "excludeResourceRules"):
        for where, rule in each(f"{path}.{field}", match.get(field)):
            yield from check_rule(where, rule)


def check_policy(obj: Obj) -> Errors:
    """Faults of what both kinds of policy have."""
    spec = obj["spec"]
    if spec.get("failurePolicy") is not None:
        yield from one_of("spec.failurePolicy", spec["failurePolicy"], FAILURE_POLICIES)
    if spec.get("paramKind") is not None:
        yield from _param_kind("spec.paramKind", spec["paramKind"])
    match = spec.get("matchConstraints")
    if match is None:
        yield required("spec.matchConstraints")
    else:
        yield from check_match("spec.matchConstraints", match, rules_needed=True)
    yield from check_conditions("spec.matchConditions", spec.get("matchConditions"))
    for path, variable in each("spec.variables", spec.get("variables")):
        name = variable.get("name") or ""
        if not name.strip():
            yield required(f"{path}.name", "name is not specified")
        elif not is_identifier(name):
            yield invalid_value(f"{path}.name", name, "must be a valid CEL identifier")
        if not (variable.get("expression") or "").strip():
            yield required(f"{path}.expression", "expression is not specified")


def _param_kind(path: str, kind: Obj) -> Errors:
    version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    if not version:
        yield required(f"{path}.apiVersion")
    elif not _GROUP_VERSION.match(version):
        yield invalid_value(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}")
    else:
        group, _, rest = version.rpartition("/")
        if group:
            yield from bad(f"{path}.apiVersion", group, names.dns_subdomain(group))
        yield from bad(f"{path}.apiVersion", rest, names.dns1035_label(rest))
    if not name:
        yield required(f"{path}.kind")
    else:
        for message in names.dns1035_label(name.lower()):
            yield invalid_value(f"{path}.kind", name, f"may have mixed case, but should otherwise match: {message}")


def check_binding(obj: Obj) -> Errors:
    """Faults of what both kinds of binding have."""
    spec = obj["spec"]
    yield from needed_name("spec.policyName", spec.get("policyName"), names.dns_subdomain)
    if spec.get("paramRef") is not None:
        yield from _param_ref("spec.paramRef", spec["paramRef"])
    if spec.get("matchResources") is not None:
        yield from check_match("spec.matchResources", spec["matchResources"], rules_needed=False)


def _param_ref(path: str, ref: Obj) -> Errors:
    name, selector, action = ref.get("name") or "", ref.get("selector"), ref.get("parameterNotFoundAction")
    if name:
        yield from bad(f"{path}.name", name, names.path_segment(name))
        if selector is not None:
            text = "name and selector are mutually exclusive"
            yield forbidden_value(f"{path}.name", text)
            yield forbidden_value(f"{path}.selector", text)
    elif selector is None:
        yield required(path, "one of name or selector must be specified")
    yield from check_selector(selector, f"{path}.selector")
    if action is None:
        yield required(f"{path}.parameterNotFoundAction")
    else:
        yield from one_of(f"{path}.parameterNotFoundAction", action, ("Deny", "Allow"))


def param_kind_cell(obj: Obj) -> str:
    """ParamKind as tables show it."""
    kind = (obj.get("spec") or {}).get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"


def param_ref_cell(obj: Obj) -> str:
    """ParamRef as tables show it."""
    ref = (obj.get("spec") or {}).get("paramRef")
    if not ref:
        return "<unset>"
    namespace, name = ref.get("namespace") or "", ref.get("name") or ""
    return f"{namespace}/{name}" if namespace else name
