"""The README's first session, typed word for word on a real cluster; what it shows is what one sees, names and times apart."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cluster.lab import Lab

pytestmark = pytest.mark.cluster
README = Path(__file__).resolve().parents[2] / "README.md"
#: what differs from one run to the next
CHANGES = (
    (r"\(\d+\.\d s\)", "(T s)"),
    (r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:PORT"),
    (r"\b\d+(ms|s|m)\b", "AGE"),
    (r"\b(web-)[a-z0-9]{6,10}(-[a-z0-9]{5})?\b", r"\1ID"),
    (r"v1\.\d+\.\d+\+kk[\w.]*", "VERSION"),
    (r"[ ]+", " "),
)


def session() -> list[tuple[str, str]]:
    """(command, what it prints) of the README's session."""
    text = README.read_text()
    block = text[text.index("<!-- session") : text.index("<!-- end of session")]
    lines = [line[4:] for line in block.splitlines()[2:]]
    steps: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        else:
            steps[-1] = (steps[-1][0], steps[-1][1] + line + "\n")
    return [(command, shown.strip("\n")) for command, shown in steps]


def plain(text: str) -> str:
    for pattern, shown in CHANGES:
        text = re.sub(pattern, shown, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_the_first_session_is_what_one_sees(tmp_path):
    steps = session()
    assert len(steps) >= 8
    lab = Lab(tmp_path)
    try:
        for command, shown in steps:
            if command == "kk up":  # the lab has done it, on a port of its own
                continue
            done = subprocess.run(
                ["bash", "-c", command], capture_output=True, text=True, env=lab.env, timeout=120, cwd=tmp_path
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            assert plain(done.stdout + done.stderr) == plain(shown), command
    finally:
        lab.close()
