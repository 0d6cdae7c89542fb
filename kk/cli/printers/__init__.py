"""Printers: one file per `-o FORMAT`, found by its name (`-` is `_`), each with one constant `PRINTER`.

`PRINTER(env, argument)` makes a printer; `argument` is what stood after `=` (`-o jsonpath={.x}`), or --template. A printer has
`show(obj)`, which writes one object (a List is one) to standard output. The columns for people are in `table`, which get drives itself.
"""

from __future__ import annotations

from ..errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ..context import Env
else:
    Protocol = object  # typing costs milliseconds at start-up


class Printer(Protocol):
    """What writes objects."""

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""


_SAME = {"template": "go-template", "templatefile": "go-template-file"}
_WITH_FILE = ("jsonpath-file", "custom-columns-file", "go-template-file")
#: printers for people, which `printer` does not make
_HUMAN = ("table", "wide")


def split(output: str) -> tuple[str, str]:
    """Format and argument of `-o`: `jsonpath={.x}` is ("jsonpath", "{.x}")."""
    name, _, argument = output.partition("=")
    return _SAME.get(name, name), argument


def printer(env: Env, formats: tuple[str, ...]) -> Printer | None:
    """The printer that -o and --template choose; None where output is for people.

    Raises CommandError for a format that is none of `formats`.
    """
    output, template = env.options.output, getattr(env.options, "template", "")
    if not output:
        if not template:
            return None
        output = "go-template"
    name, argument = split(output)
    if name == "wide" and "wide" in formats:
        return None
    if name not in formats or (argument and name in ("json", "yaml", "name", "kyaml")):
        allowed = ",".join(sorted(formats))
        raise CommandError(
            f'unable to match a printer suitable for the output format "{output}", allowed formats are: {allowed}'
        )
    argument = argument or template
    if name in _WITH_FILE:
        argument, name = _content(name, argument), name[: -len("-file")]
    from kk.base.discover import load

    return load(__name__, name.replace("-", "_"), "PRINTER")(env, argument)


def _content(name: str, path: str) -> str:
    if not path:
        raise CommandError(f"{name} format specified but no template file given")
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CommandError(f"error reading --template {path}, open {path}: {why}") from None


def without_managed(env: Env, obj: dict[str, Any]) -> dict[str, Any]:
    """The object, or List, without managedFields, unless --show-managed-fields; the given one is left alone."""
    if getattr(env.options, "show_managed_fields", False):
        return obj
    if isinstance(obj.get("items"), list) and str(obj.get("kind", "")).endswith("List"):
        return {**obj, "items": [_cut(item) for item in obj["items"]]}
    return _cut(obj)


def _cut(obj: Any) -> Any:
    meta = obj.get("metadata") if isinstance(obj, dict) else None
    if not isinstance(meta, dict) or "managedFields" not in meta:
        return obj
    return {**obj, "metadata": {k: v for k, v in meta.items() if k != "managedFields"}}
