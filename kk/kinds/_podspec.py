"""PodSpec and PodTemplateSpec: defaults, as `pkg/apis/core/v1/defaults.go` sets them, and the one entry to their validation.

What a field's faults are stands in the helper that is about it: _podspec_containers, _podspec_volumes, _podspec_probes,
_podspec_scheduling, _podspec_security, _podspec_resources. Nothing here knows a workload kind.
"""

from collections.abc import Iterator
from typing import Any

from kk.kinds import _podspec_resources, _podspec_volumes
from kk.kinds._checks import fill

Obj = dict[str, Any]
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def containers(spec: Obj) -> Iterator[Obj]:
    """Init and ordinary containers, then ephemeral ones."""
    for field in CONTAINER_LISTS:
        yield from spec.get(field) or ()


def pull_policy(image: str) -> str:
    """Always for the tag latest and for none, else IfNotPresent."""
    name = image.rpartition("/")[2]
    if "@" in name:
        return "IfNotPresent"
    tag = name.partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _default_handler(handler: Obj | None) -> None:
    if handler and handler.get("httpGet") is not None:
        fill(handler["httpGet"], "path", "/")
        fill(handler["httpGet"], "scheme", "HTTP")


def _default_probe(probe: Obj | None) -> None:
    if probe is None:
        return
    for key, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        fill(probe, key, value)
    _default_handler(probe)
    if probe.get("grpc") is not None:
        fill(probe["grpc"], "service", "")


def default_container(container: Obj) -> None:
    """Fill one container of any sort."""
    fill(container, "imagePullPolicy", pull_policy(container.get("image") or ""))
    fill(container, "terminationMessagePath", "/dev/termination-log")
    fill(container, "terminationMessagePolicy", "File")
    fill(container, "resources", {})
    for port in container.get("ports") or ():
        fill(port, "protocol", "TCP")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        if source.get("fieldRef") is not None:
            fill(source["fieldRef"], "apiVersion", "v1")
        if source.get("resourceFieldRef") is not None:
            fill(source["resourceFieldRef"], "divisor", "0")
        if source.get("fileKeyRef") is not None:
            fill(source["fileKeyRef"], "optional", False)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        _default_probe(container.get(probe))
    for hook in ("postStart", "preStop"):
        _default_handler((container.get("lifecycle") or {}).get(hook))


def default_spec(spec: Obj) -> None:
    """Fill a PodSpec, of a pod or a template; idempotent."""
    fill(spec, "containers", None)
    for key, value in (
        ("dnsPolicy", "ClusterFirst"),
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("schedulerName", "default-scheduler"),
    ):
        fill(spec, key, value)
    fill(spec, "securityContext", {})
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in containers(spec):
        default_container(container)
    for volume in spec.get("volumes") or ():
        _podspec_volumes.default_volume(volume, pull_policy)


def default_template(template: Obj) -> None:
    """Fill a PodTemplateSpec."""
    fill(template, "metadata", {})
    fill(template, "spec", {})
    default_spec(template["spec"])


def default_pod_only(spec: Obj) -> None:
    """What is filled in Pods and not in templates: requests from limits, service links, host ports of the host's network."""
    fill(spec, "enableServiceLinks", True)
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        limits = container["resources"].get("limits")
        if limits:
            requests = container["resources"].setdefault("requests", {})
            for name, amount in limits.items():
                fill(requests, name, amount)
        if spec.get("hostNetwork"):
            for port in container.get("ports") or ():
                if not port.get("hostPort"):
                    port["hostPort"] = port.get("containerPort") or 0
    if spec.get("resources"):
        _podspec_resources.default_pod_resources(spec)


def drop_gated(spec: Obj) -> None:
    """What is behind gates that are off by default: bundles of trust in projected volumes."""
    for volume in spec.get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            source.pop("clusterTrustBundle", None)


def merge_label_keys(spec: Obj, labels: Obj) -> None:
    """matchLabelKeys and mismatchLabelKeys become requirements with the pod's own values, as they are when it is made."""
    affinity = spec.get("affinity") or {}
    terms = list(spec.get("topologySpreadConstraints") or ())
    for side in ("podAffinity", "podAntiAffinity"):
        found = affinity.get(side) or {}
        terms += found.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        preferred = found.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [t["podAffinityTerm"] for t in preferred if t.get("podAffinityTerm")]
    for term in terms:
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
            for key in term.get(field) or ():
                if key in labels and term.get("labelSelector") is not None:
                    requirement = {"key": key, "operator": operator, "values": [labels[key]]}
                    term["labelSelector"].setdefault("matchExpressions", []).append(requirement)


def names_and_images(spec: Obj | None) -> tuple[str, str]:
    """The cells Containers and Images."""
    listed = (spec or {}).get("containers") or ()
    return ",".join(c.get("name") or "" for c in listed), ",".join(c.get("image") or "" for c in listed)
