"""What a verb is: a `Command` with its flags, as data that needs no import.

A file of kk.cli.verbs holds one `COMMAND`. The same data feeds the parser (kk.cli.parse, kubectl's flag grammar), the help
(kk.cli.help) and the click tree (kk.cli.tree) from which man pages and completions are generated. Nothing here parses or prints.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_EMPTY = {"string": "", "bool": False, "int": 0, "duration": 0.0, "list": [], "array": []}


class Flag:
    """One flag.

    type       string, bool, int, duration (seconds as float; text such as 1m30s), list (commas split, repeatable), array (repeatable)
    default    value where the flag is not given; empty of its type where not told
    bare       the text it has when given without `=value`; a flag that has one never takes the next word. Booleans have "true"
    required   the command refuses to run without it
    values     words that completion offers
    """

    __slots__ = ("name", "short", "type", "default", "bare", "help", "required", "hidden", "values")

    def __init__(
        self,
        name: str,
        short: str = "",
        *,
        type: str = "string",
        default: Any = None,
        bare: str | None = None,
        help: str = "",
        required: bool = False,
        hidden: bool = False,
        values: tuple[str, ...] = (),
    ):
        self.name, self.short, self.type, self.help = name, short, type, help
        self.default = _EMPTY[type] if default is None else default
        self.bare = "true" if type == "bool" and bare is None else bare
        self.required, self.hidden, self.values = required, hidden, values

    @property
    def attribute(self) -> str:
        """The name under which Options holds the value."""
        return self.name.replace("-", "_")

    @property
    def spelled(self) -> str:
        """`-o, --output`, or `--output`, as messages and help show it."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Options:
    """What a command line said: a value per flag (attribute with `_` for `-`), `args`, and what was really given.

    changed   names of flags that were given
    dash      how many of `args` stand before `--`; -1 without one
    own       names of flags that the verb has itself, whatever global flags are called so
    """

    def __init__(self) -> None:
        self.args: list[str] = []
        self.changed: set[str] = set()
        self.dash = -1
        self.own: set[str] = set()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Command:
    """One verb.

    name       as typed; a path such as "create deployment" for one below a group
    summary    one line for the list of commands; `text` says more
    usage      what stands after the name in the usage line
    run        `run(env, options) -> exit status or None`; None for a mere group
    flags      its own flags; the global ones are always there too
    package    for a group: the package whose files are its sub-verbs
    section    the heading under which `kk --help` lists it
    persistent flags that its sub-verbs take too
    """

    __slots__ = (
        "name",
        "summary",
        "run",
        "usage",
        "text",
        "examples",
        "flags",
        "aliases",
        "package",
        "section",
        "persistent",
        "complete",
        "hidden",
    )

    def __init__(
        self,
        name: str,
        summary: str,
        run: Callable[[Any, Options], int | None] | None = None,
        *,
        usage: str = "",
        text: str = "",
        examples: str = "",
        flags: tuple[Flag, ...] = (),
        aliases: tuple[str, ...] = (),
        package: str = "",
        section: str = "Other Commands",
        persistent: tuple[Flag, ...] = (),
        complete: str = "",
        hidden: bool = False,
    ):
        self.name, self.summary, self.run, self.usage = name, summary, run, usage
        self.text, self.examples, self.flags, self.aliases = text, examples, flags, aliases
        self.package, self.section, self.persistent = package, section, persistent
        self.complete, self.hidden = complete, hidden
