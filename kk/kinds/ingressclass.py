"""IngressClass: which controller serves an Ingress, and with what parameters."""

import re

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, required, too_long
from kk.kinds._checks import Errors, Obj, bad, fill, immutable, one_of, section
from kk.kinds._later import later
from kk.kinds._references import check_typed_reference
from kk.kinds.kind import AGE, Column, Kind

_LONGEST = 250
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def default(obj: Obj) -> None:
    """Parameters are cluster-wide unless they say otherwise."""
    parameters = section(obj, "spec").get("parameters")
    if parameters is not None:
        fill(parameters, "scope", "Cluster")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The controller's name never changes."""
    spec = obj["spec"]
    controller = spec.get("controller") or ""
    if old is not None:
        yield from immutable("spec.controller", controller, old["spec"].get("controller"))
    if len(controller) > _LONGEST:
        yield too_long("spec.controller", controller, _LONGEST)
    yield from domain_path("spec.controller", controller)
    if spec.get("parameters") is not None:
        yield from _parameters("spec.parameters", spec["parameters"])


def domain_path(path: str, value: str) -> Errors:
    """Faults of a name such as acme.io/foo."""
    domain, slash, rest = value.partition("/")
    if not value:
        yield required(path)
    elif not slash or not domain or not rest:
        yield invalid_value(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        yield from bad(path, domain, names.dns_subdomain(domain))
        if not re.fullmatch(_PATH, rest):
            yield invalid_value(path, rest, f"Invalid path (regex used for validation is '{_PATH}')")


def _parameters(path: str, parameters: Obj) -> Errors:
    yield from check_typed_reference(path, parameters)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    yield from one_of(f"{path}.scope", scope, ("Cluster", "Namespace"))
    if scope == "Namespace":
        if namespace is None:
            yield required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
        else:
            yield from bad(f"{path}.namespace", namespace, names.dns_label(namespace))
    if scope == "Cluster" and namespace is not None:
        yield forbidden_value(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")


def _parameters_cell(obj: Obj) -> str:
    ref = (obj.get("spec") or {}).get("parameters")
    if ref is None:
        return "<none>"
    group = f".{ref['apiGroup']}" if ref.get("apiGroup") is not None else ""
    return f"{ref.get('kind', '')}{group}/{ref.get('name', '')}"


KIND = Kind(
    "networking.k8s.io/v1",
    "IngressClass",
    default=default,
    validate=validate,
    columns=(
        Column("Controller", ".spec.controller", description="Controller that is responsible for handling this class"),
        Column("Parameters", _parameters_cell, description="A reference to a resource with additional parameters"),
        AGE,
    ),
    describe=later("_describe_network", "ingress_class"),
)
