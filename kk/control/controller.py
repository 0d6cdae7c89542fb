"""What a controller is: a name, what it watches, and a function that brings one key nearer to what is wanted.

The shape is controller-runtime's: level-based, told a key and never an event, free to be called too often. Nothing here does I/O.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kk.client.informer import key_of

from .owners import controller_of as controller_of
from .owners import reference as controller_reference

__all__ = ["Controller", "Watch", "controller_of", "controller_reference", "own_key", "owner_key", "select"]

Obj = dict[str, Any]
#: (ctx, event, object, object before) → keys to reconcile; called on the informers' thread: quick, and without requests
Keys = Callable[[Any, str, Obj, Obj | None], Iterable[Hashable]]


def own_key(ctx: Any, event: str, obj: Obj, old: Obj | None) -> Iterable[str]:
    """The key of the object itself."""
    del ctx, event, old
    yield key_of(obj)


def owner_key(kind: str) -> Keys:
    """The key of the controlling owner, now and before, where that is of `kind` and in the same namespace."""

    def keys(ctx: Any, event: str, obj: Obj, old: Obj | None) -> Iterable[str]:
        del ctx, event
        for one in (obj, old):
            owner = controller_of(one) if one is not None else None
            if owner is not None and owner["kind"] == kind:
                yield f"{obj['metadata'].get('namespace')}/{owner['name']}"

    return keys


@dataclass(frozen=True, slots=True)
class Watch:
    """Objects of one resource, and which keys their changes concern."""

    api_version: str
    plural: str
    keys: Keys = own_key


@dataclass(frozen=True, slots=True)
class Controller:
    """One controller.

    name        upstream's, such as deployment-controller
    reconcile   (ctx, key) → seconds after which to look again without being told, or None
    watches     informers it needs, and what wakes it
    aliases     other names that --controllers accepts
    setup       (ctx) before the start: indexes, state in ctx.state
    started     (ctx) after the informers have synced
    default     whether `*` includes it
    """

    name: str
    reconcile: "Callable[[Any, Any], float | None]"
    watches: tuple[Watch, ...] = ()
    aliases: tuple[str, ...] = ()
    setup: "Callable[[Any], None] | None" = None
    started: "Callable[[Any], None] | None" = None
    default: bool = True
    component: str = ""
    names: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        names = {self.name, self.name.removesuffix("-controller"), *self.aliases}
        object.__setattr__(self, "names", frozenset(names))


def select(text: str, controllers: Iterable[Controller]) -> list[Controller]:
    """The controllers that --controllers names: `*` all by default, `name` one more, `-name` one less; upstream's names or short ones.

    Raises ValueError for a name that no controller has ("scheduler" is left to the caller).
    """
    known = list(controllers)
    words = [w.strip() for w in text.split(",") if w.strip()]
    chosen = [c for c in known if "*" in words and c.default]
    for word in words:
        if word in ("*", "scheduler", "-scheduler"):
            continue
        found = [c for c in known if word.removeprefix("-") in c.names]
        if not found:
            raise ValueError(f'"{word.removeprefix("-")}" is not in the list of known controllers')
        if word.startswith("-"):
            chosen = [c for c in chosen if c not in found]
        else:
            chosen += [c for c in found if c not in chosen]
    return chosen
