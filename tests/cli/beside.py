"""Types command lines with kk and with the real kubectl, and compares what each said.

Not a test itself: test_beside_kubectl.py runs the cases. Ages, times, UIDs and random names are made the same before the comparison.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_SAME = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} UTC"), "TIME"),
    (re.compile(r"(resourceVersion\W+)\d+"), r"\1N"),
    (re.compile(r"(Resource Version:\s+)\d+"), r"\1N"),
    (re.compile(r"/tmp/[\w./-]*(kk|kubectl)-edit-\w+\.yaml"), "EDITED"),
    (re.compile(r"/tmp/[\w./-]*/?(LIVE|MERGED)-\w+/"), r"\1/"),
    (re.compile(r"((?:---|\+\+\+) \S+)\t.*"), r"\1"),
    (re.compile(r"(?m)^E\d{4} .*\n"), ""),
    (re.compile(r"AGE  +"), "AGE "),
    (re.compile(r" +\d+[smhd]\d*[smh]?( +|$)", re.M), " AGE "),
    (re.compile(r"(?m)^W\d{4} .*helpers.go:\d+\] "), "W: "),
)


@dataclass
class Said:
    """What a program said: exit status, output, errors."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit status {self.code}\n--- output\n{self.out}--- errors\n{self.err}"


def same(text: str) -> str:
    """The text without what differs from run to run, and under one program's name."""
    for pattern, word in _SAME:
        text = pattern.sub(word, text)
    return re.sub(r"\bkk\b", "kubectl", text)


def typed(program: list[str], line: list[str], kubeconfig: Path, home: Path, text: str = "", **more: str) -> Said:
    """Run one command line in an environment of its own."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
        "KUBECTL_KUBERC": "false",
        "TZ": "UTC",
        **more,
    }
    done = subprocess.run(
        [*program, *line], input=text, capture_output=True, text=True, env=environ, cwd=home, timeout=60
    )
    return Said(done.returncode, done.stdout, done.stderr)


KK = [sys.executable, "-m", "kk"]
