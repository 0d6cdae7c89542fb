"""Log files read back: tails over rotated files, since, timestamps, partial lines, limits."""

import pytest

from kk.agent.server.logs import files, limited, read, render, start_of_tail


@pytest.fixture
def log(tmp_path):
    def lines(*numbers):
        return "".join(
            f"2026-01-01T00:00:0{n}.000000000Z {'stderr' if n % 2 else 'stdout'} F line {n}\n" for n in numbers
        )

    (tmp_path / "log.2").write_text(lines(0, 1))
    (tmp_path / "log.1").write_text(lines(2, 3, 4))
    (tmp_path / "log").write_text(lines(5, 6))
    return tmp_path / "log"


def shown(log, tail=-1, since=b"", timestamps=False, stream=b"", limit=-1):
    return (
        b"".join(limited(render(read(log, tail, None, None), since, timestamps, stream), limit)).decode().splitlines()
    )


def test_all_files_oldest_first(log):
    assert [f.name for f in files(log)] == ["log.2", "log.1", "log"]
    assert shown(log) == [f"line {n}" for n in range(7)]


@pytest.mark.parametrize("tail", range(9))
def test_tail(log, tail):
    assert shown(log, tail) == [f"line {n}" for n in range(7)][max(0, 7 - tail) :]


def test_since_streams_and_stamps(log):
    assert shown(log, since=b"2026-01-01T00:00:05.000000000Z") == ["line 5", "line 6"]
    assert shown(log, stream=b"stderr") == ["line 1", "line 3", "line 5"]
    assert shown(log, 1, timestamps=True) == ["2026-01-01T00:00:06.000000000Z line 6"]
    assert shown(log, limit=9) == ["line 0", "li"]


def test_parts_of_a_line_are_joined(tmp_path):
    log = tmp_path / "log"
    log.write_text("T stdout P ab\nT stdout P cd\nT stdout F ef\nT stdout F \nT stdout P end\n")
    assert b"".join(render(read(log, -1, None, None), b"", False, b"")) == b"abcdef\n\nend"
    assert b"".join(render(read(log, -1, None, None), b"", True, b"")) == b"T abcdef\nT \nT end"


def test_tail_of_empty_and_large_files(tmp_path):
    log = tmp_path / "log"
    log.write_text("")
    assert start_of_tail(log, 3) == (0, 0)
    log.write_text("T stdout F x\n" * 100_000)
    offset, count = start_of_tail(log, 50_000)
    assert (offset, count) == (13 * 50_000, 50_000)
