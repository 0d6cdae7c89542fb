"""extensions/v1beta1 of four kinds: where Deployments, ReplicaSets, DaemonSets and Ingresses once lived, as conversions of their stored forms.

Its schema is no longer in Kubernetes' data, so it is told here by what differs from the newer one. What only the old version says is kept in the
annotations in which upstream's conversion keeps it. Served where --runtime-config enables it; no Kind imports more than its conversion.
"""

import functools
from typing import Any

from kk.kinds._checks import fill, section
from kk.kinds.kind import Conversion

Obj = dict[str, Any]
API_VERSION = "extensions/v1beta1"
PREFIX = "io.k8s.api.extensions.v1beta1."
ROLLBACK = "deprecated.deployment.rollback.to"
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_APPS, _NETWORKING = "io.k8s.api.apps.v1.", "io.k8s.api.networking.v1."
#: kinds of this version: plural, short name, categories, sub-resources with the kind of other groups, stored version
KINDS = {
    "DaemonSet": ("daemonsets", "ds", ("all",), ("status",), "apps/v1"),
    "Deployment": ("deployments", "deploy", ("all",), ("scale", "status"), "apps/v1"),
    "Ingress": ("ingresses", "ing", (), ("status",), "networking.k8s.io/v1"),
    "ReplicaSet": ("replicasets", "rs", ("all",), ("scale", "status"), "apps/v1"),
}
_LABEL_SELECTOR = "#io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"
#: definition → fields that differ from the newer one's; None where the old version has no such field
_CHANGED: dict[str, dict[str, Any]] = {
    "DaemonSetSpec": {"selector": _LABEL_SELECTOR, "templateGeneration": "l"},
    "DeploymentSpec": {"selector": _LABEL_SELECTOR, "rollbackTo": f"#{PREFIX}RollbackConfig"},
    "ReplicaSetSpec": {"selector": _LABEL_SELECTOR},
    "IngressSpec": {"defaultBackend": None, "backend": f"#{PREFIX}IngressBackend"},
    "HTTPIngressPath": {"pathType": "*s"},
    "IngressBackend": {"service": None, "serviceName": "s", "servicePort": "o"},
}
_ADDED = {"RollbackConfig": {"revision": "l"}}
_MAX = 2**31 - 1


def source(name: str) -> str:
    """The newer definition that one of this version is told by; "" where there is none."""
    bare = name.removeprefix(PREFIX)
    if bare in _ADDED:
        return ""
    return (_NETWORKING if "Ingress" in bare else _APPS) + bare


def definition(name: str, newer: dict[str, Any]) -> dict[str, Any]:
    """The fields of a definition of this version; `newer` are those of `source(name)`."""
    bare = name.removeprefix(PREFIX)
    if bare in _ADDED:
        return _ADDED[bare]
    fields = {field: _renamed(value) for field, value in newer.items()} | _CHANGED.get(bare, {})
    if "apiVersion" in fields:
        fields["apiVersion"] = ["s", {"e": [API_VERSION]}]
    return {field: value for field, value in sorted(fields.items()) if value is not None}


def _renamed(value: Any) -> Any:
    if not isinstance(value, str):
        return [_renamed(value[0]), *value[1:]]
    return value.replace(f"#{_APPS}", f"#{PREFIX}").replace(f"#{_NETWORKING}", f"#{PREFIX}")


# defaults of this version, which fill what is unset before those of the stored one can


def _labelled(obj: Obj) -> Obj:
    """The spec; what is not selected or labelled is so by the template's labels."""
    spec = section(obj, "spec")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        if spec.get("selector") is None:
            spec["selector"] = {"matchLabels": dict(labels)}
        if not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)
    return spec


def _noted(obj: Obj, key: str, value: int | None) -> None:
    """Keep a number in an annotation, or drop it."""
    notes = {k: v for k, v in (obj["metadata"].get("annotations") or {}).items() if k != key}
    if value is not None:
        notes[key] = str(value)
    obj["metadata"].pop("annotations", None)
    if notes:
        obj["metadata"]["annotations"] = notes


def _told(obj: Obj, key: str) -> int | None:
    """The number in an annotation, which is told no longer."""
    value = (obj["metadata"].get("annotations") or {}).get(key)
    if value is None or not value.lstrip("-").isdigit():
        return None
    _noted(obj, key, None)
    return int(value)


def _deployment_in(obj: Obj) -> Obj:
    spec = _labelled(obj)
    strategy = section(spec, "strategy")
    fill(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = section(strategy, "rollingUpdate")
        fill(rolling, "maxUnavailable", 1)
        fill(rolling, "maxSurge", 1)
    fill(spec, "progressDeadlineSeconds", _MAX)
    fill(spec, "revisionHistoryLimit", _MAX)
    rollback = spec.pop("rollbackTo", None)
    _noted(obj, ROLLBACK, None if rollback is None else rollback.get("revision") or 0)
    return obj


def _deployment_out(obj: Obj) -> Obj:
    revision = _told(obj, ROLLBACK)
    if revision is not None:
        obj["spec"]["rollbackTo"] = {"revision": revision} if revision else {}
    return obj


def _replica_set_in(obj: Obj) -> Obj:
    _labelled(obj)
    return obj


def _same(obj: Obj) -> Obj:
    return obj


def _daemon_set_in(obj: Obj) -> Obj:
    spec = _labelled(obj)
    fill(section(spec, "updateStrategy"), "type", "OnDelete")
    _noted(obj, TEMPLATE_GENERATION, spec.pop("templateGeneration", None) or 0)
    return obj


def _daemon_set_out(obj: Obj) -> Obj:
    generation = _told(obj, TEMPLATE_GENERATION)
    if generation:
        obj["spec"]["templateGeneration"] = generation
    return obj


# Ingress


def _backend_in(backend: Obj) -> Obj:
    made = {k: v for k, v in backend.items() if k not in ("serviceName", "servicePort")}
    name, port = backend.get("serviceName") or "", backend.get("servicePort")
    if name or port not in (None, 0):
        service: Obj = {"name": name}
        service["port"] = {"name": port} if isinstance(port, str) else {"number": port} if port else {}
        made["service"] = service
    return made


def _backend_out(backend: Obj) -> Obj:
    made = {k: v for k, v in backend.items() if k != "service"}
    service = backend.get("service")
    port = (service or {}).get("port") or {}
    if service is not None and service.get("name"):
        made["serviceName"] = service["name"]
    made["servicePort"] = port.get("name") or port.get("number") or 0
    return made


def _each_path(spec: Obj) -> list[Obj]:
    return [p for rule in spec.get("rules") or () for p in (rule.get("http") or {}).get("paths") or ()]


def _ingress_in(obj: Obj) -> Obj:
    spec = section(obj, "spec")
    if spec.get("backend") is not None:
        spec["defaultBackend"] = _backend_in(spec["backend"])
    spec.pop("backend", None)
    for path in _each_path(spec):
        fill(path, "pathType", "ImplementationSpecific")
        path["backend"] = _backend_in(path.get("backend") or {})
    return obj


def _ingress_out(obj: Obj) -> Obj:
    spec = section(obj, "spec")
    if spec.get("defaultBackend") is not None:
        spec["backend"] = _backend_out(spec.pop("defaultBackend"))
    for path in _each_path(spec):
        path["backend"] = _backend_out(path.get("backend") or {})
    return obj


_conversion = functools.partial(Conversion, API_VERSION)


def _gone(kind: str, since: str, until: str, instead: str) -> str:
    return f"{API_VERSION} {kind} is deprecated in v{since}+, unavailable in v{until}+; use {instead} {kind}"


DAEMON_SET = _conversion(_daemon_set_in, _daemon_set_out, deprecated=_gone("DaemonSet", "1.8", "1.16", "apps/v1"))
DEPLOYMENT = _conversion(_deployment_in, _deployment_out, deprecated=_gone("Deployment", "1.8", "1.16", "apps/v1"))
REPLICA_SET = _conversion(_replica_set_in, _same, deprecated=_gone("ReplicaSet", "1.8", "1.16", "apps/v1"))
INGRESS = _conversion(_ingress_in, _ingress_out, deprecated=_gone("Ingress", "1.14", "1.22", "networking.k8s.io/v1"))
