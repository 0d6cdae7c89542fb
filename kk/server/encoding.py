"""Objects as bytes: the one encoded form that is stored, listed, watched and answered, and how a revision is put into it.

A stored value is JSON that begins with kind and apiVersion, then metadata, in which resourceVersion stands empty in a fixed
place. So a GET is a slice with the revision put in, and a LIST a join of what follows kind and apiVersion.
"""

from typing import Any

import msgspec

Obj = dict[str, Any]

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode

#: levels of maps and lists in what is stored; upstream reads 10,000, and no type of Kubernetes has a hundred
DEEPEST = 500
#: for sys.setrecursionlimit: some steps take seven frames a level
RECURSION = 8 * DEEPEST

_EMPTY = b'"resourceVersion":""'
_FIRST = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
)
_LEADING = frozenset((*_FIRST, "selfLink"))


def head_of(api_version: str, kind: str) -> bytes:
    """What every encoded object of a kind begins with."""
    return b'{"kind":%b,"apiVersion":%b,' % (encode(kind), encode(api_version))


def metadata_in_order(metadata: Obj) -> Obj:
    """Metadata with keys in the order of the wire and an empty resourceVersion in its place."""
    out: Obj = {}
    for key in _FIRST:
        if key == "resourceVersion":
            out[key] = ""
        elif key in metadata:
            out[key] = metadata[key]
    for key, value in metadata.items():
        if key not in _LEADING:
            out[key] = value
    return out


def stored(obj: Obj) -> bytes:
    """The bytes to keep for an object."""
    out: Obj = {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": metadata_in_order(obj["metadata"])}
    for key, value in obj.items():
        if key not in out:
            out[key] = value
    return encode(out)


def too_deep(value: bytes) -> bool:
    """Whether encoded bytes nest deeper than DEEPEST: what is read by recursion everywhere must be shallow enough for all of it."""
    if value.count(b"{") + value.count(b"[") <= DEEPEST:
        return False
    depth, level = 0, [decode(value)]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in (dict, list)
        ]
    return depth > DEEPEST


def with_revision(value: bytes, revision: int) -> bytes:
    """Stored bytes with their revision. The first match is the right one: quotes inside of strings are escaped."""
    return value.replace(_EMPTY, b'"resourceVersion":"%d"' % revision, 1)


def version_number(obj: Obj) -> int:
    """The resourceVersion of an object that came from a cache."""
    return int(obj["metadata"]["resourceVersion"])
