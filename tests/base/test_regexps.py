"""Go's regular expressions as Python's."""

import pytest

from kk.base import regexps


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        ("(?m)^a$", "a\nb", True),
        ("(?i)ABC", "abc", True),
        (r"\d+", "٣", False),
        ("[[:alpha:]]+", "12", False),
        ("[[:digit:]x]", "x", True),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        (r"(?P<x>a)(?:b)", "ab", True),
        (r"\x41", "A", True),
        (r"^\pL+$", "é", True),
        (r"[]a]", "]", True),
    ],
)
def test_meaning(pattern: str, text: str, found: bool) -> None:
    assert bool(regexps.compile(pattern).search(text)) is found


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[", "error parsing regexp: missing closing ]: `[`"),
        ("a(", "error parsing regexp: missing closing ): `a(`"),
        ("*", "error parsing regexp: missing argument to repetition operator: `*`"),
        ("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
    ],
)
def test_refusals(pattern: str, why: str) -> None:
    with pytest.raises(ValueError) as error:
        regexps.compile(pattern)
    assert str(error.value) == why
