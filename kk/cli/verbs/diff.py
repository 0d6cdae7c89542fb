"""`kk diff`: what apply would change, as a unified diff; exit status 1 where something would."""

from __future__ import annotations

import copy
import os

from ..command import Command, Flag, Options
from ..common import SELECTOR, field_manager, filename
from ..context import Env
from ..errors import CommandError
from ..resources import Item, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> int:
    """Show the differences; 0 without any, 1 with some, more for faults."""
    if not options.filename and not options.kustomize:
        raise CommandError("must specify one of -f and -k", 2)
    import tempfile

    from kk.base.errors import StatusError

    options.dry_run, options.subresource, options.validate = "server", "", "ignore"
    selector, options.selector = options.selector, ""
    with (
        tempfile.TemporaryDirectory(prefix="LIVE-") as live,
        tempfile.TemporaryDirectory(prefix="MERGED-") as merged,
    ):
        try:
            for item in _matching(env, selector):
                before, after = _both(env, options, item)
                _write(env, options, live, item, before)
                _write(env, options, merged, item, after)
        except (StatusError, CommandError, OSError) as error:
            env.fail(error)
            return 2
        return _compare(env, live, merged)


def _matching(env: Env, selector: str) -> list[Item]:
    items = select(env, ()).named
    if not selector:
        return items
    from kk.base.selectors import parse_labels

    wanted = parse_labels(selector)
    return [i for i in items if wanted.matches(((i.obj or {}).get("metadata") or {}).get("labels") or {})]


def _both(env: Env, options: Options, item: Item) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The live object (None where there is none), and what apply would make of it."""
    from kk.base.errors import StatusError

    from .. import writing
    from .apply import changes

    assert item.obj is not None
    wanted = item.obj
    query = {"dryRun": "All", "fieldManager": options.field_manager}
    try:
        live = Item(item.resource, item.namespace, item.name).fetch(env)
    except StatusError as error:
        if error.code != 404:
            raise
        return None, writing.create(env, Item(item.resource, item.namespace, item.name, wanted))
    if options.server_side:
        force = {"force": "true" if options.force_conflicts else "false"}
        return live, writing.patch(env, item, wanted, writing.APPLY_PATCH, **{**query, **force})
    body, kind = changes(env, item, {**wanted, "metadata": {"annotations": {}, **wanted["metadata"]}}, live)
    return live, writing.patch(env, item, body, kind, **query) if body else live


def _write(env: Env, options: Options, folder: str, item: Item, obj: dict[str, Any] | None) -> None:
    from ..yamls import dump

    r = item.resource
    name = ".".join(filter(None, (r.group, r.version, r.kind, item.namespace, item.name)))
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        if obj is not None:
            file.write(dump(_shown(options, item, obj)))


def _shown(options: Options, item: Item, obj: dict[str, Any]) -> dict[str, Any]:
    shown = copy.deepcopy(obj)
    if not options.show_managed_fields:
        (shown.get("metadata") or {}).pop("managedFields", None)
    if item.resource.kind == "Secret" and not item.resource.group and not options.show_secrets:
        for field in ("data", "stringData"):
            shown.update({field: dict.fromkeys(shown[field], "***")} if shown.get(field) else {})
    return shown


def _compare(env: Env, live: str, merged: str) -> int:
    import subprocess

    env.stdout.flush()
    external = env.environ.get("KUBECTL_EXTERNAL_DIFF")
    command = [*external.split(), live, merged] if external else ["diff", "-u", "-N", live, merged]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise CommandError(f'failed to run "{command[0]}": executable file not found in $PATH', 2) from None
    env.stdout.write(done.stdout.decode("utf-8", "replace"))
    return done.returncode


COMMAND = Command(
    "diff",
    "Show what apply would change",
    run,
    section="Advanced Commands",
    usage="-f FILENAME",
    text="Compare manifests, as they would be after an apply, with what the cluster holds. $KUBECTL_EXTERNAL_DIFF names another "
    "program than diff -u -N. The exit status is 0 without differences, 1 with some, more for a fault.",
    examples="# What would change?\nkk diff -f web.yaml\n\n# From standard input\ncat web.yaml | kk diff -f -",
    flags=(
        Flag("concurrency", type="int", default=1, hidden=True, help="Accepted for compatibility."),
        field_manager("kubectl-client-side-apply"),
        *filename("with the manifests"),
        Flag("force-conflicts", type="bool", help="With --server-side: take over fields that others own."),
        SELECTOR,
        Flag("server-side", type="bool", help="Have the server merge."),
        Flag("show-managed-fields", type="bool", help="Compare managedFields too."),
        Flag("show-secrets", type="bool", help="Show the values of secrets."),
    ),
)
