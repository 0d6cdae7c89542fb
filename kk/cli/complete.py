"""`kk __complete -- WORD…`: what may stand in the place of the last word, one candidate a line. Shell scripts ask this.

It never fails and says nothing on standard error: without a cluster only verbs and flags are offered.
"""

from __future__ import annotations

from .command import Command, Flag, Options
from .common import GLOBAL
from .context import Env
from .errors import CommandError
from .help import commands
from .main import find
from .parse import HelpWanted, Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: flags whose values are looked up, whatever the verb
_NAMES_OF = {"namespace": "namespaces"}


def answer(env: Env, words: Sequence[str]) -> int:
    """Print the candidates for the last of the words."""
    typed = list(words)
    if typed[:1] == ["--"]:
        typed = typed[1:]
    last = typed[-1] if typed else ""
    from kk.base.errors import StatusError

    try:
        found = list(candidates(env, typed[:-1], last))
    except (StatusError, CommandError, OSError, ValueError, LookupError):
        found = []  # a shell waits for this answer: whatever is wrong, there is nothing to offer
    for word in dict.fromkeys(w for w in found if w.startswith(last)):
        env.out(word)
    return 0


def candidates(env: Env, before: list[str], last: str) -> Iterable[str]:
    """Everything that may stand there; the caller keeps what begins as the last word does."""
    command, rest, inherited = _command(before)
    flags = (*command.flags, *inherited, *GLOBAL) if command else GLOBAL
    parser = Parser(flags, "")
    flag = _wants_value(parser, before, last)
    if flag is not None:
        return _values(env, parser, flag, before, last)
    if last.startswith("-"):
        return [f"--{f.name}" + ("=" if f.bare is None else "") for f in flags if not f.hidden]
    if command is None:
        return [c.name for c in commands() if not c.hidden]
    if command.package and not rest:
        return [c.name.rpartition(" ")[2] for c in commands(command.package) if not c.hidden]
    return _arguments(env, parser, command, before, rest, last)


def _command(before: list[str]) -> tuple[Command | None, list[str], tuple[Flag, ...]]:
    from .main import _descend, _first_word

    place = _first_word(before, Parser(GLOBAL, ""))
    if place is None:
        return None, [], ()
    command = find(before[place])
    if command is None:
        return None, [], ()
    command, words, inherited = _descend(Env(), command, before[:place] + before[place + 1 :])
    parser = Parser((*command.flags, *inherited, *GLOBAL), "")
    rest: list[str] = []
    while True:
        place = _first_word(words, parser)
        if place is None:
            return command, rest, inherited
        rest.append(words[place])
        words = words[place + 1 :]


def _wants_value(parser: Parser, before: list[str], last: str) -> Flag | None:
    """The flag whose value the last word is."""
    if last.startswith("--") and "=" in last:
        return parser.flags.get(last[2:].partition("=")[0])
    if before and before[-1].startswith("--") and "=" not in before[-1]:
        flag = parser.flags.get(before[-1][2:])
    elif before and len(before[-1]) == 2 and before[-1][0] == "-":
        flag = parser.shorts.get(before[-1][1])
    else:
        return None
    return flag if flag is not None and flag.bare is None else None


def _values(env: Env, parser: Parser, flag: Flag, before: list[str], last: str) -> list[str]:
    head = last.partition("=")[0] + "=" if last.startswith("--") else ""
    found = list(flag.values)
    if flag.name in _NAMES_OF:
        found = _names(_connected(env, parser, before[:-1] if not head else before), _NAMES_OF[flag.name])
    elif flag.name in ("context", "cluster", "user"):
        from kk.client.kubeconfig import load

        found = sorted(load(None, None, env.environ).sections[f"{flag.name}s"])
    return [head + value for value in found]


def _arguments(env: Env, parser: Parser, command: Command, before: list[str], rest: list[str], last: str) -> list[str]:
    if not command.complete:
        return []
    connected = _connected(env, parser, before)
    if command.complete != "resources":
        return _names(connected, command.complete)
    if "/" in last:
        kind = last.partition("/")[0]
        return [f"{kind}/{name}" for name in _names(connected, kind)]
    if rest:
        return _names(connected, rest[0])
    return sorted({r.name for r in connected.discovery.all()})


def _connected(env: Env, parser: Parser, before: list[str]) -> Env:
    try:
        env.options = parser.parse(before)
    except (HelpWanted, CommandError):  # half a command line rarely parses: then the defaults must do
        env.options = parser.defaults()
    assert isinstance(env.options, Options)
    return env


def _names(env: Env, word: str) -> list[str]:
    from .resources import collection

    resource = env.find(word)
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
    path = collection(resource, env.namespace)
    page = env.client.request("GET", path, query={"limit": "500"}, accept=accept, timeout=3).json()
    return [item["metadata"]["name"] for item in page.get("items") or ()]
