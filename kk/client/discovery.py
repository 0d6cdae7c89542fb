"""What a server serves: its resources by any word that people call them, kept on disk for a short while.

Asks for the aggregated form (one request for each of /api and /apis), and walks the old documents of servers that lack it.
The same for all users of a server, so the file is keyed by the server and its CA. Nothing here interprets objects.
"""

from __future__ import annotations

import os
import time
from collections import namedtuple

from kk.base.errors import StatusError
from kk.base.hashing import fnv1a_64

from . import codec

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any

    from .http import Client

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
#: seconds that a kept answer counts; a word that is not in it asks again anyway
FRESH = 600.0
_FORMAT = 2


_Facts = namedtuple(  # typing.NamedTuple is dear
    "_Facts",
    "group version name singular kind namespaced verbs short_names categories subresources preferred",
    defaults=((), (), (), (), True),
)


class APIResource(_Facts):
    """One resource of one version, as discovery tells it; `subresources` are names such as "status"."""

    __slots__ = ()

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def plural(self) -> str:
        """The same as `name`."""
        return self.name


def default_cache_dir() -> str:
    """Where answers are kept: $XDG_CACHE_HOME/kk/discovery."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(root, "kk", "discovery")


class Discovery:
    """The resources of the server of a client; asks nothing before it is asked.

    cache_dir   folder of kept answers; None keeps nothing on disk
    """

    def __init__(self, client: Client, cache_dir: str | None = "", fresh: float = FRESH):
        self.client = client
        self._folder = default_cache_dir() if cache_dir == "" else cache_dir
        self._fresh = fresh
        self._resources: list[APIResource] | None = None
        self._kept = False

    # ---- asking ----
    def all(self) -> list[APIResource]:
        """Every resource of every version: groups and versions in the server's order of preference."""
        if self._resources is None:
            self._resources = self._load()
        return self._resources

    def preferred(self) -> list[APIResource]:
        """Every resource once, in the version that the server prefers."""
        seen: dict[tuple[str, str], APIResource] = {}
        for resource in self.all():
            seen.setdefault((resource.group, resource.name), resource)
        return list(seen.values())

    def versions(self) -> list[str]:
        """Every group and version that is served."""
        return list(dict.fromkeys(r.api_version for r in self.all()))

    def find(self, word: str) -> APIResource | None:
        """What people mean: plural, singular, short name or kind; alone, with a group, or with version and group.

        A miss in a kept answer asks the server again, so that what was just defined is found.
        """
        found = self._find(word)
        if found is None and self._kept:
            self.invalidate()
            found = self._find(word)
        return found

    def find_kind(self, api_version: str, kind: str) -> APIResource | None:
        """The resource of a kind in exactly this version."""
        for _ in range(2):
            for resource in self.all():
                if resource.kind == kind and resource.api_version == api_version:
                    return resource
            if not self._kept:
                return None
            self.invalidate()
        return None

    def category(self, name: str) -> list[APIResource]:
        """The resources of a category such as `all`, each once, in the preferred version."""
        return [r for r in self.preferred() if name in r.categories]

    @property
    def categories(self) -> dict[str, list[APIResource]]:
        """Category → its resources."""
        found: dict[str, list[APIResource]] = {}
        for resource in self.preferred():
            for name in resource.categories:
                found.setdefault(name, []).append(resource)
        return found

    def invalidate(self) -> None:
        """Ask the server anew at the next question."""
        self._resources, self._kept = None, False
        if self._folder is not None:
            try:
                os.unlink(self._file())
            except OSError:
                pass

    # ---- matching ----
    def _find(self, word: str) -> APIResource | None:
        name, _, rest = word.partition(".")
        version, _, group = rest.partition(".")
        if rest:
            full = self._match(name, lambda r: r.version == version and r.group == group)
            return (
                full
                or self._match(name, lambda r: r.group == rest)
                or self._match(name, lambda r: r.group.startswith(rest))
            )
        return self._match(name, lambda r: True)

    def _match(self, name: str, fits: Any) -> APIResource | None:
        low = name.lower()
        candidates = [r for r in self.all() if fits(r)]
        for resource in candidates:
            if low in (resource.name, resource.singular):
                return resource
        for resource in candidates:
            if low in resource.short_names:
                return resource
        return next((r for r in candidates if r.kind.lower() == low), None)

    # ---- the kept answer ----
    def _file(self) -> str:
        assert self._folder is not None
        connection = self.client.connection
        key = fnv1a_64(connection.server.encode() + (connection.ca_data or b""))
        return os.path.join(self._folder, f"{key:016x}.json")

    def _load(self) -> list[APIResource]:
        if self._folder is None:
            return self.fetch()
        path = self._file()
        try:
            if time.time() - os.stat(path).st_mtime < self._fresh:
                with open(path, "rb") as file:
                    kept = codec.loads(file.read())
                if kept["format"] == _FORMAT:
                    self._kept = True
                    return [APIResource(*map(_frozen, row)) for row in kept["resources"]]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not there or not ours: ask
        found = self.fetch()
        self._keep(path, found)
        return found

    def _keep(self, path: str, found: list[APIResource]) -> None:
        part = f"{path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(part, "wb") as file:
                file.write(codec.dumps({"format": _FORMAT, "resources": [list(r) for r in found]}))
            os.replace(part, path)
        except OSError:
            pass  # a cache that cannot be written is only slower

    # ---- the wire ----
    def fetch(self) -> list[APIResource]:
        """Ask the server; raises StatusError, Unreachable."""
        found: list[APIResource] = []
        for root in ("/api", "/apis"):
            try:
                body = self.client.request("GET", root, accept=AGGREGATED).json()
            except StatusError as error:
                if error.code == 404:
                    continue
                raise
            if body.get("kind") == "APIGroupDiscoveryList":
                found += _aggregated(body)
            else:
                found += self._walk(root, body)
        return found

    def _walk(self, root: str, body: dict[str, Any]) -> list[APIResource]:
        if root == "/api":
            pairs = [("", v, True) for v in body.get("versions") or []]
        else:
            pairs = []
            for group in body.get("groups") or []:
                preferred = (group.get("preferredVersion") or {}).get("version")
                versions = sorted((v["version"] for v in group["versions"]), key=lambda v: v != preferred)
                pairs += [(group["name"], v, v == preferred) for v in versions]
        found: list[APIResource] = []
        for group, version, preferred in pairs:
            path = f"/apis/{group}/{version}" if group else f"/api/{version}"
            try:
                found += _listed(group, version, preferred, self.client.get(path).get("resources") or [])
            except StatusError:
                continue  # one broken aggregated API must not hide the others
        return found


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _aggregated(body: dict[str, Any]) -> list[APIResource]:
    found = []
    for item in body.get("items") or []:
        group = item["metadata"].get("name", "")
        for number, version in enumerate(item.get("versions") or []):
            for one in version.get("resources") or []:
                kind = (one.get("responseKind") or {}).get("kind", "")
                found.append(
                    APIResource(
                        group,
                        version["version"],
                        one["resource"],
                        one.get("singularResource") or kind.lower(),
                        kind,
                        one.get("scope") == "Namespaced",
                        tuple(one.get("verbs") or ()),
                        tuple(one.get("shortNames") or ()),
                        tuple(one.get("categories") or ()),
                        tuple(s["subresource"] for s in one.get("subresources") or ()),
                        number == 0,
                    )
                )
    return found


def _listed(group: str, version: str, preferred: bool, rows: list[dict[str, Any]]) -> list[APIResource]:
    subresources: dict[str, list[str]] = {}
    for row in rows:
        name, _, sub = row["name"].partition("/")
        if sub:
            subresources.setdefault(name, []).append(sub)
    return [
        APIResource(
            group,
            version,
            row["name"],
            row.get("singularName") or row["kind"].lower(),
            row["kind"],
            bool(row.get("namespaced")),
            tuple(row.get("verbs") or ()),
            tuple(row.get("shortNames") or ()),
            tuple(row.get("categories") or ()),
            tuple(subresources.get(row["name"], ())),
            preferred,
        )
        for row in rows
        if "/" not in row["name"]
    ]
