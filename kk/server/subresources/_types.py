"""Kinds that only travel: bodies of sub-resources (Scale, Binding, Eviction) as a Resource that the decoder understands."""

from functools import cache, partial

from kk.kinds import schema, types
from kk.kinds.kind import Kind, Resource


@cache
def travelling(definition: str, api_version: str, kind: str) -> Resource:
    """A Resource that is never stored, of a schema definition."""
    group, _, version = api_version.rpartition("/")
    resource = Resource(
        group=group,
        version=version,
        plural="",
        singular="",
        kind=kind,
        namespaced=True,
        verbs=(),
        short_names=(),
        categories=(),
        subresources=(),
        storage_version=api_version,
        strategy=Kind(api_version, kind),
        schema=schema.node(definition),
        decode=_undecided,
    )
    object.__setattr__(resource, "decode", partial(types.decode_strict, resource))
    return resource


def _undecided(data: bytes) -> dict[str, object]:
    raise ValueError(f"{len(data)} bytes before the decoder was made")
