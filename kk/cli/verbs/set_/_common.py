"""What the verbs of `set` share: flags, which words name objects, and which containers are meant."""

from __future__ import annotations

import fnmatch

from ...changing import change, template_of
from ...command import Flag, Options
from ...common import ALL, DRY_RUN, SELECTOR, filename, output
from ...context import Env
from ...errors import CommandError
from ...resources import MISSING, Item, select
from ...results import Results

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

LOCAL = Flag("local", type="bool", help="Change the content of the file, without the server.")
FIELD_MANAGER = Flag("field-manager", default="kubectl-set", help="Name under which changed fields are owned.")
FLAGS = (ALL, *output(), DRY_RUN, FIELD_MANAGER, *filename("with the objects"), LOCAL, SELECTOR)
CONTAINERS = Flag("containers", "c", default="*", help="Names of the containers; * and ? stand for any signs.")


def split(args: list[str], change_word: str) -> tuple[list[str], list[str]]:
    """(words that name objects, KEY=VALUE and KEY- words after them).

    Raises CommandError where a word follows a pair.
    """
    resources: list[str] = []
    pairs: list[str] = []
    for word in args:
        if ("=" in word and word[0] != "=") or (word.endswith("-") and word != "-"):
            pairs.append(word)
        elif pairs:
            raise CommandError(f"all resources must be specified before {change_word} changes: {word}")
        else:
            resources.append(word)
    return resources, pairs


def containers(obj: dict[str, Any], pattern: str, init: bool = True) -> Iterator[dict[str, Any]]:
    """The containers of an object's pods whose name a pattern matches."""
    spec = template_of(obj)
    for field in ("initContainers", "containers") if init else ("containers",):
        for one in spec.get(field) or ():
            if fnmatch.fnmatchcase(one["name"], pattern):
                yield one


def require(env: Env, options: Options, resources: list[str]) -> None:
    """Raises kubectl's complaints about what is meant."""
    if options.all and getattr(options, "selector", ""):
        raise CommandError("cannot set --all and --selector at the same time")
    if not resources and not options.filename and not getattr(options, "kustomize", ""):
        raise CommandError(MISSING)


def apply(env: Env, options: Options, resources: list[str], done: str, alter: Callable[[dict[str, Any]], Any]) -> None:
    """Change every object that is meant by `alter`, and tell `done` of each that changed."""
    if not options.all and not getattr(options, "selector", "") and not options.filename and not resources:
        require(env, options, resources)
    results = Results(env, done)
    selection = select(env, resources, everything=False)

    def one(item: Item) -> None:
        try:
            change(env, item, results, alter)
        except CommandError as error:
            text = str(error)
            if not text.startswith(("the object is not", "setting subjects")):
                raise
            kind = (item.obj or {}).get("kind", "")
            text = text.replace(f": {kind}", f": *v1.{kind}")
            raise CommandError(f"{item.resource.name}/{item.name} {text}") from None

    selection.each(one, latest=not options.local)
