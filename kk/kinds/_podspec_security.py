"""Security contexts of pods and containers: their faults. Words and rules: `ValidateSecurityContext` and `validatePodSpecSecurityContext` of Kubernetes.

What policy allows is admission's question (Pod Security).
"""

import re
from typing import Any

from kk.base.errors import duplicate, forbidden_value, invalid_value, not_supported, required
from kk.kinds._checks import Errors, each

Obj = dict[str, Any]
MOST_ID = 2**31 - 1
_ID_RANGE = f"must be between 0 and {MOST_ID}, inclusive"
_SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_is_sysctl = re.compile(_SYSCTL + r"\Z").match
_LINUX_ONLY = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "shareProcessNamespace",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
)
_LINUX_CONTAINER = (
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
)


def _id(path: str, value: int | None) -> Errors:
    if value is not None and not 0 <= value <= MOST_ID:
        yield invalid_value(path, value, _ID_RANGE)


def _profile(path: str, profile: Obj | None, word: str, kinds: tuple[str, ...]) -> Errors:
    """A seccomp or AppArmor profile."""
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    seccomp = word == "seccomp"
    if kind not in kinds:
        if not kind:
            yield required(
                f"{path}.type",
                "type is required when " + ("seccompProfile" if seccomp else "appArmorProfile") + " is set",
            )
        else:
            yield not_supported(f"{path}.type", kind, kinds)
        return
    if kind == "Localhost":
        if not (local or "").strip():
            yield required(f"{path}.localhostProfile", f"must be set when {word} type is Localhost")
        elif seccomp:
            yield from _local_path(f"{path}.localhostProfile", local or "")
        elif (local or "").strip() != local:
            yield invalid_value(f"{path}.localhostProfile", local, "must not be padded with whitespace")
    elif local is not None and (seccomp or local):
        detail = (
            f"can only be set when {word} type is Localhost" if seccomp else "can only be set when type is Localhost"
        )
        yield invalid_value(f"{path}.localhostProfile", local, detail)


def _local_path(path: str, value: str) -> Errors:
    if value.startswith("/"):
        yield invalid_value(path, value, "must be a relative path")
    if ".." in value.split("/"):
        yield invalid_value(path, value, "must not contain '..'")


def check_seccomp(path: str, profile: Obj | None) -> Errors:
    """A seccomp profile."""
    yield from _profile(path, profile, "seccomp", ("Localhost", "RuntimeDefault", "Unconfined"))


def check_apparmor(path: str, profile: Obj | None) -> Errors:
    """An AppArmor profile."""
    yield from _profile(path, profile, "AppArmor", ("Localhost", "RuntimeDefault", "Unconfined"))


def host_process(spec: Obj, container: Obj) -> bool:
    """Whether a container is a Windows host process, by itself or by the pod."""
    own = ((container.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    pod = ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    return bool(own if own is not None else pod)


def _host_process(spec: Obj, path: str) -> Errors:
    containers = [c for f in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(f) or ()]
    if not any(host_process(spec, c) for c in containers):
        return
    if not spec.get("hostNetwork"):
        detail = "hostNetwork must be true if pod contains any hostProcess containers"
        yield invalid_value(f"{path}.hostNetwork", False, detail)
    yield forbidden_value(path, "hostProcess containers are disallowed by cluster policy")


def check_pod(path: str, spec: Obj) -> Errors:
    """The pod's own security context, and what of the spec belongs to it; `path` is that of the spec."""
    context = spec.get("securityContext") or {}
    where = f"{path}.securityContext"
    yield from _id(f"{where}.fsGroup", context.get("fsGroup"))
    yield from _id(f"{where}.runAsUser", context.get("runAsUser"))
    yield from _id(f"{where}.runAsGroup", context.get("runAsGroup"))
    for there, group in each(f"{where}.supplementalGroups", context.get("supplementalGroups")):
        yield from _id(there, group)
    for field, allowed in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        if context.get(field) is not None and context[field] not in allowed:
            yield not_supported(f"{where}.{field}", context[field], allowed)
    yield from _sysctls(f"{where}.sysctls", context.get("sysctls"), spec)
    yield from check_seccomp(f"{where}.seccompProfile", context.get("seccompProfile"))
    yield from check_apparmor(f"{where}.appArmorProfile", context.get("appArmorProfile"))
    yield from _shared(path, spec)
    yield from _host_process(spec, path)


def _shared(path: str, spec: Obj) -> Errors:
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        yield invalid_value(
            f"{path}.shareProcessNamespace",
            True,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        )
    if spec.get("hostUsers") is False:
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(field):
                yield forbidden_value(f"{path}.{field}", "when `hostUsers` is false")


def _sysctls(path: str, sysctls: list[Obj] | None, spec: Obj) -> Errors:
    seen: set[str] = set()
    for where, sysctl in each(path, sysctls):
        name = sysctl.get("name") or ""
        if not name:
            yield required(f"{where}.name")
        elif len(name) > 253 or not _is_sysctl(name):
            yield invalid_value(f"{where}.name", name, f"must have at most 253 characters and match regex ^{_SYSCTL}$")
        elif name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        for prefix, field in (("net.", "hostNetwork"), ("kernel.sem", "hostIPC"), ("fs.mqueue.", "hostIPC")):
            if name.startswith(prefix) and spec.get(field):
                yield invalid_value(f"{where}.name", name, f"may not be specified when '{field}' is true")


def check_container(path: str, context: Obj | None, spec: Obj) -> Errors:
    """A container's security context."""
    if context is None:
        return
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        yield invalid_value(path, "", detail)
    yield from _id(f"{path}.runAsUser", context.get("runAsUser"))
    yield from _id(f"{path}.runAsGroup", context.get("runAsGroup"))
    mount = context.get("procMount")
    if mount is not None:
        if mount not in ("Default", "Unmasked"):
            yield not_supported(f"{path}.procMount", mount, ("Default", "Unmasked"))
        elif mount == "Unmasked" and spec.get("hostUsers") is not False:
            yield invalid_value(f"{path}.procMount", mount, "`hostUsers` must be false to use `Unmasked`")
    yield from check_seccomp(f"{path}.seccompProfile", context.get("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False and "CAP_SYS_ADMIN" in (
        (context.get("capabilities") or {}).get("add") or ()
    ):
        detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        yield invalid_value(path, "", detail)
    yield from check_apparmor(f"{path}.appArmorProfile", context.get("appArmorProfile"))


def check_os(path: str, spec: Obj) -> Errors:
    """spec.os: its name, and what a pod of the other family may not set."""
    system = spec.get("os")
    if system is None:
        return
    name = system.get("name") or ""
    if not name:
        yield required(f"{path}.os.name")
    elif name not in ("linux", "windows"):
        yield not_supported(f"{path}.os", name, ("linux", "windows"))
    elif name == "windows":
        yield from _windows(path, spec)
    else:
        yield from _linux(path, spec)


def _linux(path: str, spec: Obj) -> Errors:
    detail = "windows options cannot be set for a linux pod"
    if (spec.get("securityContext") or {}).get("windowsOptions") is not None:
        yield forbidden_value(f"{path}.securityContext.windowsOptions", detail)
    for field in ("containers", "initContainers"):
        for where, container in each(f"{path}.{field}", spec.get(field)):
            if (container.get("securityContext") or {}).get("windowsOptions") is not None:
                yield forbidden_value(f"{where}.securityContext.windowsOptions", detail)


def _windows(path: str, spec: Obj) -> Errors:
    detail = "cannot be set for a windows pod"
    for field in ("hostPID", "hostIPC", "shareProcessNamespace"):
        if spec.get(field):
            yield forbidden_value(f"{path}.{field}", detail)
    if spec.get("hostUsers") is not None:
        yield forbidden_value(f"{path}.hostUsers", detail)
    context = spec.get("securityContext") or {}
    for field in _LINUX_ONLY:
        if context.get(field) is not None:
            yield forbidden_value(f"{path}.securityContext.{field}", detail)
    for field in ("containers", "initContainers"):
        for where, container in each(f"{path}.{field}", spec.get(field)):
            own = container.get("securityContext") or {}
            for name in _LINUX_CONTAINER:
                if own.get(name) is not None:
                    yield forbidden_value(f"{where}.securityContext.{name}", detail)
