"""`kk create ingress NAME --rule=HOST/PATH=SERVICE:PORT[,tls[=SECRET]]`."""

from __future__ import annotations

import re

from ...command import Command, Flag, Options
from ...context import Env, one_name
from ...errors import CommandError
from ..create import GENERATOR_FLAGS, build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RULE = re.compile(
    r"(?P<host>[\w*.-]*)(?P<path>/[\w/-]*\*?)=(?P<service>[\w.-]+):(?P<port>[\w-]+)(?:,(?P<tls>tls)(?:=(?P<secret>[\w.-]*))?)?\Z"
)


def run(env: Env, options: Options) -> None:
    """Create the ingress."""
    name = one_name(env, options.args, "create ingress")
    if not options.rule and not options.default_backend:
        raise CommandError(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)"
        )
    meta: dict[str, Any] = {"name": name}
    if options.annotation:
        meta["annotations"] = dict(a.partition("=")[::2] for a in options.annotation)
    spec: dict[str, Any] = {}
    if options.__dict__["class"]:
        spec["ingressClassName"] = options.__dict__["class"]
    if options.default_backend:
        service, colon, port = options.default_backend.partition(":")
        if not colon:
            raise CommandError("default-backend should be in format servicename:serviceport")
        spec["defaultBackend"] = _backend(service, port)
    matches = [_match(rule) for rule in options.rule]
    spec.update(_tls(matches))
    if matches:
        spec["rules"] = _rules(matches)
    obj = {"kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "metadata": meta, "spec": spec}
    build(env, options, "ingresses", {**obj, "status": {"loadBalancer": {}}}, failing="failed to create ingress")


def _match(rule: str) -> re.Match[str]:
    found = _RULE.match(rule)
    if not found:
        raise CommandError(f"rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")
    return found


def _backend(service: str, port: str) -> dict[str, Any]:
    number = {"number": int(port)} if port.isdigit() else {"name": port}
    return {"service": {"name": service, "port": number}}


def _tls(matches: list[re.Match[str]]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for match in matches:
        if match["tls"]:
            entry = found.setdefault(match["secret"] or "", {})
            if match["host"] and match["host"] not in entry.setdefault("hosts", []):
                entry["hosts"].append(match["host"])
            if match["secret"]:
                entry["secretName"] = match["secret"]
    return {"tls": list(found.values())} if found else {}


def _rules(matches: list[re.Match[str]]) -> list[dict[str, Any]]:
    hosts: dict[str, list[dict[str, Any]]] = {}
    for match in matches:
        path = match["path"]
        kind = "Prefix" if path.endswith("*") else "Exact"
        entry = {"path": path.rstrip("*"), "pathType": kind, "backend": _backend(match["service"], match["port"])}
        hosts.setdefault(match["host"], []).append(entry)
    return [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in hosts.items()]


COMMAND = Command(
    "create ingress",
    "Create an ingress",
    run,
    usage="NAME --rule=host/path=service:port[,tls[=secret]]",
    examples="# Lead a host to a service\nkk create ingress web --class=default --rule='example.com/*=web:80'",
    flags=(
        *GENERATOR_FLAGS,
        Flag("annotation", type="array", help="Annotation as key=value."),
        Flag("class", help="Ingress class."),
        Flag("default-backend", help="Service for what no rule matches, as service:port."),
        Flag(
            "rule",
            type="array",
            help="Rule as host/path=service:port[,tls[=secret]]; a path that ends in * is a prefix.",
        ),
    ),
    aliases=("ing",),
)
