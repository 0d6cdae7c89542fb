"""Discovery: which groups, versions and resources there are, one document a version and all in one (aggregated, with an ETag).

Derived from the served resources alone; the only fact held here is the order of groups.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kk.base.errors import no_such_path
from kk.kinds.kind import Resource
from kk.kinds.registry import BuiltIn
from kk.server.context import Endpoint, Request, Response, Server
from kk.server.encoding import encode
from kk.server.endpoints._answers import PAGE_NOT_FOUND, document, read_only, tagged

if TYPE_CHECKING:
    from kk.server.aggregation.remote import Remote

#: the order in which clients meet the groups, which decides what an ambiguous short name means; others follow by name
_ORDER = (
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
)
#: groups of custom resources have it (see kk.server.aggregation.priorities)
CUSTOM_PRIORITY = 1000
_CHANGE = ("get", "patch", "update")
_VERSION = f"{__name__}.version"
#: in server.state: functions that are told of each change
LISTENERS = f"{__name__}.listeners"
_AGGREGATED = b"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Documents:
    """All discovery documents of one set of resources, made when first asked for."""

    def __init__(self, resources: Iterable[Resource], remotes: "Iterable[Remote]" = ()):
        self.version = -1
        self.versions: dict[str, dict[str, list[Resource]]] = {}
        for r in resources:
            self.versions.setdefault(r.group, {}).setdefault(r.version, []).append(r)
        for group, versions in self.versions.items():
            self.versions[group] = {
                v: sorted(versions[v], key=lambda r: r.plural) for v in sorted(versions, key=version_rank)
            }
        self._aggregated: dict[bool, bytes] = {}
        #: groups and versions that other servers serve
        self.remotes: dict[str, dict[str, Remote]] = {}
        for remote in sorted(remotes, key=lambda r: (-r.priority[1], version_rank(r.version))):
            if remote.group:
                self.remotes.setdefault(remote.group, {})[remote.version] = remote

    def groups(self) -> list[str]:
        """The named groups in order."""
        named = {g for g in (*self.versions, *self.remotes) if g}
        return sorted(named, key=lambda g: self._remote_rank(g) if g not in self.versions else group_rank(g))

    def _remote_rank(self, group: str) -> tuple[float, str]:
        """Behind the groups of this server that have the same priority, or a higher one."""
        from kk.server.aggregation.priorities import BUILT_IN

        mine = max(r.priority[0] for r in self.remotes[group].values())
        if mine <= CUSTOM_PRIORITY:
            return (len(_ORDER) + (0.5 if mine < CUSTOM_PRIORITY else 0), group)
        before = [_ORDER.index(g) for (g, _), (theirs, _) in BUILT_IN.items() if theirs >= mine and g in _ORDER]
        return (max(before, default=-1) + 0.5, group)

    def group(self, name: str) -> dict[str, Any]:
        """An APIGroup without its own kind, as lists hold it."""
        known = dict.fromkeys((*self.versions.get(name, ()), *self.remotes.get(name, ())))
        versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in known]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def resources(self, group: str, version: str) -> dict[str, Any]:
        """An APIResourceList."""
        found: list[dict[str, Any]] = []
        for r in self.versions[group][version]:
            found.append(_listed(r))
            found += [_listed_sub(r, name) for name in _subresources(r)]
        head: dict[str, Any] = {"kind": "APIResourceList"}
        if group:
            head["apiVersion"] = "v1"
        return {**head, "groupVersion": f"{group}/{version}" if group else version, "resources": found}

    def aggregated(self, core: bool) -> bytes:
        """An APIGroupDiscoveryList of the core group, or of all others."""
        body = self._aggregated.get(core)
        if body is None:
            items = [self._discovered(g) for g in ([""] if core else self.groups())]
            doc = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}}
            body = self._aggregated[core] = encode({**doc, "items": items})
        return body

    def _discovered(self, group: str) -> dict[str, Any]:
        versions = [
            {"version": v, "resources": [_discovered(r) for r in rs], "freshness": "Current"}
            for v, rs in self.versions.get(group, {}).items()
            if v not in self.remotes.get(group, {})
        ]
        if group in self.remotes:
            from kk.server.aggregation.discovery import discovered

            versions += [discovered(remote) for remote in self.remotes[group].values()]
        return {"metadata": {"name": group} if group else {}, "versions": versions}


def group_rank(group: str) -> tuple[float, str]:
    """The place of a group among the others."""
    return (_ORDER.index(group), "") if group in _ORDER else (len(_ORDER), group)


def version_rank(version: str) -> tuple[int, int, int, str]:
    """Kubernetes' order of versions: stable before beta before alpha, higher numbers first, others last by name."""
    number, stage, minor = _version_parts(version)
    if not number:
        return (3, 0, 0, version)
    return ({"": 0, "beta": 1, "alpha": 2}[stage], -number, -minor, "")


def _version_parts(version: str) -> tuple[int, str, int]:
    rest = version[1:] if version.startswith("v") else ""
    for stage in ("alpha", "beta"):
        if stage in rest:
            number, _, minor = rest.partition(stage)
            return (
                (int(number), stage, int(minor or 0)) if number.isdigit() and (minor or "0").isdigit() else (0, "", 0)
            )
    return (int(rest), "", 0) if rest.isdigit() else (0, "", 0)


def subresource(r: Resource, name: str) -> tuple[str, str, str, tuple[str, ...]]:
    """(group, version, kind, verbs) of a sub-resource; group and version are "" where they are the resource's own."""
    if isinstance(r, BuiltIn):
        known = r.details(name)
        return (known.group, known.version, known.kind, known.verbs)
    if name == "scale":
        return ("autoscaling", "v1", "Scale", _CHANGE)
    return ("", "", r.kind, _CHANGE)


def storage_version_hash(r: Resource) -> str:
    """The opaque token of the version that objects are kept in."""
    group, _, version = r.storage_version.rpartition("/")
    digest = hashlib.sha256(f"{group}/{version}/{r.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def _optional(r: Resource) -> Iterator[tuple[str, Any]]:
    if r.short_names:
        yield "shortNames", list(r.short_names)
    if r.categories:
        yield "categories", list(r.categories)


def _subresources(r: Resource) -> list[str]:
    return list(r.subresources) if r.custom else sorted(r.subresources)


def _verbs(r: Resource) -> list[str]:
    """The verbs as upstream lists them; custom resources have an order of their own, and fewer verbs while they go."""
    if not r.custom:
        return sorted(r.verbs)
    return [v for v in r.verbs if v not in ("create", "update", "patch") or not r.terminating]  # type: ignore[attr-defined]


def _listed(r: Resource) -> dict[str, Any]:
    found = {
        "name": r.plural,
        "singularName": r.singular,
        "namespaced": r.namespaced,
        "kind": r.kind,
        "verbs": _verbs(r),
        **dict(_optional(r)),
    }
    if "create" in r.verbs and "list" in r.verbs:
        found["storageVersionHash"] = storage_version_hash(r)
    return found


def _listed_sub(r: Resource, name: str) -> dict[str, Any]:
    group, version, kind, verbs = subresource(r, name)
    own = {"group": group, "version": version} if group else {}
    head = {"name": f"{r.plural}/{name}", "singularName": "", "namespaced": r.namespaced}
    return {**head, **own, "kind": kind, "verbs": list(verbs)}


def _discovered(r: Resource) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resource": r.plural,
        "responseKind": {"group": r.group, "version": r.version, "kind": r.kind}
        if r.custom
        else {"group": "", "version": "", "kind": r.kind},
        "scope": "Namespaced" if r.namespaced else "Cluster",
        "singularResource": r.singular,
        "verbs": _verbs(r),
        **dict(_optional(r)),
    }
    subs = []
    for name in _subresources(r):
        group, version, kind, verbs = subresource(r, name)
        response = {"group": group, "version": version, "kind": kind}
        subs.append({"subresource": name, "responseKind": response, "verbs": list(verbs)})
    if subs:
        found["subresources"] = subs
    return found


def documents(server: Server) -> Documents:
    """The documents of what is served now."""
    held: Documents | None = server.state.get(__name__)
    version = resources_version(server)
    if held is None or held.version != version:
        aggregator = server.state.get("kk.server.aggregation.aggregator")
        remotes = aggregator.remotes.values() if aggregator is not None else ()
        held = server.state[__name__] = Documents(server.resources.values(), remotes)
        held.version = version
    return held


def resources_version(server: Server) -> int:
    """A number that changes with the set of served resources."""
    return int(server.state.get(_VERSION, 0))


def changed(server: Server) -> None:
    """The set of served resources is another one: documents are made anew when somebody asks."""
    server.state[_VERSION] = resources_version(server) + 1
    for listener in server.state.get(LISTENERS, ()):
        listener()


def wants_aggregated(accept: str) -> bool:
    """Whether the first acceptable clause of an Accept header is the aggregated form."""
    for clause in accept.split(","):
        media, *pairs = [p.strip() for p in clause.split(";")]
        values = dict(p.split("=", 1) for p in pairs if "=" in p)
        if media in ("application/json", "*/*") and "as" not in values:
            return False
        if media == "application/json" and values.get("as") == "APIGroupDiscoveryList":
            if values.get("g") == "apidiscovery.k8s.io" and values.get("v") == "v2":
                return True
    return False


async def handle(request: Request) -> Response:
    """Answer /api, /apis and what is below them up to a version."""
    parts = request.info.path.strip("/").split("/")
    found = documents(request.server)
    if len(parts) == 1:
        read_only(request)
        if wants_aggregated(request.header("accept")):
            return tagged(request, found.aggregated(parts[0] == "api"), _AGGREGATED)
        return document(request, _root(request, found, parts[0]))
    if parts[0] == "api":
        return _version(request, found, "", parts[1:])
    if len(parts) == 2:
        if parts[1] not in found.versions and parts[1] not in found.remotes or not parts[1]:
            return PAGE_NOT_FOUND
        read_only(request)
        return document(request, {"kind": "APIGroup", "apiVersion": "v1", **found.group(parts[1])}, plain=True)
    return _version(request, found, parts[1], parts[2:])


def _root(request: Request, found: Documents, prefix: str) -> dict[str, Any]:
    if prefix == "apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [found.group(g) for g in found.groups()]}
    host, port = request.server.config.host, request.server.config.port
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": f"{host}:{port}"}]
    return {"kind": "APIVersions", "versions": list(found.versions.get("", {})), "serverAddressByClientCIDRs": where}


def _version(request: Request, found: Documents, group: str, rest: list[str]) -> Response:
    if len(rest) != 1 or rest[0] not in found.versions.get(group, {}):
        if group and all(r.custom for rs in found.versions.get(group, {}).values() for r in rs):
            return PAGE_NOT_FOUND
        raise no_such_path()
    read_only(request)
    return document(request, found.resources(group, rest[0]), plain=True)


ENDPOINT = Endpoint(handle, paths=("/api", "/api/", "/apis", "/apis/"))
