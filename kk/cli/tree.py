"""The click tree of the whole command line, made from the verb files: what man pages and completions are generated from.

Running a verb does not go through here (kk.cli.main parses kubectl's own flag grammar, and click costs 20 ms to import); a test
holds that both know the same commands and flags.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .command import Command, Flag
from .common import GLOBAL
from .help import commands, root_help


def tree(prog: str = "kk") -> click.Group:
    """The root group with every verb below it."""
    root = click.Group(prog, help=root_help(prog).splitlines()[0], params=[option(f) for f in GLOBAL if not f.hidden])
    for command in commands():
        root.add_command(_made(command, ()))
    return root


def _made(command: Command, inherited: tuple[Flag, ...]) -> click.Command:
    name = command.name.rpartition(" ")[2]
    flags = [f for f in (*command.flags, *inherited) if not f.hidden]
    how: dict[str, Any] = {
        "help": command.text or command.summary,
        "short_help": command.summary,
        "epilog": command.examples or None,
        "hidden": command.hidden,
        "params": [option(f) for f in sorted(flags, key=lambda f: f.name)],
        "context_settings": {"help_option_names": ["-h", "--help"]},
    }
    if not command.package:
        made: click.Command = click.Command(name, callback=_run(command), **how)
    else:
        made = click.Group(name, callback=_run(command), invoke_without_command=True, **how)
        for inner in commands(command.package):
            made.add_command(_made(inner, (*inherited, *command.persistent)))
    made.usage = command.usage  # type: ignore[attr-defined]
    return made


def option(flag: Flag) -> click.Option:
    """A flag as an option of click."""
    names = [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else []), flag.attribute]
    if flag.type == "bool":
        return click.Option(names, is_flag=True, default=flag.default, help=flag.help)
    kind: Any = {"int": click.INT, "duration": click.STRING}.get(flag.type, click.STRING)
    if flag.values and flag.type == "string":
        kind = click.STRING
    many = flag.type in ("list", "array")
    return click.Option(names, type=kind, multiple=many, help=flag.help, required=flag.required)


def _run(command: Command) -> Callable[..., None]:
    """What click calls: hand over to kk.cli.main, which parses again by kubectl's grammar."""

    def call(**_: Any) -> None:
        raise click.UsageError(f"run `kk {command.name}` through kk.cli.main")

    return call
