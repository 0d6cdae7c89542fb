"""kubectl's flag grammar (that of spf13/pflag), which is not click's: `--watch=false`, `-owide`, flags anywhere, underscores for
dashes, flags whose value is optional and then only after `=`, and pflag's own messages.

Pure: words in, Options out.
"""

from __future__ import annotations

from .command import Flag, Options
from .errors import FlagError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


class HelpWanted(Exception):
    """`-h` or `--help` was given."""


def _bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _int(text: str) -> int:
    try:
        return int(text, 0) if text.strip() == text and "_" not in text else int("x")
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _duration(text: str) -> float:
    from kk.base.times import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise ValueError(f'time: invalid duration "{text}"') from None


def split_commas(text: str) -> list[str]:
    """The items of a comma list; quotes as in CSV keep a comma inside an item."""
    if '"' not in text:
        return text.split(",") if text else []
    import csv

    return next(csv.reader([text]), [])


def _convert(flag: Flag, text: str, before: Any, first: bool) -> Any:
    if flag.type == "bool":
        return _bool(text)
    if flag.type == "int":
        return _int(text)
    if flag.type == "duration":
        return _duration(text)
    if flag.type == "list":
        return ([] if first else before) + split_commas(text)
    if flag.type == "array":
        return ([] if first else before) + [text]
    return text


class Parser:
    """Reads words by a set of flags; `command` is named in the messages (`kk get`)."""

    def __init__(self, flags: Iterable[Flag], command: str):
        self.command = command
        self.flags: dict[str, Flag] = {}
        self.shorts: dict[str, Flag] = {}
        for flag in flags:
            self.flags.setdefault(flag.name, flag)
            if flag.short:
                self.shorts.setdefault(flag.short, flag)

    def parse(self, words: Sequence[str], options: Options | None = None, *, stop_at_word: bool = False) -> Options:
        """Options of the words; with `stop_at_word` the first word that is no flag and all after it stay in `args` unread.

        Raises FlagError and HelpWanted.
        """
        options = options or self.defaults()
        place = 0
        while place < len(words):
            word = words[place]
            place += 1
            if word == "--":
                options.dash = len(options.args)
                options.args.extend(words[place:])
                break
            if len(word) < 2 or word[0] != "-":
                if stop_at_word:
                    options.args.extend(words[place - 1 :])
                    break
                options.args.append(word)
            elif word.startswith("--"):
                place = self._long(word, words, place, options)
            else:
                place = self._short(word, words, place, options)
        return options

    def defaults(self) -> Options:
        """Options of an empty command line."""
        options = Options()
        for flag in self.flags.values():
            value = flag.default
            setattr(options, flag.attribute, list(value) if isinstance(value, list) else value)
        return options

    def _long(self, word: str, words: Sequence[str], place: int, options: Options) -> int:
        name, equals, value = word[2:].partition("=")
        name = name.replace("_", "-")
        if not name or name[0] == "-":
            raise FlagError(f"bad flag syntax: {word}", self.command)
        flag = self.flags.get(name)
        if flag is None:
            if name == "help":
                raise HelpWanted
            raise FlagError(f"unknown flag: --{name}", self.command)
        if not equals:
            if flag.bare is not None:
                value = flag.bare
            elif place < len(words):
                value = words[place]
                place += 1
            else:
                raise FlagError(f"flag needs an argument: --{name}", self.command)
        self._set(flag, value, options)
        return place

    def _short(self, word: str, words: Sequence[str], place: int, options: Options) -> int:
        letters = word[1:]
        while letters:
            letter, rest = letters[0], letters[1:]
            flag = self.shorts.get(letter)
            if flag is None:
                if letter == "h":
                    raise HelpWanted
                raise FlagError(f"unknown shorthand flag: '{letter}' in -{letters}", self.command)
            if len(rest) > 1 and rest[0] == "=":
                self._set(flag, rest[1:], options)
                return place
            if flag.bare is not None:
                self._set(flag, flag.bare, options)
                letters = rest
                continue
            if rest:
                self._set(flag, rest, options)
            elif place < len(words):
                self._set(flag, words[place], options)
                place += 1
            else:
                raise FlagError(f"flag needs an argument: '{letter}' in -{letters}", self.command)
            return place
        return place

    def _set(self, flag: Flag, text: str, options: Options) -> None:
        before = getattr(options, flag.attribute)
        try:
            value = _convert(flag, text, before, flag.name not in options.changed)
        except ValueError as error:
            raise FlagError(f'invalid argument "{text}" for "{flag.spelled}" flag: {error}', self.command) from None
        setattr(options, flag.attribute, value)
        options.changed.add(flag.name)

    def missing(self, options: Options) -> list[str]:
        """Names of required flags that were not given, in name order."""
        return sorted(f.name for f in self.flags.values() if f.required and f.name not in options.changed)
