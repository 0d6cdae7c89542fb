"""What the API server warns of in pods and templates, though it accepts them. Source: `pkg/api/pod/warnings.go` of Kubernetes."""

from collections.abc import Iterator
from typing import Any

from kk.base import names
from kk.base.quantity import Quantity
from kk.kinds._checks import each

Obj = dict[str, Any]
_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
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


def label_warning(key: str) -> str:
    """What is to be said of a label of nodes that is no longer used; "" of others."""
    return _LABELS.get(key, "")


def _deprecated(key: str) -> str:
    return _LABELS[key]


def term_warnings(path: str, term: Obj, values: bool = False) -> Iterator[str]:
    """Of a NodeSelectorTerm: labels that are no longer used and, where asked, values that no label can have."""
    for where, expression in each(f"{path}.matchExpressions", term.get("matchExpressions")):
        if expression.get("key") in _LABELS:
            yield f"{where}.key: {expression['key']} is {_deprecated(expression['key'])}"
        for there, value in each(f"{where}.values", expression.get("values") if values else None):
            for message in names.label_value(value):
                yield f"{there}: {value} is invalid, {message}"


def selector_warnings(path: str, selector: Obj | None) -> Iterator[str]:
    """Of a LabelSelector for nodes."""
    yield from term_warnings(path, selector or {})
    for key in (selector or {}).get("matchLabels") or {}:
        if key in _LABELS:
            yield f"{path}.matchLabels.{key}: {_deprecated(key)}"


def _node_affinity(path: str, affinity: Obj) -> Iterator[str]:
    required = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms")
    for where, term in each(f"{path}.{_REQUIRED}.nodeSelectorTerms", required):
        yield from term_warnings(where, term)
    for where, term in each(f"{path}.{_PREFERRED}", affinity.get(_PREFERRED)):
        yield from term_warnings(f"{where}.preference", term.get("preference") or {}, values=True)


def _pod_affinity(path: str, affinity: Obj) -> Iterator[str]:
    for side in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(side) or {}
        for where, term in each(f"{path}.{side}.{_REQUIRED}", found.get(_REQUIRED)):
            if term.get("labelSelector") is None:
                yield f"{where}.labelSelector: {_NO_SELECTOR}"
        for where, term in each(f"{path}.{side}.{_PREFERRED}", found.get(_PREFERRED)):
            if (term.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{where}.podAffinityTerm.labelSelector: {_NO_SELECTOR}"


_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_SHOWN = {"storageos": "storageOS"}


def _volumes(path: str, volumes: list[Obj] | None) -> Iterator[str]:
    for where, volume in each(path, volumes):
        for field, text in _VOLUMES.items():
            if volume.get(field) is not None:
                yield f"{where}.{_SHOWN.get(field, field)}: {text}"
        claim = ((volume.get("ephemeral") or {}).get("volumeClaimTemplate") or {}).get("spec") or {}
        asked = ((claim.get("resources") or {}).get("requests") or {}).get("storage")
        yield from _fraction(f"{where}.ephemeral.volumeClaimTemplate.spec.resources.requests[storage]", asked)
    for volume in volumes or ():
        yield from _overlaps(volume)


def _paths(source: Obj) -> list[str]:
    return [item.get("path") or "" for item in source.get("items") or ()]


def _overlaps(volume: Obj) -> Iterator[str]:
    """Files of one volume that stand in each other's way."""
    name = f'volume "{volume.get("name", "")}"'
    for field, shown, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
        if volume.get(field) is not None:
            text = f'{name} ({shown} "{volume[field].get(key, "")}"): overlapping paths'
            yield from _collisions(_paths(volume[field]), text)
    if volume.get("downwardAPI") is not None:
        yield from _collisions(_paths(volume["downwardAPI"]), f"{name} (DownwardAPI): overlapping paths")
    if volume.get("projected") is None:
        return
    before: set[str] = set()
    for source in volume["projected"].get("sources") or ():
        if not any(value is not None for value in source.values()):
            yield f"{name} (Projected) has no sources provided"
            continue
        paths, shown = _projected(source)
        if not paths:
            continue
        text = f"{name} (Projected {shown}): overlapping paths"
        yield from _collisions(paths, text)
        yield from _collisions(sorted([*dict.fromkeys(paths), *before]), text)
        before.update(paths)


def _projected(source: Obj) -> tuple[list[str], str]:
    for field, shown in (("configMap", "ConfigMap"), ("secret", "Secret")):
        if source.get(field) is not None:
            return _paths(source[field]), f'{shown} "{source[field].get("name", "")}"'
    if source.get("downwardAPI") is not None:
        return _paths(source["downwardAPI"]), "DownwardAPI"
    if source.get("serviceAccountToken") is not None:
        return [source["serviceAccountToken"].get("path") or ""], "ServiceAccountToken"
    return [], ""


def _collisions(paths: list[str], text: str) -> Iterator[str]:
    seen: list[str] = []
    for path in paths:
        bare = path.rstrip("/")
        other = next((s for s in seen if s and bare and ((s + "/").startswith(bare) or (bare + "/").startswith(s))), "")
        if other:
            yield f'{text}: "{bare}" with "{other}"'
        if bare not in seen:
            seen.append(bare)


def _container(path: str, container: Obj) -> Iterator[str]:
    for side in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            amount = ((container.get("resources") or {}).get(side) or {}).get(name)
            yield from _fraction(f"{path}.resources.{side}[{name}]", amount)
    seen: set[str] = set()
    for where, variable in each(f"{path}.env", container.get("env")):
        name = variable.get("name") or ""
        reference, value = f"$({name})", variable.get("value") or ""
        hides = variable.get("valueFrom") is not None or value == reference or reference not in value
        if name in seen and hides:
            yield f'{where}: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)


def _fraction(path: str, amount: str | None) -> Iterator[str]:
    if amount is not None and Quantity.parse(amount).milli() % 1000:
        yield f'{path}: fractional byte value "{amount}" is invalid, must be an integer'


def _ports(spec_path: str, spec: Obj) -> Iterator[str]:
    """Ports that two containers, or one twice, say the same of."""
    known: dict[tuple[Any, Any], list[tuple[str, Obj]]] = {}
    for field in ("initContainers", "containers"):
        for path, container in each(f"{spec_path}.{field}", spec.get(field)):
            for where, port in each(f"{path}.ports", container.get("ports")):
                if port.get("hostIP") and not port.get("hostPort"):
                    shown = (
                        f"{{Name:{port.get('name') or ''} HostPort:0 ContainerPort:{port.get('containerPort') or 0} "
                        f"Protocol:{port.get('protocol') or ''} HostIP:{port['hostIP']}}}"
                    )
                    yield f"{where}: hostIP set without hostPort: {shown}"
                others = known.setdefault((port.get("containerPort"), port.get("protocol")), [])
                for there, other in others:
                    word = _clash(port, other)
                    if word:
                        yield f"{where}: {word} port definition with {there}"
                others.append((where, port))


def _clash(port: Obj, other: Obj) -> str:
    address, number = port.get("hostIP") or "", port.get("hostPort") or 0
    other_address, other_number = other.get("hostIP") or "", other.get("hostPort") or 0
    if (address, number) == (other_address, other_number):
        return "duplicate"
    if not number or not other_number:
        return "overlapping"
    return "dangerously ambiguous" if number == other_number and (not address) != (not other_address) else ""


_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_APPARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'


def _annotations(path: str, spec: Obj, annotations: Obj) -> Iterator[str]:
    for key, text in _ANNOTATIONS.items():
        if key in annotations:
            yield f"{path}[{key}]: {text}"
    pod = spec.get("securityContext") or {}
    if "seccomp.security.alpha.kubernetes.io/pod" in annotations and pod.get("seccompProfile") is None:
        yield f"{path}[seccomp.security.alpha.kubernetes.io/pod]: {_SECCOMP}"
    for field in ("initContainers", "containers"):
        for container in spec.get(field) or ():
            own = container.get("securityContext") or {}
            key = f"container.seccomp.security.alpha.kubernetes.io/{container.get('name', '')}"
            if key in annotations and own.get("seccompProfile") is None:
                yield f"{path}[{key}]: {_SECCOMP}"
            key = f"container.apparmor.security.beta.kubernetes.io/{container.get('name', '')}"
            if key in annotations and own.get("appArmorProfile") is None and pod.get("appArmorProfile") is None:
                yield f"{path}[{key}]: {_APPARMOR}"


def _duplicates(path: str, spec: Obj) -> Iterator[str]:
    for field, key in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        seen: set[str] = set()
        for where, item in each(f"{path}.{field}", spec.get(field)):
            value = item.get(key) or ""
            if value in seen:
                yield f'{where}.{key}: duplicate {key} "{value}"'
            seen.add(value)
    for where, item in each(f"{path}.imagePullSecrets", spec.get("imagePullSecrets")):
        if not item.get("name"):
            yield f'{where}.name: invalid empty name ""'


def spec_warnings(path: str, spec: Obj, annotations: Obj | None = None) -> Iterator[str]:
    """Texts for the PodSpec of the template or pod at `path` ("" for a pod)."""
    where = f"{path}.spec" if path else "spec"
    for key in spec.get("nodeSelector") or {}:
        if key in _LABELS:
            yield f"{where}.nodeSelector[{key}]: {_deprecated(key)}"
    affinity = spec.get("affinity") or {}
    yield from _node_affinity(f"{where}.affinity.nodeAffinity", affinity.get("nodeAffinity") or {})
    for there, constraint in each(f"{where}.topologySpreadConstraints", spec.get("topologySpreadConstraints")):
        key = constraint.get("topologyKey") or ""
        if key in _LABELS:
            yield f"{there}.topologyKey: {key} is {_deprecated(key)}"
        if constraint.get("labelSelector") is None:
            yield f"{there}.labelSelector: {_NO_SELECTOR}"
    yield from _annotations(f"{path}.metadata.annotations" if path else "metadata.annotations", spec, annotations or {})
    yield from _volumes(f"{where}.volumes", spec.get("volumes"))
    yield from _duplicates(where, spec)
    for name in ("memory", "ephemeral-storage"):
        yield from _fraction(f"{where}.overhead[{name}]", (spec.get("overhead") or {}).get(name))
    for field in ("initContainers", "containers"):
        for there, container in each(f"{where}.{field}", spec.get(field)):
            yield from _container(there, container)
    yield from _ports(where, spec)
    yield from _pod_affinity(f"{where}.affinity", affinity)


def template_warnings(obj: Obj, old: Obj | None, path: str = "spec.template") -> Iterator[str]:
    """Texts for a workload, on create and where its template changed."""
    node, before = obj, old
    for part in path.split("."):
        node = node.get(part) or {}
        before = (before or {}).get(part) if old is not None else None
    if old is None or before != node:
        annotations = (node.get("metadata") or {}).get("annotations")
        yield from spec_warnings(path, node.get("spec") or {}, annotations)
