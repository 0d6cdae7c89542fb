"""PodSecurity: a namespace's labels say which pods it takes (enforce), and of which its users are warned (warn).

The checks are in _pod_security_checks. Workloads are never refused here, their authors are warned; their pods are.
"""

from kk.server.admission._pod_security_checks import LATEST, violations
from kk.server.admission._shared import CONTAINERS, Obj, refuse
from kk.server.context import Attributes, Plugin

_PREFIX = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
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


PLUGIN = Plugin(
    "PodSecurity",
    60,
    validate=validate,
    operations=("CREATE", "UPDATE"),
    resources=("pods", "pods/ephemeralcontainers", *_TEMPLATES),
)
