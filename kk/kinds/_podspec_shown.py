"""A PodSpec as messages of upstream show it: its internal type, all fields in Go's order. Only for such messages.

Types that seldom stand in one are shown with the fields that they have.
"""

from typing import Any

Obj = dict[str, Any]
#: type → its fields: name, then ":" and what an absent one shows (s "", b false, i 0; nothing: null), or "=" and the type of the value
_TYPES = {
    "PodSpec": "Volumes InitContainers=Container Containers=Container EphemeralContainers=Container RestartPolicy:s "
    "TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy:s NodeSelector ServiceAccountName:s "
    "AutomountServiceAccountToken NodeName:s SecurityContext=PodSecurityContext ImagePullSecrets=Reference Hostname:s "
    "Subdomain:s SetHostnameAsFQDN Affinity SchedulerName:s Tolerations=Toleration HostAliases PriorityClassName:s "
    "Priority PreemptionPolicy DNSConfig ReadinessGates RuntimeClassName Overhead EnableServiceLinks "
    "TopologySpreadConstraints OS SchedulingGates ResourceClaims Resources=Resources HostnameOverride SchedulingGroup",
    "Container": "Name:s Image:s Command Args WorkingDir:s Ports=Port EnvFrom Env=Variable Resources=Resources ResizePolicy "
    "RestartPolicy RestartPolicyRules VolumeMounts=Mount VolumeDevices LivenessProbe ReadinessProbe StartupProbe "
    "Lifecycle TerminationMessagePath:s TerminationMessagePolicy:s ImagePullPolicy:s SecurityContext Stdin:b "
    "StdinOnce:b TTY:b",
    "PodSecurityContext": "HostNetwork:b HostPID:b HostIPC:b ShareProcessNamespace HostUsers SELinuxOptions WindowsOptions "
    "RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup FSGroupChangePolicy "
    "Sysctls SeccompProfile AppArmorProfile SELinuxChangePolicy",
    "Resources": "Limits Requests Claims",
    "Port": "Name:s HostPort:i ContainerPort:i Protocol:s HostIP:s",
    "Variable": "Name:s Value:s ValueFrom",
    "Mount": "Name:s ReadOnly:b RecursiveReadOnly MountPath:s SubPath:s MountPropagation SubPathExpr:s",
    "Reference": "Name:s",
    "Toleration": "Key:s Operator:s Value:s Effect:s TolerationSeconds",
}
_ABSENT: dict[str, Any] = {"s": "", "b": False, "i": 0, "": None}
_WIRE = {
    "DNSPolicy": "dnsPolicy",
    "DNSConfig": "dnsConfig",
    "OS": "os",
    "TTY": "tty",
    "HostIP": "hostIP",
    "SELinuxOptions": "seLinuxOptions",
    "SELinuxChangePolicy": "seLinuxChangePolicy",
    "FSGroup": "fsGroup",
    "FSGroupChangePolicy": "fsGroupChangePolicy",
}
#: fields that the internal type keeps in its security context
_MOVED = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")


def _shown(value: Obj, kind: str) -> Obj:
    made: Obj = {}
    for field in _TYPES[kind].split():
        name, _, inner = field.partition("=")
        name, _, zero = name.partition(":")
        found = value.get(_WIRE.get(name, name[0].lower() + name[1:]))
        if inner and isinstance(found, list):
            made[name] = [_shown(item, inner) for item in found] or None
        elif inner and isinstance(found, dict):
            made[name] = _shown(found, inner)
        else:
            made[name] = _ABSENT[zero] if found is None else _plain(found)
    return made


def _plain(value: Any) -> Any:
    """A value of a type that is not listed: maps keep their keys, fields get Go's capital."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and any(isinstance(item, (dict, list)) for item in value.values()):
        return {key[:1].upper() + key[1:]: _plain(item) for key, item in value.items()}
    return value


def shown(spec: Obj) -> Obj:
    """The spec in that form."""
    context = dict(spec.get("securityContext") or {})
    context.update({field: spec[field] for field in _MOVED if field in spec})
    return _shown({**spec, "securityContext": context}, "PodSpec")
