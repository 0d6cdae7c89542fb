"""PodSecurity: a namespace's labels say which pods it takes (enforce), and of which its users are warned (warn).

The checks are in _pod_security_checks. Workloads are never refused here, their authors are warned; their pods are. Labels that are none are
refused, and who tightens a level is told of the pods that are there and break it.
"""

from collections.abc import Iterator

from kk.base.errors import FieldError, invalid, invalid_value
from kk.server.admission._pod_security_checks import LATEST, violations
from kk.server.admission._shared import CONTAINERS, Obj, refuse
from kk.server.context import Attributes, Plugin

_PREFIX = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_MODES = ("enforce", "audit", "warn")
#: pods that are looked at when a level is tightened
_MOST = 3000
#: resources with a pod template → where it is
_TEMPLATES = {
    "podtemplates": ("template",),
    "replicationcontrollers": ("spec", "template"),
    "replicasets.apps": ("spec", "template"),
    "deployments.apps": ("spec", "template"),
    "daemonsets.apps": ("spec", "template"),
    "statefulsets.apps": ("spec", "template"),
    "jobs.batch": ("spec", "template"),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
}


def validate(a: Attributes) -> None:
    """Refuse a pod, or warn."""
    if a.resource.plural == "namespaces":
        _namespace(a)
        return
    namespace = a.server.cache.get("", "namespaces", "", a.namespace)
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    if not any(key.startswith(_PREFIX) for key in labels):
        return
    is_pod = a.resource.plural == "pods"
    template = a.obj if is_pod else _template(a)
    if template is None or not template.get("spec") or (is_pod and not _significant(a)):
        return
    if is_pod:
        level, version, text = _policy(labels, "enforce")
        found = violations(level, version, template.get("metadata") or {}, template["spec"])
        if found:
            raise refuse(a, f'violates PodSecurity "{text}": {", ".join(found)}')
    level, version, text = _policy(labels, "warn")
    found = violations(level, version, template.get("metadata") or {}, template["spec"])
    if found:
        a.warnings.append(f'would violate PodSecurity "{text}": {", ".join(found)}')


def _policy(labels: dict[str, str], mode: str) -> tuple[str, int, str]:
    """(level, minor version, how messages name both); a level that is none counts as restricted, as upstream has it."""
    level = labels.get(_PREFIX + mode, "privileged")
    level = level if level in _LEVELS else "restricted"
    version = labels.get(f"{_PREFIX}{mode}-version", "latest")
    minor = version[3:] if version.startswith("v1.") else ""
    return level, int(minor) if minor.isdigit() else LATEST, f"{level}:{version if minor.isdigit() else 'latest'}"


def _template(a: Attributes) -> Obj | None:
    group = a.resource.group
    path = _TEMPLATES[f"{a.resource.plural}.{group}" if group else a.resource.plural]
    found: Obj | None = a.obj
    for key in path:
        found = (found or {}).get(key)
    return found


def _significant(a: Attributes) -> bool:
    """Whether an update of a pod changes what the standards look at: what runs, not what it is called."""
    if a.operation != "UPDATE" or a.old is None or a.obj is None:
        return True
    return _running(a.obj) != _running(a.old)


def _running(pod: Obj) -> list[tuple[str, str]]:
    return [(c.get("name", ""), c.get("image", "")) for kind in CONTAINERS for c in pod["spec"].get(kind) or ()]


def _labels(obj: Obj | None) -> dict[str, str]:
    found = ((obj or {}).get("metadata") or {}).get("labels") or {}
    return {key: value for key, value in found.items() if key.startswith(_PREFIX)}


def _namespace(a: Attributes) -> None:
    """Labels of a namespace: refuse what is none, warn of pods that a new level would not take."""
    new, old = _labels(a.obj), _labels(a.old)
    if new == old:
        return
    faults = list(_faults(new))
    if faults:
        raise invalid("Namespace", "", a.name, faults)
    level, version, text = _policy(new, "enforce")
    before, was, _ = _policy(old, "enforce")
    tighter = _LEVELS.index(level) > _LEVELS.index(before)
    if a.operation == "UPDATE" and level != "privileged" and (tighter or version != was):
        a.warnings.extend(_broken(a, level, version, text))


def _faults(labels: dict[str, str]) -> Iterator[FieldError]:
    for mode in _MODES:
        key = _PREFIX + mode
        if key in labels and labels[key] not in _LEVELS:
            yield invalid_value(f"metadata.labels[{key}]", labels[key], f"must be one of {', '.join(_LEVELS)}")
        key += "-version"
        version = labels.get(key, "latest")
        if version != "latest" and not (version.startswith("v1.") and version[3:].isdigit()):
            yield invalid_value(f"metadata.labels[{key}]", version, 'must be "latest" or "v1.x"')


def _broken(a: Attributes, level: str, version: int, text: str) -> Iterator[str]:
    """Warnings of the pods of a namespace that break a level, those with the same faults together."""
    found: dict[str, list[str]] = {}
    for i, pod in enumerate(a.server.cache.iterate("", "pods", a.name)):
        if i >= _MOST:
            break
        faults = violations(level, version, pod["metadata"], pod["spec"])
        if faults:
            reasons = ", ".join(f.partition(" (")[0] for f in faults)
            found.setdefault(reasons, []).append(pod["metadata"]["name"])
    if found:
        yield f'existing pods in namespace "{a.name}" violate the new PodSecurity enforce level "{text}"'
    told = []
    for reasons, names in found.items():
        others = len(names) - 1
        tail = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        told.append(f"{min(names)}{tail}: {reasons}")
    yield from sorted(told)


PLUGIN = Plugin(
    "PodSecurity",
    60,
    validate=validate,
    operations=("CREATE", "UPDATE"),
    resources=("pods", "pods/ephemeralcontainers", "namespaces", *_TEMPLATES),
)
