"""`kk apply edit-last-applied`: change the kept configuration of an object in an editor; the object itself stays as it is."""

from __future__ import annotations

import json
import os

from ...command import Command, Flag, Options
from ...common import field_manager, filename
from ...context import Env
from ...errors import CommandError
from ...resources import Item, select
from ..edit import launch


def run(env: Env, options: Options) -> None:
    """Edit the annotation of each object."""
    select(env, options.args, everything=False).each(lambda item: _one(env, options, item))


def _one(env: Env, options: Options, item: Item) -> None:
    from ...printers.json import text
    from ...writing import LAST_APPLIED, MERGE_PATCH, last_applied, patch

    kept = last_applied(item.obj or {})
    if kept is None:
        raise CommandError(f"no last-applied-configuration annotation found on resource: {item.name}")
    before = json.loads(kept)
    after = _edited(env, options.output, before)
    if after == before or not after:
        env.err("Edit cancelled, no changes made." if after else "Edit cancelled, saved file was empty.")
        return
    body = {"metadata": {"annotations": {LAST_APPLIED: text(after, indent=None) + "\n"}}}
    patch(env, item, body, MERGE_PATCH)
    env.out(f"{item.label} edited")


def _edited(env: Env, form: str, obj: dict) -> dict:
    import tempfile

    from ...manifests import objects
    from ...printers.json import text
    from ...yamls import dump

    handle, path = tempfile.mkstemp(prefix=f"{env.prog}-edit-", suffix=f".{form}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text(obj) + "\n" if form == "json" else dump(obj))
        launch(env, path)
        with open(path, "rb") as saved:
            return next(objects(saved.read(), "edited-file"), {})
    finally:
        os.unlink(path)


COMMAND = Command(
    "apply edit-last-applied",
    "Change the kept configuration of an object in an editor",
    run,
    usage="(RESOURCE/NAME | -f FILENAME)",
    examples="# Of one deployment\nkk apply edit-last-applied deployment/web",
    flags=(
        field_manager("kubectl-client-side-apply"),
        *filename("that names the objects"),
        Flag("output", "o", default="yaml", help="yaml or json.", values=("yaml", "json")),
    ),
    complete="resources",
)
