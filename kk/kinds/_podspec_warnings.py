"""What the API server warns of in pods and templates, though it accepts them. Source: `pkg/api/pod/warnings.go` of Kubernetes."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.quantity import Quantity
from kk.kinds._checks import each

Obj = dict[str, Any]
_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def name_warning(name: str, what: str = "Pod names and hostnames") -> Iterator[str]:
    """A name that is no DNS label makes odd host names."""
    faults = names.dns_label(name)
    if name and faults:
        yield (
            f"metadata.name: this is used in {what}, which can result in surprising behavior; "
            f"a DNS label is recommended: [{', '.join(faults)}]"
        )


def _deprecated(key: str) -> str:
    since, instead = _LABELS[key]
    return f'deprecated since {since}; use "{instead}" instead'


def _affinity(path: str, affinity: Obj) -> Iterator[str]:
    required = ((affinity.get("nodeAffinity") or {}).get(_REQUIRED) or {}).get("nodeSelectorTerms")
    for where, term in each(f"{path}.nodeAffinity.{_REQUIRED}.nodeSelectorTerms", required):
        for there, expression in each(f"{where}.matchExpressions", term.get("matchExpressions")):
            if expression.get("key") in _LABELS:
                yield f"{there}.key: {expression['key']} is {_deprecated(expression['key'])}"
    for side in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(side) or {}
        for where, term in each(f"{path}.{side}.{_REQUIRED}", found.get(_REQUIRED)):
            if term.get("labelSelector") is None:
                yield f"{where}.labelSelector: {_NO_SELECTOR}"
        for where, term in each(f"{path}.{side}.{_PREFERRED}", found.get(_PREFERRED)):
            if (term.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{where}.podAffinityTerm.labelSelector: {_NO_SELECTOR}"


def _volumes(path: str, volumes: list[Obj] | None) -> Iterator[str]:
    for where, volume in each(path, volumes):
        if volume.get("gitRepo") is not None:
            yield f"{where}.gitRepo: deprecated in v1.11"
        if volume.get("projected") is not None:
            sources = volume["projected"].get("sources") or [{}]
            if not all(any(value is not None for value in source.values()) for source in sources):
                yield f'volume "{volume.get("name", "")}" (Projected) has no sources provided'


def _container(path: str, container: Obj) -> Iterator[str]:
    seen: set[str] = set()
    for where, variable in each(f"{path}.env", container.get("env")):
        name = variable.get("name") or ""
        if name in seen:
            yield f'{where}: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)
    ports: dict[tuple[Any, ...], str] = {}
    for where, port in each(f"{path}.ports", container.get("ports")):
        key = (port.get("protocol"), port.get("containerPort"), port.get("hostPort"), port.get("hostIP"))
        if key in ports:
            yield f"{where}: duplicate port definition with {ports[key]}"
        ports.setdefault(key, where)
    for side in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            amount = ((container.get("resources") or {}).get(side) or {}).get(name)
            if amount is not None and Quantity.parse(amount).milli() % 1000:
                yield (
                    f'{path}.resources.{side}[{name}]: fractional byte value "{amount}" is invalid, must be an integer'
                )


def spec_warnings(path: str, spec: Obj) -> Iterator[str]:
    """Texts for a PodSpec at `path`."""
    for key in spec.get("nodeSelector") or {}:
        if key in _LABELS:
            yield f"{path}.nodeSelector[{key}]: {_deprecated(key)}"
    yield from _affinity(f"{path}.affinity", spec.get("affinity") or {})
    for where, constraint in each(f"{path}.topologySpreadConstraints", spec.get("topologySpreadConstraints")):
        if constraint.get("labelSelector") is None:
            yield f"{where}.labelSelector: {_NO_SELECTOR}"
    yield from _volumes(f"{path}.volumes", spec.get("volumes"))
    for where, secret in each(f"{path}.imagePullSecrets", spec.get("imagePullSecrets")):
        if not secret.get("name"):
            yield f'{where}: invalid empty name ""'
    for field in ("initContainers", "containers"):
        for where, container in each(f"{path}.{field}", spec.get(field)):
            yield from _container(where, container)


def template_warnings(obj: Obj, old: Obj | None, path: str = "spec.template") -> Iterator[str]:
    """Texts for a workload, on create and where its template changed."""
    node, before = obj, old
    for part in path.split("."):
        node = node.get(part) or {}
        before = (before or {}).get(part) if old is not None else None
    if old is None or before != node:
        yield from spec_warnings(f"{path}.spec", node.get("spec") or {})
