"""Why a text is no JSON, in the words of Go's decoder: clients and their users know these texts.

Runs only after a real decoder refused; it does not decode.
"""

import codecs
import re

_SPACE = " \t\r\n"


class _Fault(Exception):
    pass


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("kk.gojson", _replaced)
#: an escape of a pair, which is right, or of one half of a pair, which is none; or any other escape
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.S
)


def mended(data: bytes) -> bytes:
    """The text as Go reads it: a U+FFFD for each byte that is no UTF-8 and for each half of a surrogate pair."""
    text = data.decode("utf-8", "kk.gojson")
    if "\\u" in text:
        text = _ESCAPES.sub(lambda found: "\ufffd" if found[1] else found[0], text)
    return text.encode()


def words(data: bytes) -> str:
    """The first fault of a text that is no JSON."""
    text = data.decode("utf-8", "kk.gojson")
    scan = _Scan(text)
    try:
        scan.value()
        scan.space()
        if scan.at < len(text):
            return f"invalid character {_quoted(text[scan.at])} after top-level value"
    except _Fault as fault:
        return str(fault)
    except RecursionError:
        return "exceeded max depth"
    return "unexpected end of JSON input"


def _quoted(char: str) -> str:
    return {"'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'"}.get(char, f"'{char}'")


class _Scan:
    def __init__(self, text: str):
        self.text, self.at = text, 0

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def peek(self) -> str:
        if self.at >= len(self.text):
            raise _Fault("unexpected end of JSON input")
        return self.text[self.at]

    def fail(self, where: str) -> None:
        raise _Fault(f"invalid character {_quoted(self.peek())} {where}")

    def value(self) -> None:
        self.space()
        char = self.peek()
        if char == "{":
            self._object()
        elif char == "[":
            self._array()
        elif char == '"':
            self._string()
        elif char in "-0123456789":
            self._number()
        elif char in "tfn":
            self._literal({"t": "true", "f": "false", "n": "null"}[char])
        else:
            self.fail("looking for beginning of value")

    def _object(self) -> None:
        self.at += 1
        self.space()
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            self.space()
            if self.peek() != '"':
                self.fail("looking for beginning of object key string")
            self._string()
            self.space()
            if self.peek() != ":":
                self.fail("after object key")
            self.at += 1
            self.value()
            self.space()
            char = self.peek()
            if char not in ",}":
                self.fail("after object key:value pair")
            self.at += 1
            if char == "}":
                return

    def _array(self) -> None:
        self.at += 1
        self.space()
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            self.value()
            self.space()
            char = self.peek()
            if char not in ",]":
                self.fail("after array element")
            self.at += 1
            if char == "]":
                return

    def _string(self) -> None:
        self.at += 1
        while True:
            char = self.peek()
            if char == '"':
                self.at += 1
                return
            if char < " ":
                self.fail("in string literal")
            if char == "\\":
                self.at += 1
                if self.peek() not in '"\\/bfnrtu':
                    self.fail("in string escape code")
            self.at += 1

    def _number(self) -> None:
        if self.peek() == "-":
            self.at += 1
            if not self.peek().isdigit():
                self.fail("in numeric literal")
        while self.at < len(self.text) and self.text[self.at] in "0123456789.eE+-":
            self.at += 1

    def _literal(self, word: str) -> None:
        for char in word[1:]:
            self.at += 1
            if self.peek() != char:
                self.fail(f"in literal {word} (expecting '{char}')")
        self.at += 1
