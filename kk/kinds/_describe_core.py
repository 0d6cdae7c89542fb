"""How the small kinds of the core group (and of RBAC) are described."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from kk.kinds.describing import (
    Ask,
    Obj,
    Page,
    annotation_lines,
    events,
    head,
    labels,
    meta,
    pairs_text,
    quantity,
    timed_conditions,
)


def _titled(page: Page, obj: Obj, *, namespace: bool = True) -> None:
    head(page, obj, namespace=namespace)
    labels(page, "Labels", meta(obj).get("labels"))
    annotation_lines(page, "Annotations", meta(obj).get("annotations"))


def config_map(obj: Obj, ask: Ask) -> list[str]:
    """The description of a ConfigMap."""
    page = Page()
    _titled(page, obj)
    page.write(0, "\nData\n====\n")
    for key, value in sorted((obj.get("data") or {}).items()):
        page.write(0, f"{key}:\n----\n{value}\n\n")
    page.write(0, "\nBinaryData\n====\n")
    for key, value in sorted((obj.get("binaryData") or {}).items()):
        page.write(0, f"{key}: {len(base64.b64decode(value))} bytes\n")
    page.write(0, "\n")
    events(page, ask, obj)
    return page.lines()


def secret(obj: Obj, ask: Ask) -> list[str]:
    """The description of a Secret; values are not shown."""
    page, kind = Page(), obj.get("type", "")
    _titled(page, obj)
    page.write(0, f"\nType:\t{kind}\n")
    page.write(0, "\nData\n====\n")
    for key, value in sorted((obj.get("data") or {}).items()):
        content = base64.b64decode(value)
        if key == "token" and kind == "kubernetes.io/service-account-token":
            page.line(0, f"{key}:", content.decode("utf-8", "replace"))
        else:
            page.line(0, f"{key}:", f"{len(content)} bytes")
    return page.lines()


def service_account(obj: Obj, ask: Ask) -> list[str]:
    """The description of a ServiceAccount."""
    page = Page()
    _titled(page, obj)
    names = [s.get("name", "") for s in obj.get("imagePullSecrets") or ()] or ["<none>"]
    for place, name in enumerate(names):
        page.line(0, "Image pull secrets:" if place == 0 else " " * 19, name)
    events(page, ask, obj)
    return page.lines()


def namespace(obj: Obj, ask: Ask) -> list[str]:
    """The description of a Namespace, with the quotas and limits that hold in it."""
    page, status, name = Page(), obj.get("status") or {}, meta(obj).get("name", "")
    _titled(page, obj, namespace=False)
    page.line(0, "Status:", status.get("phase", ""))
    timed_conditions(page, status.get("conditions"))
    quotas = ask.list("v1", "resourcequotas", name)
    if quotas is not None:
        page.write(0, "\n")
        _quotas(page, quotas)
    limits = ask.list("v1", "limitranges", name)
    if limits is not None:
        page.write(0, "\n")
        _limits(page, limits)
    return page.lines()


def _quotas(page: Page, found: list[Obj]) -> None:
    if not found:
        page.write(0, "No resource quota.\n")
        return
    page.write(0, "Resource Quotas\n")
    for quota in sorted(found, key=lambda q: meta(q).get("name", "")):
        page.line(1, "Name:", meta(quota).get("name", ""))
        _scopes(page, quota, 1, "* ")
        page.line(1, "Resource", "Used", "Hard")
        page.line(1, "--------", "---", "---")
        _used(page, quota, 1)


def _used(page: Page, quota: Obj, level: int) -> None:
    status = quota.get("status") or {}
    used = status.get("used") or {}
    for name, hard in sorted((status.get("hard") or {}).items()):
        page.line(level, name, quantity(used.get(name, "0")), quantity(hard))


_SCOPES = {
    "Terminating": "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.",
    "NotTerminating": "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.",
    "BestEffort": "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
    "NotBestEffort": "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.",
}


def _scopes(page: Page, quota: Obj, level: int, mark: str) -> None:
    scopes = sorted((quota.get("spec") or {}).get("scopes") or ())
    if scopes:
        page.line(level, "Scopes:", ", ".join(scopes))
        for scope in scopes:
            if scope in _SCOPES:
                page.write(level, f"{mark}{_SCOPES[scope]}\n")


def resource_quota(obj: Obj, ask: Ask) -> list[str]:
    """The description of a ResourceQuota."""
    page = Page()
    head(page, obj)
    _scopes(page, obj, 0, " * ")
    page.line(0, "Resource", "Used", "Hard")
    page.line(0, "--------", "----", "----")
    _used(page, obj, 0)
    return page.lines()


_LIMIT_COLUMNS = ("Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Limit/Request Ratio")
_LIMIT_RULES = ("----", "--------", "---", "---", "---------------", "-------------", "-----------------------")


def _limits(page: Page, found: list[Obj]) -> None:
    if not found:
        page.write(0, "No LimitRange resource.\n")
        return
    page.write(0, "Resource Limits\n " + "\t".join(_LIMIT_COLUMNS) + "\n")
    page.write(0, " " + "\t".join(_LIMIT_RULES) + "\n")
    for limit in found:
        _limit_rows(page, limit, " ")


def _limit_rows(page: Page, limit: Obj, prefix: str) -> None:
    fields = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
    for item in (limit.get("spec") or {}).get("limits") or ():
        for name in sorted({n for f in fields for n in item.get(f) or ()}):
            cells = [quantity((item.get(f) or {})[name]) if name in (item.get(f) or {}) else "-" for f in fields]
            page.line(0, f"{prefix}{item.get('type', '')}", name, *cells)


def limit_range(obj: Obj, ask: Ask) -> list[str]:
    """The description of a LimitRange."""
    page = Page()
    head(page, obj)
    page.line(0, *_LIMIT_COLUMNS)
    page.line(0, *_LIMIT_RULES)
    _limit_rows(page, obj, "")
    return page.lines()


# ---- services ----
def service(obj: Obj, ask: Ask) -> list[str]:
    """The description of a Service, with the endpoints behind its ports."""
    page, spec, status = Page(), obj.get("spec") or {}, obj.get("status") or {}
    _titled(page, obj)
    page.line(0, "Selector:", pairs_text(spec.get("selector")))
    page.line(0, "Type:", spec.get("type", ""))
    if spec.get("ipFamilyPolicy"):
        page.line(0, "IP Family Policy:", spec["ipFamilyPolicy"])
    page.line(0, "IP Families:", ",".join(spec.get("ipFamilies") or ()) or "<none>")
    page.line(0, "IP:", spec.get("clusterIP", ""))
    page.line(0, "IPs:", ",".join(spec.get("clusterIPs") or ()) or "<none>")
    if spec.get("externalIPs"):
        page.line(0, "External IPs:", ",".join(spec["externalIPs"]))
    for title, field in (("Desired LoadBalancer IP", "loadBalancerIP"), ("External Name", "externalName")):
        if spec.get(field):
            page.line(0, f"{title}:", spec[field])
    reached = (status.get("loadBalancer") or {}).get("ingress") or []
    if reached:
        page.line(0, "LoadBalancer Ingress:", ", ".join(_ingress(i) for i in reached))
    name = meta(obj).get("name", "")
    space = meta(obj).get("namespace", "")
    slices = ask.list("discovery.k8s.io/v1", "endpointslices", space, f"kubernetes.io/service-name={name}") or []
    for port in spec.get("ports") or ():
        _port(page, port, slices)
    _policies(page, spec)
    events(page, ask, obj)
    return page.lines()


def _ingress(entry: Obj) -> str:
    if entry.get("ip"):
        return f"{entry['ip']} ({entry['ipMode']})" if entry.get("ipMode") else entry["ip"]
    return entry.get("hostname", "")


def _port(page: Page, port: Obj, slices: list[Obj]) -> None:
    name, protocol = port.get("name") or "<unset>", port.get("protocol", "")
    page.line(0, "Port:", name, f"{port.get('port')}/{protocol}")
    page.line(0, "TargetPort:", f"{port.get('targetPort', port.get('port'))}/{protocol}")
    if port.get("appProtocol"):
        page.line(0, "AppProtocol:", port["appProtocol"])
    if port.get("nodePort"):
        page.line(0, "NodePort:", name, f"{port['nodePort']}/{protocol}")
    page.line(0, "Endpoints:", endpoints_text(slices, port.get("name") or ""))


def endpoints_text(slices: list[Obj], port_name: str, most: int = 3) -> str:
    """`10.0.0.1:80,10.0.0.2:80 + 2 more...`: the ready addresses behind a port; empty, not `<none>`, where slices have none that is ready."""
    if not slices:
        return "<none>"
    shown, count = [], 0
    for piece in slices:
        if not piece.get("ports"):
            continue
        for port in piece["ports"]:
            if port.get("port") is None or (port.get("name") or "") != port_name:
                continue
            for endpoint in piece.get("endpoints") or ():
                if (endpoint.get("conditions") or {}).get("ready") is False:
                    continue
                # further addresses of one endpoint are the same endpoint
                for address in (endpoint.get("addresses") or ())[:1]:
                    count += 1
                    if count <= most:
                        host = f"[{address}]" if ":" in address else address
                        shown.append(f"{host}:{port['port']}")
    text = ",".join(shown)
    return f"{text} + {count - most} more..." if count > most else text


def _policies(page: Page, spec: Obj) -> None:
    page.line(0, "Session Affinity:", spec.get("sessionAffinity", ""))
    for title, field in (
        ("External Traffic Policy", "externalTrafficPolicy"),
        ("Internal Traffic Policy", "internalTrafficPolicy"),
        ("HealthCheck NodePort", "healthCheckNodePort"),
    ):
        if spec.get(field):
            page.line(0, f"{title}:", spec[field])
    if spec.get("loadBalancerSourceRanges"):
        page.line(0, "LoadBalancer Source Ranges:", ",".join(spec["loadBalancerSourceRanges"]))
    if spec.get("trafficDistribution"):
        page.line(0, "Traffic Distribution:", spec["trafficDistribution"])


# ---- RBAC ----
def role(obj: Obj, ask: Ask) -> list[str]:
    """The description of a Role or ClusterRole."""
    page = Page()
    _titled(page, obj, namespace=False)
    page.write(0, "PolicyRule:\n")
    page.line(1, "Resources", "Non-Resource URLs", "Resource Names", "Verbs")
    page.line(1, "---------", "-----------------", "--------------", "-----")
    for row in rule_rows(obj.get("rules") or ()):
        page.line(1, *row)
    return page.lines()


def rule_rows(rules: Iterable[Obj]) -> list[list[str]]:
    """Cells of resource, URLs, names and verbs: a row per resource with the verbs of all rules for it, a row per URL and verb; in
    kubectl's order."""
    joined: dict[tuple[str, str, str], list[str]] = {}
    found: list[tuple[str, list[str]]] = []
    for rule in rules:
        verbs = rule.get("verbs") or []
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for name in rule.get("resourceNames") or [""]:
                    joined.setdefault((group, resource, name), []).extend(verbs)
        found += [_rule_row("", "", "", url, [verb]) for url in rule.get("nonResourceURLs") or () for verb in verbs]
    found += [_rule_row(*key, "", list(dict.fromkeys(verbs))) for key, verbs in joined.items()]
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def _rule_row(group: str, resource: str, name: str, url: str, verbs: list[str]) -> tuple[str, list[str]]:
    """What the row is sorted by (the rule as Go prints it), and its cells."""
    head_, slash, sub = resource.partition("/")
    full = (f"{head_}.{group}" if group else head_) + slash + sub
    listed = " ".join(verbs)
    order = (
        f"Verbs:[{listed}],APIGroups:[{group}],Resources:[{resource}],ResourceNames:[{name}],NonResourceURLs:[{url}]"
    )
    return order, [full, f"[{url}]", f"[{name}]", f"[{listed}]"]


def role_binding(obj: Obj, ask: Ask) -> list[str]:
    """The description of a RoleBinding or ClusterRoleBinding."""
    page, ref = Page(), obj.get("roleRef") or {}
    _titled(page, obj, namespace=False)
    page.write(0, "Role:\n")
    page.line(1, "Kind:", ref.get("kind", ""))
    page.line(1, "Name:", ref.get("name", ""))
    page.write(0, "Subjects:\n")
    page.line(1, "Kind", "Name", "Namespace")
    page.line(1, "----", "----", "---------")
    for subject in obj.get("subjects") or ():
        page.line(1, subject.get("kind", ""), subject.get("name", ""), subject.get("namespace", ""))
    return page.lines()
