"""Annotations of pods and of templates that mean something: their faults, alone, beside the fields that replace them, and when they change.

Words and rules: `ValidatePodSpecificAnnotations` and its neighbours in `pkg/apis/core/validation/validation.go` of Kubernetes.
"""

import re
from collections.abc import Iterator
from typing import Any

from kk.base.errors import forbidden_value, invalid_value
from kk.kinds._checks import Errors, each

Obj = dict[str, Any]
MIRROR = "kubernetes.io/config.mirror"
_COST = "controller.kubernetes.io/pod-deletion-cost"
_SECCOMP, _SECCOMP_OF = "seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/"
_APPARMOR_OF = "container.apparmor.security.beta.kubernetes.io/"
_WHOLE = re.compile(r"(0|-?[1-9][0-9]*|-0+)\Z")
_NAMED = ("runtime/default", "docker/default", "unconfined")


def containers(path: str, spec: Obj) -> Iterator[tuple[str, Obj]]:
    """(path, container) of every container, in the order in which upstream visits them."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from each(f"{path}.{field}", spec.get(field))


def check(path: str, annotations: Obj | None, spec: Obj) -> Errors:
    """Faults of annotations at `path` beside the PodSpec that they belong to."""
    if not annotations:
        return
    if MIRROR in annotations and not spec.get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        yield invalid_value(f"{path}[{MIRROR}]", annotations[MIRROR], detail)
    cost = annotations.get(_COST)
    if cost is not None and not (_WHOLE.match(cost) and -(2**31) <= int(cost) < 2**31):
        yield invalid_value(f"{path}[{_COST}]", cost, "must be a 32bit integer")
    for key, value in annotations.items():
        if key == _SECCOMP or key.startswith(_SECCOMP_OF):
            yield from _seccomp(f"{path}[{key}]", value)
    for key, value in annotations.items():
        if key.startswith(_APPARMOR_OF):
            yield from _apparmor(f"{path}[{key}]", key[len(_APPARMOR_OF) :], value, spec)


def _seccomp(path: str, value: str) -> Errors:
    if value in _NAMED:
        return
    if not value.startswith("localhost/"):
        yield invalid_value(path, value, "must be a valid seccomp profile")
        return
    profile = value.removeprefix("localhost/")
    if profile.startswith("/"):
        yield invalid_value(path, profile, "must be a relative path")
    if ".." in profile.split("/"):
        yield invalid_value(path, profile, "must not contain '..'")


def _apparmor(path: str, name: str, value: str, spec: Obj) -> Errors:
    if not any(container.get("name") == name for _, container in containers("", spec)):
        yield invalid_value(path, name, "container not found")
    if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
        yield invalid_value(path, value, f'invalid AppArmor profile name: "{value}"')


def check_matching(path: str, annotations: Obj | None, spec: Obj) -> Errors:
    """Faults of a new pod or a template (its spec at `path`) whose annotations and fields say different things."""
    if not annotations:
        return
    whole = spec.get("securityContext") or {}
    if _SECCOMP in annotations:
        yield from _same_seccomp(f"{path}.securityContext.seccompProfile", annotations[_SECCOMP], whole)
    for where, container in containers(path, spec):
        key = _SECCOMP_OF + (container.get("name") or "")
        if key in annotations:
            own = container.get("securityContext") or {}
            yield from _same_seccomp(f"{where}.securityContext.seccompProfile", annotations[key], own)
    if (spec.get("os") or {}).get("name") == "windows":
        return
    for where, container in containers(path, spec):
        key = _APPARMOR_OF + (container.get("name") or "")
        profile = (container.get("securityContext") or {}).get("appArmorProfile") or whole.get("appArmorProfile")
        if key in annotations and profile is not None:
            there = f"{where}.securityContext.appArmorProfile"
            yield from _same(there, "apparmor", annotations[key], profile, ("runtime/default",))


def _same_seccomp(path: str, value: str, context: Obj) -> Errors:
    profile = context.get("seccompProfile")
    if profile is not None:
        yield from _same(path, "seccomp", value, profile, ("runtime/default", "docker/default"))


def _same(path: str, what: str, value: str, profile: Obj, default: tuple[str, ...]) -> Errors:
    kind, local = profile.get("type"), value.startswith("localhost/")
    same = {"Unconfined": value == "unconfined", "RuntimeDefault": value in default, "Localhost": local}
    if not same.get(kind or "", True):
        yield forbidden_value(f"{path}.type", f"{what} type in annotation and field must match")
    elif kind == "Localhost" and profile.get("localhostProfile") != value.removeprefix("localhost/"):
        yield forbidden_value(f"{path}.localhostProfile", f"{what} profile in annotation and field must match")


def check_update(path: str, new: Obj, old: Obj, spec: Obj) -> Errors:
    """Faults of a change of a pod's annotations: what says how it runs stays."""
    for key in old:
        if new.get(key) != old[key]:
            yield from _kept(f"{path}[{key}]", key, "remove or update")
    for key in new:
        if key not in old:
            yield from _kept(f"{path}[{key}]", key, "add")
    yield from check(path, new, spec)


def _kept(path: str, key: str, verb: str) -> Errors:
    if key.startswith(_APPARMOR_OF):
        yield forbidden_value(path, f"may not {verb} AppArmor annotations")
    if key == MIRROR:
        yield forbidden_value(path, f"may not {verb} mirror pod annotation")
