"""Every served built-in resource, from the schema's facts and the kind files, made when first asked for.

A kind without a file is served from the schema alone. Custom resources are not here: the server makes their Resource from their definition.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kk.base import discover
from kk.kinds import schema
from kk.kinds.kind import Kind, Resource

#: modules of this package that are no kinds
_NO_KINDS = frozenset({"describing", "generate", "kind", "meta", "registry", "schema", "types"})
_LAZY = ("strategy", "schema", "decode")


@dataclass(frozen=True, slots=True)
class Subresource:
    """What discovery tells of a sub-resource; group and version are "" where its kind is of the resource's own."""

    name: str
    verbs: tuple[str, ...]
    group: str
    version: str
    kind: str


class BuiltIn(Resource):
    """A Resource whose strategy, schema and decoder are made on first use: what nobody uses costs nothing."""

    __slots__ = ("facts",)
    facts: schema.ResourceFacts

    def __init__(self, facts: schema.ResourceFacts):
        group, _, version = facts.api_version.rpartition("/")
        values = {
            "group": group,
            "version": version,
            "plural": facts.plural,
            "singular": facts.kind.lower(),
            "kind": facts.kind,
            "namespaced": facts.namespaced,
            "verbs": facts.verbs,
            "short_names": facts.short_names,
            "categories": facts.categories,
            "subresources": tuple(s.name for s in facts.subresources),
            "storage_version": facts.storage_version,
            "list_kind": facts.kind + "List",
            "facts": facts,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        # called only for slots that are not set yet
        if name not in _LAZY:
            raise AttributeError(name)
        value = getattr(self, f"_make_{name}")()
        object.__setattr__(self, name, value)
        return value

    def _make_strategy(self) -> Kind:
        return strategy(self.facts.storage_version, self.facts.kind)

    def _make_schema(self) -> Any:
        return schema.node(self.facts.definition)

    def _make_decode(self) -> Any:
        from kk.kinds import types

        return functools.partial(types.decode_strict, self)

    def details(self, name: str) -> Subresource:
        """A sub-resource as discovery tells it. Raises KeyError."""
        for facts in self.facts.subresources:
            if facts.name == name:
                group, _, version = facts.api_version.rpartition("/")
                return Subresource(name, facts.verbs, group, version, facts.kind)
        raise KeyError(name)


@functools.cache
def _files() -> frozenset[str]:
    return frozenset(discover.names("kk.kinds")) - _NO_KINDS


@functools.cache
def strategy(api_version: str, kind: str) -> Kind:
    """The Kind of a stored kind: of its file, or the plain one. Raises TypeError where a file's KIND is of another kind."""
    name = kind.lower()
    if name not in _files():
        return Kind(api_version, kind)
    found: Kind = discover.load("kk.kinds", name, "KIND")
    if (found.api_version, found.kind) != (api_version, kind):
        raise TypeError(f"kk.kinds.{name} holds {found.api_version} {found.kind}, not {api_version} {kind}")
    return found


def kind_files() -> list[str]:
    """Names of the files of this package that are kinds, sorted."""
    return sorted(_files())


class Registry:
    """The served resources by key, in discovery's order."""

    def __init__(self, resources: Iterator[Resource]):
        self.resources: dict[tuple[str, str, str], Resource] = {r.key: r for r in resources}
        self._by_kind = {(r.api_version, r.kind): r for r in self.resources.values()}

    def get(self, group: str, version: str, plural: str) -> Resource | None:
        """A resource, or None."""
        return self.resources.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource that serves a kind, or None."""
        return self._by_kind.get((api_version, kind))

    def groups(self) -> list[tuple[str, list[str]]]:
        """(group, versions) in discovery's order, the preferred version first; the core group is ""."""
        found: dict[str, list[str]] = {}
        for group, version, _ in self.resources:
            versions = found.setdefault(group, [])
            if version not in versions:
                versions.append(version)
        return list(found.items())


@functools.cache
def optional() -> Registry:
    """The resources that a server serves where --runtime-config enables them."""
    return Registry(BuiltIn(facts) for facts in schema.optional_resources())


@functools.cache
def registry() -> Registry:
    """The built-in resources."""
    return Registry(BuiltIn(facts) for facts in schema.resources())
