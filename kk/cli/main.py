"""The way in: finds the verb, parses its flags, runs it, tells its error once and gives the exit status.

kubectl's global flags stand before or after the verb. Called under the name `kubectl` (a link), messages say kubectl.
"""

from __future__ import annotations

import _signal  # without the enums of `signal`, whose import start-up would pay
import os
import sys

from .command import Command, Options
from .common import GLOBAL
from .context import Env
from .errors import CommandError, ExitStatus, Several, words
from .parse import HelpWanted, Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

VERBS = "kk.cli.verbs"


def run(argv: Sequence[str]) -> int:
    """Run one command line (argv[0] is the program's name); the exit status.

    What is a fault of kk itself passes; `_inside` then tells it in one line.
    """
    name = os.path.basename(argv[0]) if argv else "kk"
    env = Env("kubectl" if name.startswith("kubectl") else "kk")
    sys.excepthook = _inside
    # a script's background jobs start with SIGINT ignored, and Python leaves it so; kubectl listens for it all the same
    if _signal.getsignal(_signal.SIGINT) == _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    try:
        code = _run(env, list(argv[1:]))
        sys.stdout.flush()
        return code
    except ExitStatus as leave:
        return _flushed(leave.code)
    except KeyboardInterrupt:
        return _flushed(130)
    except BrokenPipeError:
        _silence()
        return 1
    except _told_to_people() as error:
        return _told(env, error)


def _told_to_people() -> tuple[type[Exception], ...]:
    """The errors that say what is wrong with the world or the command line; asked only when something was raised."""
    from kk.base.errors import StatusError

    return (CommandError, Several, StatusError, OSError, ValueError)


def _told(env: Env, error: Exception) -> int:
    try:
        env.err(words(error))
    except BrokenPipeError:
        _silence()
    return error.code if isinstance(error, CommandError) else 1


def _inside(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The interpreter's last word on a fault of kk itself: where it is, and the traceback for those who ask ($KK_DEBUG)."""
    if os.environ.get("KK_DEBUG"):
        sys.__excepthook__(kind, error, trace)
        return
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})" if trace else ""
    print(f"error: kk failed inside: {kind.__name__}: {error}{place}", file=sys.stderr)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    return code


def _silence() -> None:
    """Point standard output nowhere, so that the interpreter's last flush stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _run(env: Env, arguments: list[str]) -> int:
    root = Parser(GLOBAL, env.prog)
    words_: list[str] = arguments
    place = _first_word(arguments, root)
    if place is None:
        return _no_verb(env, arguments, root)
    verb, words_ = arguments[place], arguments[:place] + arguments[place + 1 :]
    if verb in ("help", "options", "__complete"):
        return _about(env, verb, words_)
    command = find(verb)
    if command is None:
        raise _unknown(env, verb)
    command, words_, flags = _descend(env, command, words_)
    parser = Parser((*command.flags, *flags, *GLOBAL), f"{env.prog} {command.name}")
    try:
        env.options = options = parser.parse(words_)
        options.own = {f.name for f in (*command.flags, *flags)}
    except HelpWanted:
        from .help import command_help

        env.stdout.write(command_help(env.prog, command, flags))
        return 0
    return _call(env, command, parser, options)


def _call(env: Env, command: Command, parser: Parser, options: Options) -> int:
    if command.run is None:
        if options.args:
            raise env.usage(f'unknown command "{" ".join(options.args)}"', command.name)
        from .help import command_help

        stream = env.stderr if command.name.startswith("create ") else env.stdout
        stream.write(command_help(env.prog, command, ()))
        return 1
    missing = parser.missing(options)
    if missing:
        names = ", ".join(f'"{m}"' for m in missing)
        raise CommandError(f"required flag(s) {names} not set")
    code = command.run(env, options) or 0
    if options.warnings_as_errors and env.warnings:
        plural = "warning" if env.warnings == 1 else "warnings"
        raise CommandError(f"{env.warnings} {plural} received")
    return code


def _first_word(arguments: Sequence[str], parser: Parser) -> int | None:
    """Where the first word stands that is neither a flag nor a flag's value."""
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            return None
        if len(word) < 2 or word[0] != "-":
            return place
        place += 1
        if word.startswith("--"):
            flag = parser.flags.get(word[2:].replace("_", "-"))
        else:
            flag = parser.shorts.get(word[1]) if len(word) == 2 else None
        if flag is not None and flag.bare is None:
            place += 1
    return None


def _descend(env: Env, command: Command, arguments: list[str]) -> tuple[Command, list[str], tuple]:
    """The innermost command that the words name, the words that remain, and the persistent flags of the groups above it."""
    inherited: tuple = ()
    while command.package:
        parser = Parser((*command.flags, *inherited, *GLOBAL), "")
        place = _first_word(arguments, parser)
        if place is None:
            break
        inner = find(arguments[place], command.package)
        if inner is None:
            break
        inherited = (*inherited, *command.persistent)
        arguments = arguments[:place] + arguments[place + 1 :]
        command = inner
    return command, arguments, inherited


def find(word: str, package: str = VERBS) -> Command | None:
    """The command of a word in a package of verbs: its file name, or an alias of one of them."""
    from kk.base.discover import load

    name = word.replace("-", "_")
    folder = os.path.join(os.path.dirname(__file__), *package.split(".")[2:])
    if name.isidentifier() and not name.startswith("_") and os.path.exists(os.path.join(folder, f"{name}.py")):
        return load(package, name, "COMMAND")
    return _by_alias(word, package)


def _by_alias(word: str, package: str) -> Command | None:
    """The command with such an alias; asks every file of the package, so that no list of aliases needs keeping."""
    from kk.base.discover import load, names

    for name in names(package):
        if not name.endswith("_"):
            command: Command = load(package, name, "COMMAND")
            if word in command.aliases:
                return command
    return None


def _no_verb(env: Env, arguments: list[str], root: Parser) -> int:
    from .help import root_help

    try:
        options = root.parse(arguments)
    except HelpWanted:
        env.stdout.write(root_help(env.prog))
        return 0
    if options.args:
        raise _unknown(env, options.args[0])
    env.stdout.write(root_help(env.prog))
    return 0


def _about(env: Env, verb: str, arguments: list[str]) -> int:
    from . import help as helping

    if verb == "options":
        env.stdout.write(helping.options_help(env.prog))
        return 0
    if verb == "__complete":
        from .complete import answer

        return answer(env, arguments)
    path = [a for a in arguments if not a.startswith("-")]
    if not path:
        env.stdout.write(helping.root_help(env.prog))
        return 0
    command = find(path[0])
    if command is None:
        raise _unknown(env, path[0])
    command, _, flags = _descend(env, command, path[1:])
    env.stdout.write(helping.command_help(env.prog, command, flags))
    return 0


def _unknown(env: Env, word: str) -> CommandError:
    from .help import similar

    text = f'unknown command "{word}" for "{env.prog}"'
    near = similar(word)
    if near:
        text += "\n\nDid you mean this?\n" + "".join(f"\t{n}\n" for n in near)
        text = text.rstrip("\n")
    return CommandError(text)
