"""Go's regular expressions , matched in time that is linear in the text."""

import pytest

from kk.server import regexps


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
        (r"^\p{Greek}+$", "αβ", True),
        (r"^\p{Greek}+$", "ab", False),
        (r"a\z", "a\n", False),
        ("(?U)(?<n>a)(?P<n>b)", "ab", True),
        ("^.$", "\ud800", True),
    ],
)
def test_meaning(pattern: str, text: str, found: bool) -> None:
    assert regexps.compile(pattern).search(text) is found


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[", "error parsing regexp: missing closing ]: `[`"),
        ("a(", "error parsing regexp: missing closing ): `a(`"),
        ("*", "error parsing regexp: missing argument to repetition operator: `*`"),
        ("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
        ("(?<=a)b", "error parsing regexp: invalid named capture: `(?<=a)b`"),
        ("a)b", "error parsing regexp: unexpected ): `a)b`"),
        ("a**", "error parsing regexp: invalid nested repetition operator: `**`"),
        ("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"),
        ("[z-a]", "error parsing regexp: invalid character class range: `z-a`"),
        (r"\p{None}", "error parsing regexp: invalid character class range: `\\p{None}`"),
        ("a\\", "error parsing regexp: trailing backslash at end of expression: ``"),
        (r"a\Z", "error parsing regexp: invalid escape sequence: `\\Z`"),
        (r"\C", "error parsing regexp: invalid escape sequence: `\\C`"),
        (r"(\pL{1000}\pL{1000}){100}", "error parsing regexp: invalid repeat count: `{100}`"),
    ],
)
def test_refusals(pattern: str, why: str) -> None:
    with pytest.raises(ValueError) as error:
        regexps.compile(pattern)
    assert str(error.value) == why


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(x+x+)+y", "^(a|b|ab)*c$"])
def test_no_pattern_takes_longer_than_its_text(pattern: str) -> None:
    """One that tries all ways would take longer than the universe is old."""
    assert not regexps.compile(pattern).search("a" * 100_000 + "!")


def test_what_is_found() -> None:
    pattern = regexps.compile("[a-z]+")
    assert pattern.find("ab 1 cd ef") == ["ab", "cd", "ef"]
    assert pattern.find("ab 1 cd ef", 1) == ["ab"]
    assert pattern.find("ab", 0) == []
    assert regexps.compile("x*").find("äxé") == ["", "x", "", ""]
    assert regexps.compile("[é-ü]").find("aéü€") == ["é", "ü"]
