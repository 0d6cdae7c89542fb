"""Help as text: the list of verbs, one verb, the global flags. The layout is kubectl's, the words are of the verb files.

Loaded only when help is asked for, or a verb is not known.
"""

from __future__ import annotations

import textwrap
from typing import Any

from kk.base import discover

from .command import Command, Flag
from .common import GLOBAL
from .main import VERBS

#: the order of the sections in `kk --help`; others follow in order of their names
SECTIONS = (
    "Local Cluster Commands",
    "Basic Commands (Beginner)",
    "Basic Commands (Intermediate)",
    "Deploy Commands",
    "Cluster Management Commands",
    "Troubleshooting and Debugging Commands",
    "Advanced Commands",
    "Settings Commands",
    "Other Commands",
)


def commands(package: str = VERBS) -> list[Command]:
    """Every command of a package, in order of their names."""
    found = [discover.load(package, name, "COMMAND") for name in discover.names(package) if name[-1] != "_"]
    return sorted(found, key=lambda c: c.name)


def root_help(prog: str) -> str:
    """What `kk` and `kk --help` print."""
    groups: dict[str, list[Command]] = {}
    for command in commands():
        if not command.hidden:
            groups.setdefault(command.section, []).append(command)
    order = {name: place for place, name in enumerate(SECTIONS)}
    lines = [f"{prog} runs a Kubernetes cluster on this machine and controls any Kubernetes cluster.", ""]
    for section in sorted(groups, key=lambda s: (order.get(s, len(order)), s)):
        lines.append(f"{section}:")
        width = max(15, max(len(c.name) for c in groups[section]) + 1)
        lines.extend(f"  {c.name:<{width}} {c.summary}" for c in groups[section])
        lines.append("")
    lines += ["Usage:", f"  {prog} [flags] [options]", ""]
    lines.append(f'Use "{prog} <command> --help" for more information about a given command.')
    lines.append(f'Use "{prog} options" for a list of global command-line options (applies to all commands).')
    return "\n".join(lines) + "\n"


def command_help(prog: str, command: Command, inherited: tuple[Flag, ...] = ()) -> str:
    """What `kk VERB --help` prints."""
    parts = [_paragraphs(command)]
    if len(command.aliases) > 0:
        own = command.name.rpartition(" ")[2]
        parts.append("Aliases:\n" + ", ".join((own, *command.aliases)))
    if command.examples:
        parts.append("Examples:\n" + textwrap.indent(command.examples.strip("\n"), "  "))
    if command.package:
        below = commands(command.package)
        width = max((len(_last(c)) for c in below), default=0) + 2
        listed = "\n".join(f"  {_last(c):<{width}} {c.summary}" for c in below if not c.hidden)
        parts.append("Available Commands:\n" + listed)
    flags = sorted((f for f in (*command.flags, *inherited) if not f.hidden), key=lambda f: f.name)
    if flags:
        parts.append("Options:\n" + "\n\n".join(_flag(f) for f in flags))
    usage = f"{prog} {command.name} {command.usage}".rstrip()
    end = [f"Usage:\n  {usage} [options]", ""]
    if command.package:
        end.append(f'Use "{prog} {command.name} <command> --help" for more information about a given command.')
    end.append(f'Use "{prog} options" for a list of global command-line options (applies to all commands).')
    text = "\n\n".join(parts) + "\n\n" + "\n".join(end) + "\n"
    return text if prog == "kk" else renamed(text, prog)


def renamed(text: str, prog: str) -> str:
    """The text with the command `kk` under another name."""
    import re

    return re.sub(r"(?<![\w$./-])kk (?=[a-z-])", f"{prog} ", text)


def _last(command: Command) -> str:
    return command.name.rpartition(" ")[2]


def _paragraphs(command: Command) -> str:
    text = command.text or command.summary
    return text if text.endswith(".") or "\n" in text else text + "."


def shown_default(flag: Flag) -> str:
    """The default as help shows it: quoted text, [a,b], 0s."""
    value: Any = flag.default
    if flag.type == "bool":
        return "true" if value else "false"
    if flag.type == "duration":
        return f"{value:g}s"
    if flag.type in ("list", "array"):
        return "[" + ",".join(value) + "]"
    return f"'{value}'" if flag.type == "string" else str(value)


def _flag(flag: Flag) -> str:
    lead = f"-{flag.short}, " if flag.short else ""
    return f"    {lead}--{flag.name}={shown_default(flag)}:\n\t{flag.help}"


def options_help(prog: str) -> str:
    """What `kk options` prints."""
    flags = sorted((f for f in GLOBAL if not f.hidden), key=lambda f: f.name)
    listed = "\n\n".join(_flag(f) for f in flags)
    return f"The following options can be passed to any command:\n\n{listed}\n"


def similar(word: str) -> list[str]:
    """Verbs that the word may have been meant for: at most two edits away, or begun by it."""
    names = [n.replace("_", "-") for n in discover.names(VERBS) if n[-1] != "_"]
    return [n for n in names if _distance(word.lower(), n) <= 2 or n.startswith(word.lower())]


def _distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]
