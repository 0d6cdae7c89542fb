"""Where a pod may run and what it is called there: affinity, tolerations, spreading, gates, DNS, host names; their faults.

Words and rules: `validateAffinity`, `ValidateTolerations`, `validateTopologySpreadConstraints`, `validatePodDNSConfig` of Kubernetes.
"""

import re
from typing import Any

from kk.base import names
from kk.base.errors import (
    duplicate,
    forbidden_value,
    invalid_value,
    not_supported,
    required,
)
from kk.kinds._checks import Errors, bad, each
from kk.kinds._labelselector import check_labels, check_selector
from kk.kinds._nodeselector import check_node_selector, check_term
from kk.kinds._tolerations import check_toleration

Obj = dict[str, Any]
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_WEIGHT = "must be in the range 1-100"
_EMPTY = "can not be empty"
_SEARCH = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*"
_is_search = re.compile(_SEARCH + r"\Z").match
_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def check_affinity(path: str, affinity: Obj | None) -> Errors:
    """Affinity to nodes and pods, anti-affinity."""
    if affinity is None:
        return
    node = affinity.get("nodeAffinity")
    if node is not None:
        if node.get(_REQUIRED) is not None:
            yield from check_node_selector(f"{path}.nodeAffinity.{_REQUIRED}", node[_REQUIRED])
        for where, term in each(f"{path}.nodeAffinity.{_PREFERRED}", node.get(_PREFERRED)):
            yield from _weight(where, term)
            yield from check_term(f"{where}.preference", term.get("preference") or {}, values=False)
    for field in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(field)
        if pods is None:
            continue
        for where, term in each(f"{path}.{field}.{_REQUIRED}", pods.get(_REQUIRED)):
            yield from _pod_term(where, term)
        for where, term in each(f"{path}.{field}.{_PREFERRED}", pods.get(_PREFERRED)):
            yield from _weight(where, term)
            yield from _pod_term(f"{where}.podAffinityTerm", term.get("podAffinityTerm") or {})


def _weight(path: str, term: Obj) -> Errors:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        yield invalid_value(f"{path}.weight", weight, _WEIGHT)


def _pod_term(path: str, term: Obj) -> Errors:
    yield from check_selector(term.get("labelSelector"), f"{path}.labelSelector")
    yield from check_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for where, namespace in each(f"{path}.namespaces", term.get("namespaces")):
        yield from bad(where, namespace, names.dns_label(namespace))
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        yield from _label_keys(path, field, term.get(field), term.get("labelSelector"))
    both = set(term.get("matchLabelKeys") or ()) & set(term.get("mismatchLabelKeys") or ())
    for where, key in each(f"{path}.matchLabelKeys", term.get("matchLabelKeys")):
        if key in both:
            yield invalid_value(where, key, "exists in both matchLabelKeys and mismatchLabelKeys")
    topology = term.get("topologyKey") or ""
    if not topology:
        yield required(f"{path}.topologyKey", _EMPTY)
    yield from bad(f"{path}.topologyKey", topology, names.qualified_name(topology))


def _label_keys(path: str, field: str, keys: list[str] | None, selector: Obj | None) -> Errors:
    if not keys:
        return
    if selector is None:
        yield forbidden_value(f"{path}.{field}", "must not be specified when labelSelector is not set")
        return
    for where, key in each(f"{path}.{field}", keys):
        yield from bad(where, key, names.qualified_name(key))


def check_tolerations(path: str, tolerations: list[Obj] | None) -> Errors:
    """All tolerations."""
    for where, toleration in each(path, tolerations):
        yield from check_toleration(where, toleration, _EFFECTS)


def check_spread(path: str, constraints: list[Obj] | None) -> Errors:
    """Topology spread constraints."""
    seen: list[tuple[str, str]] = []
    for where, constraint in each(path, constraints):
        skew, topology = constraint.get("maxSkew") or 0, constraint.get("topologyKey") or ""
        action = constraint.get("whenUnsatisfiable") or ""
        if skew <= 0:
            yield invalid_value(f"{where}.maxSkew", skew, "must be greater than zero")
        if not topology:
            yield required(f"{where}.topologyKey", _EMPTY)
        else:
            yield from bad(f"{where}.topologyKey", topology, names.qualified_name(topology))
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            yield not_supported(f"{where}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway"))
        if (topology, action) in seen:
            yield duplicate(f"{where}.{{topologyKey, whenUnsatisfiable}}", f"{{{topology}, {action}}}")
        seen.append((topology, action))
        yield from _min_domains(where, constraint.get("minDomains"), action)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if constraint.get(field) is not None and constraint[field] not in ("Honor", "Ignore"):
                yield not_supported(f"{where}.{field}", constraint[field], ("Honor", "Ignore"))
        yield from _label_keys(
            where, "matchLabelKeys", constraint.get("matchLabelKeys"), constraint.get("labelSelector")
        )
        yield from check_selector(constraint.get("labelSelector"), f"{where}.labelSelector")


def _min_domains(path: str, value: int | None, action: str) -> Errors:
    if value is None:
        return
    if value <= 0:
        yield invalid_value(f"{path}.minDomains", value, "must be greater than zero")
    if action != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        yield invalid_value(f"{path}.minDomains", value, detail)


def check_gates(path: str, spec: Obj) -> Errors:
    """Readiness gates and scheduling gates; `path` is that of the spec."""
    for where, gate in each(f"{path}.readinessGates", spec.get("readinessGates")):
        condition = gate.get("conditionType") or ""
        yield from bad(f"{where}.conditionType", condition, names.qualified_name(condition))
    seen: set[str] = set()
    for where, gate in each(f"{path}.schedulingGates", spec.get("schedulingGates")):
        name = gate.get("name") or ""
        yield from bad(where, name, names.qualified_name(name))
        if name in seen:
            yield duplicate(where, name)
        seen.add(name)
    if spec.get("schedulingGates") and spec.get("nodeName"):
        yield forbidden_value(f"{path}.nodeName", "cannot be set until all schedulingGates have been cleared")


def check_node(path: str, spec: Obj) -> Errors:
    """nodeSelector and nodeName."""
    yield from check_labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    if spec.get("nodeName"):
        yield from bad(f"{path}.nodeName", spec["nodeName"], names.dns_subdomain(spec["nodeName"]))


def check_dns(path: str, spec: Obj) -> Errors:
    """dnsPolicy and dnsConfig; `path` is that of the spec."""
    policy, config = spec.get("dnsPolicy") or "", spec.get("dnsConfig")
    policies = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
    if not policy:
        yield required(f"{path}.dnsPolicy")
    elif policy not in policies:
        yield not_supported(f"{path}.dnsPolicy", policy, policies)
    where = f"{path}.dnsConfig"
    if policy == "None":
        if config is None:
            yield required(where, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            yield required(f"{where}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
    if config is not None:
        yield from _dns_config(where, config)


def _dns_config(path: str, config: Obj) -> Errors:
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > 3:
        yield invalid_value(f"{path}.nameservers", servers, "must not have more than 3 nameservers")
    for where, server in each(f"{path}.nameservers", servers):
        yield from bad(where, server, names.ip(server))
    if len(searches) > 32:
        yield invalid_value(f"{path}.searches", searches, "must not have more than 32 search paths")
    if len(" ".join(searches)) > 2048:
        detail = "the length of search paths combined must not be more than 2048 characters (including the spaces between search paths)"
        yield invalid_value(f"{path}.searches", searches, detail)
    for where, search in each(f"{path}.searches", searches):
        yield from _search(where, search)
    for where, option in each(f"{path}.options", config.get("options")):
        if not option.get("name"):
            yield required(where, "must not be empty")


def _search(path: str, search: str) -> Errors:
    value = search[:-1] if search.endswith(".") else search
    if search == ".":
        return
    if len(value) > 253:
        yield invalid_value(path, search, names.max_length(253))
    if not _is_search(value):
        text = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character"
        yield invalid_value(path, value, names.regex_message(text, _SEARCH, "example.com"))


def check_hosts(path: str, spec: Obj) -> Errors:
    """hostname, subdomain, hostAliases, hostnameOverride."""
    for field in ("hostname", "subdomain"):
        if spec.get(field):
            yield from bad(f"{path}.{field}", spec[field], names.dns_label(spec[field]))
    override = spec.get("hostnameOverride")
    if override is not None:
        yield from _override(path, spec, override)
    for where, alias in each(f"{path}.hostAliases", spec.get("hostAliases")):
        yield from bad(f"{where}.ip", alias.get("ip") or "", names.ip(alias.get("ip") or ""))
        for there, name in each(f"{where}.hostnames", alias.get("hostnames")):
            yield from bad(there, name, names.dns_subdomain(name))


def _override(path: str, spec: Obj, override: str) -> Errors:
    where = f"{path}.hostnameOverride"
    if len(override) > 64:
        yield invalid_value(where, override, names.max_length(64))
    yield from bad(where, override, names.dns_subdomain(override))
    if spec.get("setHostnameAsFQDN"):
        yield forbidden_value(where, "hostnameOverride and setHostnameAsFQDN are mutually exclusive")
    if spec.get("hostNetwork"):
        yield forbidden_value(where, "hostnameOverride cannot be used when hostNetwork is true")
