"""`kk edit`: change an object in an editor; what is wrong with it is told in comments and the editor opens again.

The patch that is sent is the difference between what was shown and what came back, so that changes of others stay.
"""

from __future__ import annotations

import copy
import os

from ..command import Command, Flag, Options
from ..common import SAVE_CONFIG, SUBRESOURCE, VALIDATE, field_manager, filename, output
from ..context import Env
from ..errors import CommandError, ExitStatus, words
from ..printers import without_managed
from ..resources import Item, item_of, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..results import Results

_HEAD = (
    "# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
    "# and an empty file will abort the edit. If an error occurs while saving this file will be\n"
    "# reopened with the relevant failures.\n#\n"
)


def run(env: Env, options: Options) -> None:
    """Edit what is meant, one object after the other in one file."""
    from ..results import Results

    shown_as = options.output if options.output in ("json", "yaml") else "yaml"
    options.output = "" if options.output in ("json", "yaml") else options.output
    selection = select(env, options.args, everything=False)
    items = list(selection.items(subresource=options.subresource))
    if not items:
        raise CommandError("edit cancelled, no objects found")
    _Sitting(env, options, items, shown_as, Results(env, "edited")).run(_save_patch)


def create_edited(env: Env, options: Options) -> None:
    """`kk create --edit`: edit the objects of the files, then create them."""
    from ..results import Results

    shown_as = options.output if options.output in ("json", "yaml") else "yaml"
    options.output = "" if options.output in ("json", "yaml") else options.output
    items = select(env, ()).named
    _Sitting(env, options, items, shown_as, Results(env, "created"), fresh=True).run(_save_new)


def _save_patch(sitting: _Sitting, item: Item, before: dict[str, Any], after: dict[str, Any]) -> None:
    from .. import writing
    from .apply import schema, three_way

    env = sitting.env
    same = ("apiVersion", "kind")
    if any(before.get(k) != after.get(k) for k in same) or _name(before) != _name(after):
        raise CommandError("apiVersion, kind and name of an object cannot be changed")
    node = schema(item)
    if node is not None:
        from kk.base.patch import strategic

        body, kind = strategic.diff(before, after, before, node), writing.STRATEGIC_PATCH
    else:
        body, kind = three_way(before, after, before), writing.MERGE_PATCH
    version = (after.get("metadata") or {}).get("resourceVersion")
    if version and version != (before.get("metadata") or {}).get("resourceVersion"):
        body.setdefault("metadata", {})["resourceVersion"] = version
    if sitting.options.output_patch:
        from ..printers.json import text

        env.out(f"Patch: {text(body, indent=None)}")
    item.obj = writing.patch(env, item, body, kind, sitting.options.subresource)


def _save_new(sitting: _Sitting, item: Item, before: dict[str, Any], after: dict[str, Any]) -> None:
    from .. import writing

    made = item_of(sitting.env, after, item.source)
    item.resource, item.namespace, item.name = made.resource, made.namespace, made.name
    item.obj = writing.annotated(after) if sitting.options.save_config else after
    writing.create(sitting.env, item)


def _name(obj: dict[str, Any]) -> tuple[str, str]:
    meta = obj.get("metadata") or {}
    return str(meta.get("name", "")), str(meta.get("namespace", ""))


class _Sitting:
    """One call of edit: its file, and what became of each object."""

    def __init__(
        self, env: Env, options: Options, items: list[Item], shown_as: str, results: Results, fresh: bool = False
    ):
        self.env, self.options, self.items, self.results = env, options, items, results
        self.shown_as, self.fresh = shown_as, fresh
        self.shown = [without_managed(env, item.obj or {}) for item in items]

    def run(self, save: Any) -> None:
        """Open the editor until everything is saved or nothing more is changed."""
        pending, reasons, last = list(range(len(self.items))), "", None
        texts = self._text(self.shown)
        while pending:
            content = self._edited(self._comments(reasons) + texts)
            bare = _without_comments(content)
            if reasons and bare == last:
                raise self._cancelled("no valid changes were saved", reasons, content)
            fault = self._fault(bare)
            if fault:
                last, texts, reasons = bare, bare, fault
                self.env.err(_invalid(self.items[0]))
                continue
            if not bare.strip():
                raise self._cancelled("saved file was empty", reasons, content)
            if not reasons and bare == _without_comments(texts) and not self.fresh:
                self.env.err("Edit cancelled, no changes made.")
                return
            last, texts = bare, bare
            pending, reasons = self._round(content, pending, save)

    def _fault(self, bare: str) -> str:
        """What is wrong with the edited file as such, "" for nothing."""
        from ..manifests import objects

        validated = str(self.options.validate) not in ("ignore", "false")
        try:
            found = list(objects(bare.encode(), "edited-file", validated))
        except CommandError as error:
            return f"The edited file failed validation: {error}"
        return (
            "The edited file failed validation: [apiVersion not set, kind not set]" if validated and not found else ""
        )

    def _text(self, objects: list[dict[str, Any]]) -> str:
        whole: Any = objects[0]
        if len(objects) > 1:
            whole = {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {}}
        if self.shown_as == "json":
            from ..printers.json import text

            return text(whole) + "\n"
        from ..yamls import dump

        return dump(whole)

    def _comments(self, reasons: str) -> str:
        lines = "".join(f"# {line}\n" if line else "#\n" for line in reasons.splitlines())
        return _HEAD + (lines + "#\n" if lines else "")

    def _edited(self, content: str) -> str:
        import tempfile

        suffix = f".{self.shown_as}"
        handle, path = tempfile.mkstemp(prefix=f"{self.env.prog}-edit-", suffix=suffix)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline=self._newline()) as file:
                file.write(content)
            launch(self.env, path)
            with open(path, encoding="utf-8") as file:
                return file.read()
        finally:
            os.unlink(path)

    def _newline(self) -> str:
        return "\r\n" if getattr(self.options, "windows_line_endings", False) else "\n"

    def _round(self, content: str, pending: list[int], save: Any) -> tuple[list[int], str]:
        """Save what was edited; the objects that are left, and what is wrong with them."""
        from kk.base.errors import StatusError

        from ..manifests import objects

        edited = list(objects(_without_comments(content).encode(), "edited-file"))
        found = {_name(o): o for o in edited}
        left, reasons = [], []
        for place in pending:
            item, before = self.items[place], self.shown[place]
            after = found.get(_name(before)) or (edited[0] if len(self.items) == 1 else None)
            if after is None or (after == before and not self.fresh):
                self.env.out(f"{item.label} skipped")
                continue
            try:
                save(self, item, before, copy.deepcopy(after))
                self.results.tell(item)
            except (StatusError, CommandError) as error:
                left.append(place)
                reasons.append(f'{item.resource.name} "{item.name}" was not valid:\n{_reason(error)}')
                self.env.err(_said(item, error))
        return left, "\n".join(reasons)

    def _cancelled(self, why: str, reasons: str, content: str) -> Exception:
        if not reasons:
            self.env.err(f"Edit cancelled, {why}.")
            return ExitStatus(0)
        import tempfile

        handle, path = tempfile.mkstemp(prefix=f"{self.env.prog}-edit-", suffix=f".{self.shown_as}")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        self.env.err(f'A copy of your changes has been stored to "{path}"')
        return CommandError(f"Edit cancelled, {why}.")


def _said(item: Item, error: Exception) -> str:
    """What is told at once; the reasons of an invalid object stand in the file."""
    if getattr(error, "reason", "") == "Invalid":
        return _invalid(item)
    return words(error)


def _invalid(item: Item) -> str:
    r = item.resource
    return f'error: {r.name + "." + r.group if r.group else r.name} "{item.name}" is invalid'


def _reason(error: Exception) -> str:
    status = getattr(error, "status", None)
    causes = ((status or {}).get("details") or {}).get("causes") if isinstance(status, dict) else None
    if causes:
        return "\n".join(f"* {c.get('field', '')}: {c.get('message', '')}" for c in causes)
    return f"* {words(error)}"


def _without_comments(content: str) -> str:
    return "".join(line for line in content.splitlines(keepends=True) if not line.startswith("#"))


def launch(env: Env, path: str) -> None:
    """Open the file in $KUBE_EDITOR, $EDITOR or vi and wait.

    Raises CommandError where the editor fails.
    """
    import shlex
    import subprocess

    editor = env.environ.get("KUBE_EDITOR") or env.environ.get("EDITOR") or "vi"
    env.stdout.flush()
    simple = not any(sign in editor for sign in "\"'\\&;|<>$`")
    shell = env.environ.get("SHELL") or "/bin/sh"
    command = [*editor.split(), path] if simple else [shell, "-c", f"{editor} {shlex.quote(path)}"]
    try:
        code = subprocess.call(command, env=dict(env.environ))
    except FileNotFoundError:
        raise CommandError(f'unable to launch the editor "{editor}"') from None
    if code:
        raise CommandError(f'there was a problem with the editor "{editor}"')


COMMAND = Command(
    "edit",
    "Change an object in an editor",
    run,
    section="Basic Commands (Intermediate)",
    usage="(RESOURCE/NAME | -f FILENAME)",
    text="Open objects in the editor of $KUBE_EDITOR or $EDITOR (vi without them) and send what was changed. An object that the "
    "server refuses is opened again with the reason in comments; leave it as it is to give up.",
    examples="""# Edit a service
kk edit svc/registry

# With another editor
KUBE_EDITOR=nano kk edit svc/registry

# As JSON
kk edit job.v1.batch/myjob -o json""",
    flags=(
        *output(),
        *filename("that names the objects"),
        field_manager("kubectl-edit"),
        Flag("output-patch", type="bool", help="Print the patch that is sent."),
        SAVE_CONFIG,
        SUBRESOURCE,
        VALIDATE,
        Flag("windows-line-endings", type="bool", help="Line ends as on Windows."),
    ),
    complete="resources",
)
