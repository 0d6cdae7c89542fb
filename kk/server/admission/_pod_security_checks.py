"""The Pod Security Standards as pure checks: what a pod may not have at the levels baseline and restricted, by version of the standard.

Each check returns "" or what is wrong, in the words of k8s.io/pod-security-admission `policy/`. Nothing here knows namespaces or users.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kk.server.admission._shared import CONTAINERS

Obj = dict[str, Any]
LATEST = 10_000

_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
_SYSCTLS = {
    0: "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range "
    "net.ipv4.ip_unprivileged_port_start",
    27: "net.ipv4.ip_local_reserved_ports",
    29: "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes",
    32: "net.ipv4.tcp_rmem net.ipv4.tcp_wmem",
}
_SELINUX = frozenset(("", "container_t", "container_init_t", "container_kvm_t"))
#: a type more, from this version on
_SELINUX_MORE = (31, "container_engine_t")
_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "image",
    )
)
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its level, the first minor version that has it, and the other check that it stands in for."""

    name: str
    level: str
    since: int
    test: Callable[[Obj, Obj, int], str]
    instead: str = ""


def violations(level: str, version: int, metadata: Obj, spec: Obj) -> list[str]:
    """What is wrong with a pod at a level ("privileged": nothing) of a version (a minor number, or LATEST)."""
    if level == "privileged":
        return []
    chosen = [c for c in CHECKS if c.since <= version and (c.level == "baseline" or level == "restricted")]
    replaced = {c.instead for c in chosen}
    found = (c.test(metadata, spec, version) for c in chosen if c.name not in replaced)
    return [text for text in found if text]


def _containers(spec: Obj) -> Iterator[Obj]:
    for kind in CONTAINERS:
        yield from spec.get(kind) or ()


def _context(thing: Obj) -> Obj:
    return thing.get("securityContext") or {}


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{n}"' for n in names)


def _them(names: list[str], one: str = "container", many: str = "containers") -> str:
    return f"{one if len(names) == 1 else many} {_quoted(names)}"


def _windows(spec: Obj, version: int) -> bool:
    return version >= 25 and (spec.get("os") or {}).get("name") == "windows"


# baseline


def _host_namespaces(_: Obj, spec: Obj, __: int) -> str:
    found = [f"{key}=true" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    return f"host namespaces ({', '.join(found)})" if found else ""


def _privileged(_: Obj, spec: Obj, __: int) -> str:
    bad = [c["name"] for c in _containers(spec) if _context(c).get("privileged")]
    return f"privileged ({_them(bad)} must not set securityContext.privileged=true)" if bad else ""


def _baseline_capabilities(_: Obj, spec: Obj, __: int) -> str:
    bad, forbidden = [], set()
    for container in _containers(spec):
        extra = set((_context(container).get("capabilities") or {}).get("add") or ()) - _CAPABILITIES
        if extra:
            bad.append(container["name"])
            forbidden |= extra
    if not bad:
        return ""
    names = _quoted(sorted(forbidden))
    return f"non-default capabilities ({_them(bad)} must not include {names} in securityContext.capabilities.add)"


def _host_paths(_: Obj, spec: Obj, __: int) -> str:
    bad = [v["name"] for v in spec.get("volumes") or () if v.get("hostPath") is not None]
    return f"hostPath volumes ({_them(bad, 'volume', 'volumes')})" if bad else ""


def _host_ports(_: Obj, spec: Obj, __: int) -> str:
    bad, ports = [], []
    for container in _containers(spec):
        used = [p["hostPort"] for p in container.get("ports") or () if p.get("hostPort")]
        if used:
            bad.append(container["name"])
            ports += used
    if not bad:
        return ""
    numbers = sorted(set(ports))
    shown = ", ".join(map(str, numbers))
    verb = "uses" if len(bad) == 1 else "use"
    return f"hostPort ({_them(bad)} {verb} {'hostPort' if len(numbers) == 1 else 'hostPorts'} {shown})"


def _host_probes(_: Obj, spec: Obj, __: int) -> str:
    bad, hosts = [], set()
    for container in _containers(spec):
        found = {h for h in _probe_hosts(container) if h}
        if found:
            bad.append(container["name"])
            hosts |= found
    if not bad:
        return ""
    verb = "uses" if len(bad) == 1 else "use"
    return f"probe or lifecycle host ({_them(bad)} {verb} probe or lifecycle {'host' if len(hosts) == 1 else 'hosts'} {_quoted(sorted(hosts))})"


def _probe_hosts(container: Obj) -> Iterator[str]:
    lifecycle = container.get("lifecycle") or {}
    handlers = [container.get(k) or {} for k in ("livenessProbe", "readinessProbe", "startupProbe")]
    handlers += [lifecycle.get(k) or {} for k in ("postStart", "preStop")]
    for handler in handlers:
        for kind in ("httpGet", "tcpSocket"):
            yield (handler.get(kind) or {}).get("host") or ""


def _apparmor(metadata: Obj, spec: Obj, _: int) -> str:
    allowed = (None, "RuntimeDefault", "Localhost")
    kinds = {_profile(holder) for holder in (spec, *_containers(spec))} - set(allowed)
    setters = ["pod"] if _profile(spec) not in allowed else []
    bad = [c["name"] for c in _containers(spec) if _profile(c) not in allowed]
    if bad:
        setters.append(_them(bad))
    marks = sorted(
        f'{key}="{value}"'
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    )
    if marks:
        setters.append("annotation" if len(marks) == 1 else "annotations")
    if not setters:
        return ""
    values = [*sorted(str(k) for k in kinds), *marks]
    reason = f"forbidden AppArmor {'profile' if len(values) == 1 else 'profiles'}"
    return f"{reason} ({' and '.join(setters)} must not set AppArmor profile type to {_quoted(values)})"


def _profile(holder: Obj) -> str | None:
    kind: str | None = (_context(holder).get("appArmorProfile") or {}).get("type")
    return kind


def _selinux(_: Obj, spec: Obj, version: int) -> str:
    setters: list[str] = []
    faults: set[str] = set()
    types: set[str] = set()
    more, kind = _SELINUX_MORE
    allowed = _SELINUX | {kind} if version >= more else _SELINUX
    if _selinux_bad(_context(spec), allowed, faults, types):
        setters.append("pod")
    bad = [c["name"] for c in _containers(spec) if _selinux_bad(_context(c), allowed, faults, types)]
    if bad:
        setters.append(_them(bad))
    if not setters:
        return ""
    parts = [f"{'type' if len(types) == 1 else 'types'} {_quoted(sorted(types))}"] if types else []
    parts += [f"{key} may not be set" for key in ("user", "role") if key in faults]
    return f"seLinuxOptions ({' and '.join(setters)} set forbidden securityContext.seLinuxOptions: {'; '.join(parts)})"


def _selinux_bad(context: Obj, allowed: frozenset[str], faults: set[str], types: set[str]) -> bool:
    options = context.get("seLinuxOptions") or {}
    bad = False
    if (options.get("type") or "") not in allowed:
        types.add(options["type"])
        bad = True
    for key in ("user", "role"):
        if options.get(key):
            faults.add(key)
            bad = True
    return bad


def _proc_mount(_: Obj, spec: Obj, __: int) -> str:
    if spec.get("hostUsers") is False:
        return ""
    bad = [c for c in _containers(spec) if _context(c).get("procMount") not in (None, "Default")]
    if not bad:
        return ""
    kinds = _quoted(sorted({_context(c)["procMount"] for c in bad}))
    return f"procMount ({_them([c['name'] for c in bad])} must not set securityContext.procMount to {kinds})"


def _baseline_seccomp(_: Obj, spec: Obj, __: int) -> str:
    allowed = (None, "RuntimeDefault", "Localhost")
    setters, kinds = [], set()
    kind = (_context(spec).get("seccompProfile") or {}).get("type")
    if kind not in allowed:
        setters.append("pod")
        kinds.add(kind)
    bad = []
    for container in _containers(spec):
        kind = (_context(container).get("seccompProfile") or {}).get("type")
        if kind not in allowed:
            bad.append(container["name"])
            kinds.add(kind)
    if bad:
        setters.append(_them(bad))
    if not setters:
        return ""
    return f"seccompProfile ({' and '.join(setters)} must not set securityContext.seccompProfile.type to {_quoted(sorted(kinds))})"


def _sysctls(_: Obj, spec: Obj, version: int) -> str:
    allowed = {name for since, names in _SYSCTLS.items() if since <= version for name in names.split()}
    bad = sorted({s["name"] for s in _context(spec).get("sysctls") or ()} - allowed)
    return f"forbidden sysctls ({', '.join(bad)})" if bad else ""


def _host_process(_: Obj, spec: Obj, __: int) -> str:
    setters = []
    if (_context(spec).get("windowsOptions") or {}).get("hostProcess"):
        setters.append("pod")
    bad = [c["name"] for c in _containers(spec) if (_context(c).get("windowsOptions") or {}).get("hostProcess")]
    if bad:
        setters.append(_them(bad))
    if not setters:
        return ""
    return f"hostProcess ({' and '.join(setters)} must not set securityContext.windowsOptions.hostProcess=true)"


# restricted


def _escalation(_: Obj, spec: Obj, version: int) -> str:
    if _windows(spec, version):
        return ""
    bad = [c["name"] for c in _containers(spec) if _context(c).get("allowPrivilegeEscalation") is not False]
    if not bad:
        return ""
    return f"allowPrivilegeEscalation != false ({_them(bad)} must set securityContext.allowPrivilegeEscalation=false)"


def _restricted_capabilities(_: Obj, spec: Obj, version: int) -> str:
    if _windows(spec, version):
        return ""
    keep, add, forbidden = [], [], set()
    for container in _containers(spec):
        capabilities = _context(container).get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or ()):
            keep.append(container["name"])
        extra = set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}
        if extra:
            add.append(container["name"])
            forbidden |= extra
    parts = [f'{_them(keep)} must set securityContext.capabilities.drop=["ALL"]'] if keep else []
    if add:
        parts.append(f"{_them(add)} must not include {_quoted(sorted(forbidden))} in securityContext.capabilities.add")
    return f"unrestricted capabilities ({'; '.join(parts)})" if parts else ""


def _volume_types(_: Obj, spec: Obj, __: int) -> str:
    bad, kinds = [], set()
    for volume in spec.get("volumes") or ():
        kind = next((k for k in volume if k != "name"), "unknown")
        if kind not in _VOLUMES and kind != "unknown":
            bad.append(volume["name"])
            kinds.add(kind)
    if not bad:
        return ""
    verb = "uses" if len(bad) == 1 else "use"
    types = "type" if len(kinds) == 1 else "types"
    return f"restricted volume types ({_them(bad, 'volume', 'volumes')} {verb} restricted volume {types} {_quoted(sorted(kinds))})"


def _non_root(_: Obj, spec: Obj, version: int) -> str:
    if version >= 35 and spec.get("hostUsers") is False:
        return ""
    pod = _context(spec).get("runAsNonRoot")
    explicit = [c["name"] for c in _containers(spec) if _context(c).get("runAsNonRoot") is False]
    implicit = [c["name"] for c in _containers(spec) if _context(c).get("runAsNonRoot") is None]
    bad = ["pod"] if pod is False else []
    if explicit:
        bad.append(_them(explicit))
    if bad:
        return f"runAsNonRoot != true ({' and '.join(bad)} must not set securityContext.runAsNonRoot=false)"
    if pod is None and implicit:
        return f"runAsNonRoot != true (pod or {_them(implicit)} must set securityContext.runAsNonRoot=true)"
    return ""


def _root_user(_: Obj, spec: Obj, version: int) -> str:
    if version >= 35 and spec.get("hostUsers") is False:
        return ""
    bad = ["pod"] if _context(spec).get("runAsUser") == 0 else []
    named = [c["name"] for c in _containers(spec) if _context(c).get("runAsUser") == 0]
    if named:
        bad.append(_them(named))
    return f"runAsUser=0 ({' and '.join(bad)} must not set runAsUser=0)" if bad else ""


def _restricted_seccomp(metadata: Obj, spec: Obj, version: int) -> str:
    if _windows(spec, version):
        return ""
    baseline = _baseline_seccomp(metadata, spec, version)
    if baseline:
        return baseline
    if (_context(spec).get("seccompProfile") or {}).get("type"):
        return ""
    bad = [c["name"] for c in _containers(spec) if not (_context(c).get("seccompProfile") or {}).get("type")]
    if not bad:
        return ""
    return f'seccompProfile (pod or {_them(bad)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'


CHECKS = (
    Check("appArmorProfile", "baseline", 0, _apparmor),
    Check("capabilities_baseline", "baseline", 0, _baseline_capabilities),
    Check("hostNamespaces", "baseline", 0, _host_namespaces),
    Check("hostPathVolumes", "baseline", 0, _host_paths),
    Check("hostPorts", "baseline", 0, _host_ports),
    Check("hostProbesAndhostLifecycle", "baseline", 34, _host_probes),
    Check("privileged", "baseline", 0, _privileged),
    Check("procMount", "baseline", 0, _proc_mount),
    Check("seLinuxOptions", "baseline", 0, _selinux),
    Check("seccompProfile_baseline", "baseline", 19, _baseline_seccomp),
    Check("sysctls", "baseline", 0, _sysctls),
    Check("windowsHostProcess", "baseline", 0, _host_process),
    Check("allowPrivilegeEscalation", "restricted", 8, _escalation),
    Check("capabilities_restricted", "restricted", 22, _restricted_capabilities, "capabilities_baseline"),
    Check("restrictedVolumes", "restricted", 0, _volume_types, "hostPathVolumes"),
    Check("runAsNonRoot", "restricted", 0, _non_root),
    Check("runAsUser", "restricted", 23, _root_user),
    Check("seccompProfile_restricted", "restricted", 19, _restricted_seccomp, "seccompProfile_baseline"),
)
