"""The README's figures of what the server is held against are those of the tests."""

import re
from pathlib import Path

from tests.faults import test_clock, test_connections, test_crash, test_fuzz, test_http, test_store, test_storm

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def table() -> list[list[int]]:
    """The numbers of the second column, row by row."""
    text = README[README.index("<!-- held against:") : README.index("<!-- end of held against -->")]
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]
    return [[int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", row[2])] for row in rows]


def steps() -> int:
    """Steps of the clock: those of the two lists, and those that stand by themselves."""
    source = Path(test_clock.__file__).read_text()
    single = re.findall(r"^    +step\((?!seconds)", source, re.M)
    return len(test_clock.STEPS) + len(test_clock.LONG_STEPS) + len(single)


def cases() -> int:
    """Tests of test_http, parametrised ones by their cases."""
    found = 0
    for name, function in vars(test_http).items():
        if name.startswith("test_"):
            marks = getattr(function, "pytestmark", [])
            found += len(marks[0].args[1]) if marks else 1
    return found


def test_the_readme_tells_what_is_done() -> None:
    assert table() == [
        [test_fuzz.COUNT, test_fuzz.SOAK],
        [test_connections.MANY, test_connections.SOAK],
        [test_storm.WATCHERS, test_storm.WRITES, test_storm.SOAK_WATCHERS, test_storm.SOAK_WRITES],
        [test_crash.KILLS, test_crash.SOAK],
        [2, len(test_store.WORDS) + 3],
        [steps()],
        [cases()],
    ]
