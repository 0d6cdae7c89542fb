"""Ingress: HTTP routes from outside to Services. An ingress controller outside this house acts on it; here it is kept and checked."""

from typing import Any

from kk.base import names
from kk.base.errors import invalid_value, required
from kk.kinds import _addresses, _extensions
from kk.kinds._cells import balancer_addresses, cut
from kk.kinds._checks import PORT_RANGE, Errors, Obj, bad, each, fill, one_of, section
from kk.kinds._later import later
from kk.kinds._references import check_typed_reference
from kk.kinds.kind import AGE, Column, Kind

_CLASS = "kubernetes.io/ingress.class"
_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_SUFFIXES = ("/..", "/.")


def default(obj: Obj) -> None:
    """Spec and status are always there."""
    section(obj, "spec")
    fill(section(obj, "status"), "loadBalancer", {})


def prepare_create(obj: Obj) -> None:
    """Status belongs to the ingress controller."""
    obj["status"] = {"loadBalancer": {}}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Backends, rules, TLS and the class; both ways to name a class must agree on create."""
    spec = obj["spec"]
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield invalid_value("spec", None, "either `defaultBackend` or `rules` must be specified")
    if spec.get("defaultBackend") is not None:
        yield from _backend("spec.defaultBackend", spec["defaultBackend"])
    any_rule, any_secret = _tolerated(old)
    for path, rule in each("spec.rules", spec.get("rules")):
        yield from _rule(path, rule, any_rule)
    for path, tls in each("spec.tls", spec.get("tls")):
        for where, host in each(f"{path}.hosts", tls.get("hosts")):
            yield from _dns_name(where, host)
        if tls.get("secretName") and not any_secret:
            yield from bad(f"{path}.secretName", tls["secretName"], names.dns_subdomain(tls["secretName"]))
    name = spec.get("ingressClassName")
    if name is not None:
        yield from bad("spec.ingressClassName", name, names.dns_subdomain(name))
    annotation = (obj["metadata"].get("annotations") or {}).get(_CLASS)
    if old is None and annotation is not None and name is not None and annotation != name:
        yield invalid_value(
            f"annotations.{_CLASS}", annotation, "must match `ingressClassName` when both are specified"
        )


def _tolerated(old: Obj | None) -> tuple[bool, bool]:
    """Whether paths of wildcard hosts and names of secrets go unchecked: an ingress that has wrong ones may keep them."""
    spec = (old or {}).get("spec") or {}
    wild = [rule for rule in spec.get("rules") or [] if "*" in (rule.get("host") or "")]
    secrets = [tls["secretName"] for tls in spec.get("tls") or [] if tls.get("secretName")]
    return any(True for rule in wild for _ in _paths("", rule)), any(names.dns_subdomain(name) for name in secrets)


def _dns_name(path: str, host: str) -> Errors:
    if "*" not in host:
        yield from bad(path, host, names.dns_subdomain(host))
    else:
        yield from bad(path, host, names.wildcard_subdomain(host))


def _rule(path: str, rule: Obj, any_rule: bool) -> Errors:
    host = rule.get("host") or ""
    if host:
        if _addresses.parse(host) is not None:
            yield invalid_value(f"{path}.host", host, "must be a DNS name, not an IP address")
        yield from _dns_name(f"{path}.host", host)
    if "*" not in host or not any_rule:
        yield from _paths(path, rule)


def _paths(path: str, rule: Obj) -> Errors:
    if rule.get("http") is not None:
        paths = rule["http"].get("paths")
        if not paths:
            yield required(f"{path}.http.paths")
        for where, route in each(f"{path}.http.paths", paths):
            yield from _path(where, route)


def _path(path: str, route: Obj) -> Errors:
    kind, url = route.get("pathType"), route.get("path") or ""
    if kind is None:
        yield required(f"{path}.pathType", "pathType must be specified")
        return
    if kind in ("Exact", "Prefix"):
        if not url.startswith("/"):
            yield invalid_value(f"{path}.path", url, "must be an absolute path")
        for sequence in _SEQUENCES:
            if sequence in url:
                yield invalid_value(f"{path}.path", url, f"must not contain '{sequence}'")
        for suffix in _SUFFIXES:
            if url.endswith(suffix):
                yield invalid_value(f"{path}.path", url, f"cannot end with '{suffix}'")
    elif kind == "ImplementationSpecific":
        if url and not url.startswith("/"):
            yield invalid_value(f"{path}.path", url, "must be an absolute path")
    else:
        yield from one_of(f"{path}.pathType", kind, ("Exact", "ImplementationSpecific", "Prefix"))
    yield from _backend(f"{path}.backend", route.get("backend") or {})


def _backend(path: str, backend: Obj) -> Errors:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid_value(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        yield from check_typed_reference(f"{path}.resource", resource)
    elif service is not None:
        yield from _service(path, service)
    else:
        yield invalid_value(path, "", "resource or service backend is required")


def _service(path: str, service: Obj) -> Errors:
    name, port = service.get("name") or "", service.get("port") or {}
    if not name:
        yield required(f"{path}.service.name")
    else:
        yield from bad(f"{path}.service.name", name, names.dns_label(name))
    number, port_name = port.get("number") or 0, port.get("name") or ""
    if number and port_name:
        yield invalid_value(path, "", "cannot set both port name & port number")
    elif port_name:
        yield from bad(f"{path}.service.port.name", port_name, names.port_name(port_name))
    elif number:
        if not 1 <= number <= 65535:
            yield invalid_value(f"{path}.service.port.number", number, PORT_RANGE)
    else:
        yield required(path, "port name or number is required")


def validate_status(obj: Obj, old: Obj) -> Errors:
    """Addresses that a controller reports."""
    status = (obj.get("status") or {}).get("loadBalancer") or {}
    known = {i.get("ip") for i in ((old.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []}
    for path, ingress in each("status.loadBalancer.ingress", status.get("ingress")):
        if ingress.get("ip") and ingress["ip"] not in known:
            yield from _addresses.legacy_ip(f"{path}.ip", ingress["ip"])
        host = ingress.get("hostname")
        if host:
            yield from bad(f"{path}.hostname", host, names.dns_subdomain(host))
            if _addresses.parse(host) is not None:
                yield invalid_value(f"{path}.hostname", host, "must be a DNS name, not an IP address")


def warnings(obj: Obj, old: Obj | None) -> list[str]:
    """The annotation is the old way to name a class."""
    if old is None and _CLASS in (obj["metadata"].get("annotations") or {}):
        return [f"annotation \"{_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"]
    return []


def _hosts(obj: Obj) -> str:
    return cut((r["host"] for r in obj["spec"].get("rules") or [] if r.get("host")), none="*")


def _class(obj: Obj) -> Any:
    name = obj["spec"].get("ingressClassName")
    return "<none>" if name is None else name


KIND = Kind(
    "networking.k8s.io/v1",
    "Ingress",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    warnings=warnings,
    columns=(
        Column(
            "Class",
            _class,
            description="The name of the IngressClass resource that should be used for additional configuration",
        ),
        Column("Hosts", _hosts, description="Hosts that incoming requests are matched against before the ingress rule"),
        Column(
            "Address",
            lambda obj: balancer_addresses(obj.get("status")),
            description="Address is a list containing ingress points for the load-balancer",
        ),
        Column(
            "Ports",
            lambda obj: "80, 443" if obj["spec"].get("tls") else "80",
            description="Ports of TLS configurations that open",
        ),
        AGE,
    ),
    status=True,
    conversions=(_extensions.INGRESS,),
    describe=later("_describe_network", "ingress"),
)
