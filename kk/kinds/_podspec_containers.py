"""Containers of a PodSpec: names, images, ports, environment and all that stands in one; their faults.

Words and rules: `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`, `ValidateEnv` of Kubernetes.
"""

from typing import Any

from kk.base import names
from kk.base.errors import (
    duplicate,
    forbidden_value,
    invalid_value,
    not_supported,
    required,
    value_not_found,
)
from kk.kinds import _podspec_probes, _podspec_resources, _podspec_security, _podspec_volumes
from kk.kinds._checks import Errors, bad, each
from kk.kinds._podcells import is_sidecar

Obj = dict[str, Any]
_PULL = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
#: fields of a pod that an environment variable can show
_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
#: what an ephemeral container may not have
_NOT_EPHEMERAL = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "resizePolicy")


def _ports(path: str, container: Obj, spec: Obj, pod: bool) -> Errors:
    seen: set[str] = set()
    for where, port in each(f"{path}.ports", container.get("ports")):
        name, number, host = port.get("name"), port.get("containerPort") or 0, port.get("hostPort") or 0
        if name:
            faults = names.port_name(name)
            yield from bad(f"{where}.name", name, faults)
            if not faults and name in seen:
                yield duplicate(f"{where}.name", name)
            seen.add(name)
        if not number:
            yield required(f"{where}.containerPort")
        else:
            yield from bad(f"{where}.containerPort", number, names.port_number(number))
        if host:
            yield from bad(f"{where}.hostPort", host, names.port_number(host))
        protocol = port.get("protocol") or ""
        if not protocol:
            yield required(f"{where}.protocol")
        elif protocol not in _PROTOCOLS:
            yield not_supported(f"{where}.protocol", protocol, _PROTOCOLS)
        # a template may leave it open: it is filled when the pod is made
        if spec.get("hostNetwork") and (pod or host) and host != number:
            detail = "must match `containerPort` when `hostNetwork` is true"
            yield invalid_value(f"{where}.hostPort", host, detail)


def _env(path: str, variables: list[Obj] | None) -> Errors:
    for where, variable in each(path, variables):
        name = variable.get("name") or ""
        if not name:
            yield required(f"{where}.name")
        else:
            yield from bad(f"{where}.name", name, names.env_var_name_relaxed(name))
        if variable.get("valueFrom") is not None:
            yield from _value_from(f"{where}.valueFrom", variable)


def _value_from(path: str, variable: Obj) -> Errors:
    source = variable["valueFrom"]
    set_fields = [field for field in _SOURCES if source.get(field) is not None]
    for field in set_fields:
        ref, where = source[field], f"{path}.{field}"
        if field == "fieldRef":
            yield from _podspec_volumes.check_field_ref(where, ref, _ENV_FIELDS)
        elif field == "resourceFieldRef":
            yield from _podspec_volumes.check_resource_ref(where, ref, False)
        elif field == "fileKeyRef":
            yield from _file_key(where, ref)
        else:
            yield from _key_ref(where, ref)
    if not set_fields:
        listed = ", ".join(f"`{s}`" for s in _SOURCES[:-1]) + f" or `{_SOURCES[-1]}`"
        yield invalid_value(path, "", f"must specify one of: {listed}")
    elif variable.get("value"):
        yield invalid_value(path, "", "may not be specified when `value` is not empty")
    elif len(set_fields) > 1:
        yield invalid_value(path, "", "may not have more than one field specified at a time")


def _key_ref(path: str, ref: Obj) -> Errors:
    name, key = ref.get("name") or "", ref.get("key") or ""
    yield from bad(f"{path}.name", name, names.dns_subdomain(name))
    if not key:
        yield required(f"{path}.key")
    else:
        yield from bad(f"{path}.key", key, names.config_map_key(key))


def _file_key(path: str, ref: Obj) -> Errors:
    for field in ("volumeName", "path", "key"):
        if not ref.get(field):
            yield required(f"{path}.{field}")
    if ref.get("path"):
        yield from _podspec_volumes.check_local_path(f"{path}.path", ref["path"])


def _env_from(path: str, sources: list[Obj] | None) -> Errors:
    for where, source in each(path, sources):
        if source.get("prefix"):
            yield from bad(f"{where}.prefix", source["prefix"], names.env_var_name_relaxed(source["prefix"]))
        found = [field for field in ("configMapRef", "secretRef") if source.get(field) is not None]
        for field in found:
            name = source[field].get("name") or ""
            yield from bad(f"{where}.{field}.name", name, names.dns_subdomain(name))
        if not found:
            yield invalid_value(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(found) > 1:
            yield invalid_value(path, "", "may not have more than one field specified at a time")


def _common(path: str, container: Obj, spec: Obj, volumes: _podspec_volumes.Seen, seen: set[str]) -> Errors:
    """What holds for containers of every sort."""
    name, image = container.get("name") or "", container.get("image") or ""
    if not name:
        yield required(f"{path}.name")
    else:
        yield from bad(f"{path}.name", name, names.dns_label(name))
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
    if not image:
        yield required(f"{path}.image")
    elif image != image.strip():
        yield invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")
    policy = container.get("terminationMessagePolicy") or ""
    if policy not in ("File", "FallbackToLogsOnError"):
        allowed = ("FallbackToLogsOnError", "File")
        yield (
            not_supported(f"{path}.terminationMessagePolicy", policy, allowed)
            if policy
            else required(f"{path}.terminationMessagePolicy")
        )
    yield from _env(f"{path}.env", container.get("env"))
    yield from _env_from(f"{path}.envFrom", container.get("envFrom"))
    pull = container.get("imagePullPolicy") or ""
    if pull not in _PULL:
        yield not_supported(f"{path}.imagePullPolicy", pull, _PULL) if pull else required(f"{path}.imagePullPolicy")
    yield from _podspec_volumes.check_mounts(path, container, volumes)
    yield from _podspec_security.check_container(f"{path}.securityContext", container.get("securityContext"), spec)


def _resources(path: str, container: Obj, spec: Obj, pod: bool) -> Errors:
    yield from _ports(path, container, spec, pod)
    claims = {c.get("name") for c in spec.get("resourceClaims") or ()}
    yield from _podspec_resources.check_container(f"{path}.resources", container.get("resources") or {}, claims)
    for where, policy in each(f"{path}.resizePolicy", container.get("resizePolicy")):
        if policy.get("resourceName") not in ("cpu", "memory"):
            yield not_supported(where, policy.get("resourceName") or "", ("cpu", "memory"))
        if policy.get("restartPolicy") not in ("NotRequired", "RestartContainer"):
            yield not_supported(where, policy.get("restartPolicy") or "", ("NotRequired", "RestartContainer"))


def _grace(spec: Obj) -> int:
    return int(spec.get("terminationGracePeriodSeconds") or 0)


def _restart_rules(path: str, container: Obj) -> Errors:
    policy = container.get("restartPolicy")
    if policy is not None and policy not in ("Always", "Never", "OnFailure"):
        yield not_supported(f"{path}.restartPolicy", policy, ("Always", "Never", "OnFailure"))
    rules = container.get("restartPolicyRules")
    if rules and policy is None:
        yield required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")
    if rules and len(rules) > 20:
        yield invalid_value(f"{path}.restartPolicyRules", len(rules), "must have at most 20 items")
    for where, rule in each(f"{path}.restartPolicyRules", rules):
        action = rule.get("action") or ""
        if action not in ("Restart", "RestartAllContainers"):
            yield not_supported(f"{where}.action", action, ("Restart", "RestartAllContainers"))
        codes = rule.get("exitCodes")
        if codes is None:
            yield required(f"{where}.exitCodes", "must be specified")
        elif codes.get("operator") not in ("In", "NotIn"):
            yield not_supported(f"{where}.exitCodes.operator", codes.get("operator") or "", ("In", "NotIn"))


def check_containers(path: str, spec: Obj, volumes: _podspec_volumes.Seen, pod: bool) -> Errors:
    """All containers; `path` is that of the spec, `pod` tells a pod's from a template's."""
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    os = (spec.get("os") or {}).get("name") or ""
    seen: set[str] = set()
    for where, container in each(f"{path}.containers", spec.get("containers")):
        yield from _common(where, container, spec, volumes, seen)
        yield from _resources(where, container, spec, pod)
        yield from _podspec_probes.check_lifecycle(f"{where}.lifecycle", container.get("lifecycle"), _grace(spec), os)
        yield from _podspec_probes.check_probes(where, container, _grace(spec))
        yield from _restart_rules(where, container)
    for where, container in each(f"{path}.initContainers", spec.get("initContainers")):
        yield from _common(where, container, spec, volumes, seen)
        yield from _resources(where, container, spec, pod)
        yield from _restart_rules(where, container)
        if is_sidecar(container):
            yield from _podspec_probes.check_lifecycle(
                f"{where}.lifecycle", container.get("lifecycle"), _grace(spec), os
            )
            yield from _podspec_probes.check_probes(where, container, _grace(spec))
        else:
            yield from _podspec_probes.forbid_for_init(where, container)
    yield from check_ephemeral(path, spec, volumes, seen)


def check_ephemeral(path: str, spec: Obj, volumes: _podspec_volumes.Seen, seen: set[Any]) -> Errors:
    """Ephemeral containers; `seen` are the names that are taken."""
    others = {c.get("name") for f in ("containers", "initContainers") for c in spec.get(f) or ()}
    for where, container in each(f"{path}.ephemeralContainers", spec.get("ephemeralContainers")):
        yield from _common(where, container, spec, volumes, seen)
        target = container.get("targetContainerName")
        if target and target not in others:
            yield value_not_found(f"{where}.targetContainerName", target)
        for field in _NOT_EPHEMERAL:
            if container.get(field):
                yield forbidden_value(f"{where}.{field}", "cannot be set for an Ephemeral Container")
        for there, mount in each(f"{where}.volumeMounts", container.get("volumeMounts")):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    yield forbidden_value(f"{there}.{field}", "cannot be set for an Ephemeral Container")
