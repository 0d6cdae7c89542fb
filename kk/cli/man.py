"""Man pages from the click tree: `python -m kk.cli.man DIR` writes kk.1 and a page for every verb.

The pages are checked in under man/; a test writes them anew and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .tree import tree


def pages() -> dict[str, str]:
    """File name → page, for the root and every command below it."""
    found: dict[str, str] = {}
    _collect(tree(), "kk", found)
    return found


def _collect(command: click.Command, name: str, found: dict[str, str]) -> None:
    found[f"{name.replace(' ', '-')}.1"] = page(command, name)
    if isinstance(command, click.Group):
        for inner, below in sorted(command.commands.items()):
            _collect(below, f"{name} {inner}", found)


def page(command: click.Command, name: str) -> str:
    """One page in man's macros."""
    dashed = name.replace(" ", "-")
    short = command.short_help or (command.help or "").split("\n")[0].rstrip(".")
    lines = [f'.TH "{dashed.upper()}" "1" "" "kk" "kk manual"', ".SH NAME", f"{_escaped(dashed)} \\- {_escaped(short)}"]
    usage = getattr(command, "usage", "") or ("COMMAND" if name == "kk" else "")
    lines += [".SH SYNOPSIS", f"\\fB{_escaped(name)}\\fP {_escaped(usage)} [options]".replace("  ", " ")]
    lines += [".SH DESCRIPTION", *_paragraphs(command.help or "")]
    if isinstance(command, click.Group) and command.commands:
        lines.append(".SH COMMANDS")
        for inner, below in sorted(command.commands.items()):
            lines += [
                ".TP",
                f"\\fB{_escaped(inner)}\\fP",
                _escaped(below.short_help or "") + ". See " + _see(name, inner) + ".",
            ]
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        lines.append(".SH OPTIONS")
        for option in options:
            lines += [".TP", _names(option), _escaped(option.help or "")]
    if command.epilog:
        lines += [".SH EXAMPLES", ".nf", *(_escaped(line) for line in command.epilog.splitlines()), ".fi"]
    if name != "kk":
        parent = name.rpartition(" ")[0]
        lines += [".SH SEE ALSO", f"\\fB{_escaped(parent.replace(' ', '-'))}\\fP(1)"]
    return "\n".join(lines) + "\n"


def _see(name: str, inner: str) -> str:
    return f"\\fB{_escaped(f'{name} {inner}'.replace(' ', '-'))}\\fP(1)"


def _names(option: click.Option) -> str:
    shown = ", ".join(f"\\fB{_escaped(o)}\\fP" for o in sorted(option.opts, key=len))
    return shown if option.is_flag else f"{shown} \\fI{_escaped(option.name or 'value')}\\fP"


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for place, paragraph in enumerate(text.split("\n\n")):
        if place:
            lines.append(".PP")
        lines.append(_escaped(" ".join(paragraph.split())))
    return lines


def _escaped(text: str) -> str:
    """Text that man shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def write(folder: Path) -> None:
    """Write every page; pages of verbs that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in folder.glob("kk*.1"):
        if old.name not in made:
            old.unlink()
    for name, content in made.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "man"))
