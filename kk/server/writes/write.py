"""One write on its way: who, what, with which options, and the steps that creates and updates share.

The steps run in the order of k8s.io/apiserver: default → mutate (admission) → prepare → validate → validate (admission) → store.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from kk.base import paths
from kk.base.errors import FieldError, invalid
from kk.base.patch import apply as managed
from kk.base.times import parse_time
from kk.kinds import meta, types
from kk.kinds.kind import Scale
from kk.server import admit
from kk.server.cache import Item
from kk.server.context import Attributes, Request, Server, User
from kk.server.encoding import Obj, decode, encode
from kk.server.reads import key_of
from kk.server.views import View
from kk.server.writes.options import WriteOptions

Found = TypeVar("Found")
#: sub-resources whose writers upstream does not tell from those of the main resource
_UNMARKED = frozenset({"binding", "eviction", "finalize"})
#: groups whose finalizers need not be standard ones: upstream's check is that of the types of k8s.io/api
_PLAIN_FINALIZERS = frozenset({"apiextensions.k8s.io", "apiregistration.k8s.io"})


class Elsewhere(Exception):
    """What only somebody else can tell: `ask` gets it, and then the same may be tried again."""

    def __init__(self, ask: Callable[[], Awaitable[None]]):
        super().__init__("another server has to be asked")
        self.ask = ask


async def answered(function: "Callable[[], Found]") -> "Found":
    """What a plain function returns; it runs again after what it could not know was asked for."""
    while True:
        try:
            return function()
        except Elsewhere as elsewhere:
            await elsewhere.ask()


class Write:
    """See the module's docstring. `warnings` are told to the client in the end."""

    __slots__ = (
        "server",
        "view",
        "operation",
        "subresource",
        "namespace",
        "name",
        "user",
        "options",
        "manager",
        "warnings",
        "annotations",
        "_asked",
    )

    def __init__(
        self,
        server: Server,
        view: View,
        operation: str,
        subresource: str,
        namespace: str,
        name: str,
        user: User,
        options: WriteOptions,
        manager: str,
    ):
        self.server, self.view, self.operation, self.subresource = server, view, operation, subresource
        self.namespace, self.name, self.user, self.options, self.manager = namespace, name, user, options, manager
        self.warnings: list[str] = []
        self.annotations: dict[str, str] = {}
        self._asked: Attributes | None = None

    @classmethod
    def of(cls, request: Request, view: View, operation: str, options: WriteOptions) -> "Write":
        """The write that a request asks for."""
        info = request.info
        manager = options.manager or manager_of(request.headers.get(b"user-agent", b""))
        write = cls(
            request.server,
            view,
            operation,
            info.subresource,
            info.namespace if view.resource.namespaced else "",
            info.name,
            request.user,
            options,
            manager,
        )
        write.warnings, write.annotations = request.warnings, request.annotations
        return write

    @classmethod
    def inside(
        cls,
        server: Server,
        view: View,
        operation: str,
        user: User,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
        manager: str = "kube-apiserver",
    ) -> "Write":
        """A write that the server itself makes."""
        return cls(server, view, operation, subresource, namespace, name, user, WriteOptions(), manager)

    def warn(self, text: str) -> None:
        """Tell the client, each text once."""
        if text not in self.warnings:
            self.warnings.append(text)

    # admission

    def attributes(self, obj: Obj | None, old: Obj | None, operation: str = "") -> Attributes:
        """What admission looks at."""
        return Attributes(
            operation or self.operation,
            self.view.resource,
            self.subresource,
            self.namespace,
            self.name,
            obj,
            old,
            self.user,
            self.options.dry_run,
            self.server,
            self.options.wire,
            self.warnings,
            self.annotations,
        )

    async def admit(self, obj: Obj | None, old: Obj | None, validating: bool) -> None:
        """Run one phase of admission."""
        resource = self.view.resource
        phases = self.server.write.admission.phases(self.operation, resource.group, resource.plural, self.subresource)
        phase = phases[1] if validating else phases[0]
        if phase:
            asked = self._asked
            if asked is None:
                asked = self._asked = self.attributes(obj, old)
            asked.obj, asked.old = obj, old
            # a deletecollection is one write with many names
            asked.namespace, asked.name = self.namespace, self.name
            # and an eviction becomes a delete
            asked.operation, asked.subresource = self.operation, self.subresource
            await admit.timed(phase, asked, "validate" if validating else "admit")

    # faults

    def refuse(self, faults: list[FieldError], name: str) -> None:
        """Raise 422 where there are faults."""
        if faults:
            raise invalid(self.view.resource.kind, self.view.shelf.resource.group, name, faults)

    def meta_faults(self, obj: Obj, old: Obj | None) -> list[FieldError]:
        """Faults of ObjectMeta. On updates upstream looks again and again, and each look is a cause in its answer."""
        resource = self.view.shelf.resource
        metadata, name = obj["metadata"], resource.strategy.validate_name
        own = []
        if resource.schema.name and resource.group not in _PLAIN_FINALIZERS:
            own = list(meta.check_own_finalizers(metadata.get("finalizers"), "metadata.finalizers"))
        if old is None:
            return meta.validate(metadata, None, resource.namespaced, name) + own
        found = list(meta.check(metadata, resource.namespaced, name))
        faults = found * 2 + [fault for fault in found if fault.field != "metadata.finalizers"] * 2
        return faults + list(meta.check_update(metadata, old["metadata"])) * 2 + own * 2

    # managed fields

    def manage(self, old: Obj | None, new: Obj) -> None:
        """Bring metadata.managedFields of `new` up to date: this writer owns what it changed. Both are of the stored version."""
        view = self.view
        resource, before, after, convert = view.shelf.resource, old, new, None
        reset = resource.strategy.reset
        empty: Obj | None = None
        if self.subresource == "scale" and before is not None:
            before, after = _without_zero(before, after, view.strategy.scale)
        if resource.custom:
            empty = {"metadata": {}}
            convert = self.convert if len(resource.siblings) > 1 else None  # type: ignore[attr-defined]
        elif view.conversion is not None:
            resource, convert = view.resource, self.convert
            before, after = (view.from_stored(copied(old)) if old else None), view.from_stored(copied(new))
        entries = managed.update(
            before,
            after,
            resource.schema,
            self.manager,
            api_version=resource.api_version,
            now=self.server.write.moment(),
            subresource="" if self.subresource in _UNMARKED else self.subresource,
            convert=convert,
            reset=reset.get(self.subresource) if reset is not None else None,
            empty=types.zeros(resource.schema.name, after) if old is None and resource.schema.name else empty,
        )
        metadata = new["metadata"]
        metadata.pop("managedFields", None)
        if self.subresource == "scale":
            without_scale_times(entries)
        if entries:
            metadata["managedFields"] = entries

    def convert(self, obj: Obj, version: str) -> "tuple[Obj, Any] | None":
        """An object of the view's version in another one, with that one's type; None where it is not served."""
        view = self.view
        if view.resource.custom:
            whole = {"kind": view.resource.kind, "apiVersion": view.resource.api_version, **copied(obj)}
            return view.shelf.conversion.renamed(whole, version)  # type: ignore[attr-defined]
        stored_form = view.to_stored(copied(obj))
        group, _, wanted = version.rpartition("/")
        other = self.server.views.get((group, wanted, view.resource.plural))
        if other is None or other.shelf is not view.shelf:
            return None
        return other.from_stored(stored_form), other.resource.schema

    # keys and identities

    def key(self, name: str) -> str:
        """The object's key on its shelf."""
        return key_of(self.view.shelf, self.namespace, name)


def copied(obj: Obj) -> Obj:
    """A deep copy of a JSON value."""
    found: Obj = decode(encode(obj))
    return found


def _without_zero(before: Obj, after: Obj, scale: "Scale | None") -> tuple[Obj, Obj]:
    """An object scaled to zero, for ownership without its replicas: a Scale does not show zero, and nobody owns what is not there."""
    if scale is None or paths.get(after, scale.spec) or not paths.get(before, scale.spec):
        return before, after
    after = copied(after)
    above, _, name = scale.spec.rpartition(".")
    paths.get(after, above).pop(name, None)
    return before, after


def without_scale_times(entries: list[Obj]) -> None:
    """Ownership through a Scale has no time: upstream loses it on the way between the two objects."""
    for entry in entries:
        if entry.get("subresource") == "scale":
            entry.pop("time", None)


def manager_of(agent: bytes) -> str:
    """The field manager of a client that names none: its user agent up to the first slash."""
    return agent.decode("latin-1").split("/", 1)[0][:128] or "unknown"


_random: list[str] = []


def new_uid() -> str:
    """A random uid (RFC 9562 version 4). Randomness is fetched for many at once: the call lets go of the interpreter lock each time."""
    if not _random:
        text = os.urandom(16 * 256).hex()
        _random.extend(text[at : at + 32] for at in range(0, len(text), 32))
    h = _random.pop()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


def dry_item(view: View, key: str, obj: Obj, value: bytes, revision: int) -> Item:
    """The item that a dry run answers with."""
    item = view.shelf.make(key, revision, revision, value, obj)
    if not revision:
        item.rest = item.rest.replace(b'"resourceVersion":"0",', b"", 1)
    return item


def later(now: str, seconds: int) -> str:
    """A time as text, some seconds after another."""
    from datetime import timedelta

    from kk.base.times import format_time

    return format_time(parse_time(now) + timedelta(seconds=seconds))


def generation(metadata: Obj) -> int:
    """metadata.generation, 0 where there is none."""
    value: Any = metadata.get("generation")
    return value if isinstance(value, int) else 0
