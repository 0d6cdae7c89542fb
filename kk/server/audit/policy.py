"""An audit.k8s.io/v1 Policy: read, checked, and asked for the level of a request. Pure but for reading the file.

As k8s.io/apiserver `pkg/audit/policy`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kk.server.context import RequestInfo, User

Obj = dict[str, Any]
LEVELS = ("None", "Metadata", "Request", "RequestResponse")
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
NONE, METADATA, REQUEST, RESPONSE = range(4)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is audited of one request. level: index into LEVELS."""

    level: int
    omit: frozenset[str] = frozenset()
    without_managed: bool = False


NOTHING = Ask(NONE, frozenset(STAGES))


class Policy:
    """The rules of a policy, in order; the first that matches decides."""

    def __init__(self, source: Obj):
        self._rules: list[Obj] = source.get("rules") or []
        self._stages = frozenset(source.get("omitStages") or ())
        self._managed = bool(source.get("omitManagedFields"))

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """Read a policy file. Raises OSError, or ValueError that lists its faults."""
        import yaml

        try:
            source = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            raise ValueError(f"failed decoding: {error}: from file {path}") from None
        if not isinstance(source, dict) or source.get("kind") != "Policy":
            raise ValueError(f"failed decoding: no Policy: from file {path}")
        if source.get("apiVersion") != "audit.k8s.io/v1":
            raise ValueError(f"loaded illegal policy version {source.get('apiVersion')} from file {path}")
        faults = list(check(source))
        if faults:
            raise ValueError(f"loaded invalid policy: {', '.join(faults)} from file {path}")
        if not source.get("rules"):
            raise ValueError(f"loaded illegal policy with 0 rules from file {path}")
        return cls(source)

    def ask(self, user: User, info: RequestInfo) -> Ask:
        """What a request's events hold."""
        for rule in self._rules:
            if matches(rule, user, info):
                level = LEVELS.index(rule["level"])
                if level == NONE:
                    return NOTHING
                managed = rule.get("omitManagedFields")
                return Ask(
                    level,
                    self._stages | frozenset(rule.get("omitStages") or ()),
                    self._managed if managed is None else managed,
                )
        return NOTHING


def check(source: Obj) -> "list[str]":
    """Faults of a policy."""
    faults = []
    stages = [("omitStages", s) for s in source.get("omitStages") or ()]
    for i, rule in enumerate(source.get("rules") or ()):
        at = f"rules[{i}]"
        if rule.get("level") not in LEVELS:
            allowed = ", ".join(f'"{name}"' for name in LEVELS)
            if not rule.get("level"):
                faults.append(f"{at}.level: Required value")
            else:
                faults.append(f'{at}.level: Unsupported value: "{rule["level"]}": supported values: {allowed}')
        if rule.get("nonResourceURLs") and (rule.get("resources") or rule.get("namespaces")):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            faults.append(f"{at}.nonResourceURLs: Invalid value: {rule['nonResourceURLs']}: {text}")
        for j, url in enumerate(rule.get("nonResourceURLs") or ()):
            if url != "*" and (not url.startswith("/") or "*" in url[:-1]):
                faults.append(
                    f'{at}.nonResourceURLs[{j}]: Invalid value: "{url}": it begins with / and ends in * at most'
                )
        for j, group in enumerate(rule.get("resources") or ()):
            if group.get("resourceNames") and not group.get("resources"):
                text = "using resourceNames requires at least one resource"
                faults.append(f"{at}.resources[{j}].resourceNames: Invalid value: {group['resourceNames']}: {text}")
        stages += [(f"{at}.omitStages", s) for s in rule.get("omitStages") or ()]
    for at, stage in stages:
        if stage not in STAGES:
            allowed = ", ".join(f'"{name}"' for name in STAGES)
            faults.append(f'{at}: Invalid value: "{stage}": allowed stages are {allowed}')
    return faults


def matches(rule: Obj, user: User, info: RequestInfo) -> bool:
    """Whether a rule speaks of a request."""
    if rule.get("users") and user.name not in rule["users"]:
        return False
    if rule.get("userGroups") and not set(rule["userGroups"]) & set(user.groups):
        return False
    if rule.get("verbs") and info.verb not in rule["verbs"]:
        return False
    resources, namespaces, paths = rule.get("resources"), rule.get("namespaces"), rule.get("nonResourceURLs")
    if info.is_resource:
        if paths:
            return False
        if namespaces and (info.namespace if _namespaced(info) else "") not in namespaces:
            return False
        return not resources or any(_covers(r, info) for r in resources)
    if resources or namespaces:
        return False
    return not paths or any(
        url in ("*", info.path) or url.endswith("*") and info.path.startswith(url[:-1]) for url in paths
    )


def _namespaced(info: RequestInfo) -> bool:
    return bool(info.namespace)


def _covers(group: Obj, info: RequestInfo) -> bool:
    if (group.get("group") or "") != info.group:
        return False
    wanted = group.get("resources") or ()
    if not wanted:
        return True
    names = group.get("resourceNames") or ()
    if names and info.name not in names:
        return False
    full = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    for name in wanted:
        if name in ("*", full):
            return True
        if info.subresource and name in (f"{info.resource}/*", f"*/{info.subresource}"):
            return True
    return False
