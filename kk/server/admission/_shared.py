"""What several plugins need: the refusal in upstream's words, and walks over pods."""

from collections.abc import Iterator
from typing import Any

from kk.base.errors import StatusError, forbidden
from kk.server.context import Attributes

Obj = dict[str, Any]
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
MIRROR = "kubernetes.io/config.mirror"


def name_of(a: Attributes) -> str:
    """The name of the object, or what it will be made from."""
    meta = (a.obj or {}).get("metadata") or {}
    return a.name or meta.get("name") or meta.get("generateName") or ""


def refuse(a: Attributes, why: str, causes: list[Obj] | None = None) -> StatusError:
    """403 by a plugin: `pods "x" is forbidden: why`."""
    error = forbidden(a.resource.plural, a.resource.group, name_of(a), why)
    if causes:
        error.status["details"]["causes"] = causes
    return error


def containers(spec: Obj, *kinds: str) -> Iterator[tuple[str, int, Obj]]:
    """(field, index, container) of a PodSpec; of all kinds unless some are named."""
    for kind in kinds or CONTAINERS:
        for i, container in enumerate(spec.get(kind) or ()):
            yield kind, i, container


def annotations(obj: Obj) -> dict[str, str]:
    """metadata.annotations, never None."""
    return (obj.get("metadata") or {}).get("annotations") or {}


def is_default(obj: Obj, annotation: str) -> bool:
    """Whether a class is marked as the default one."""
    return annotations(obj).get(annotation) == "true"


def newest_default(objects: list[Obj], *marks: str) -> Obj | None:
    """Of the classes marked as default the newest, by name where they are of one second."""
    marked = [o for o in objects if any(is_default(o, m) for m in marks)]
    marked.sort(key=lambda o: o["metadata"]["name"])
    marked.sort(key=lambda o: o["metadata"]["creationTimestamp"], reverse=True)
    return marked[0] if marked else None
