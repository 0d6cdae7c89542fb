"""A whole cluster for a test: `kk up` in a home of its own, commands typed with kk or with the real kubectl, everything gone afterwards."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pexpect

from tests import kubectl

KK = str(Path(sys.executable).with_name("kk"))


def free_port() -> int:
    """A port that nobody has now; the kernel gives each caller another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """One cluster and one person at a shell: `run` types a command of the program under test."""

    def __init__(self, folder: Path, program: str = "kk", up: tuple[str, ...] = ()):
        self.folder, self.program = folder, KK if program == "kk" else kubectl.path() or "kubectl"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "KK_"))},
            "HOME": str(folder),
            "KK_HOME": str(folder / "kk"),
            "KUBECONFIG": str(folder / "config"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TERM": "dumb",
        }
        self.env.pop("XDG_DATA_HOME", None)
        self.kk("up", "--port", str(free_port()), *up)

    def close(self) -> None:
        """Stop the cluster; a test that leaves one running is a fault."""
        self.kk("down")

    def kk(self, *words: str, stdin: str | None = None) -> str:
        """Type a kk command that must succeed; its output."""
        return self._run([KK, *words], stdin, True).stdout

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Type a command of the program under test that must succeed; its output."""
        return self._run([self.program, *words], stdin, True).stdout

    def fails(self, *words: str, stdin: str | None = None) -> str:
        """Type a command that must fail; what it said."""
        done = self._run([self.program, *words], stdin, False)
        assert done.returncode, f"{words} succeeded: {done.stdout}"
        return done.stderr + done.stdout

    def _run(self, argv: list[str], stdin: str | None, must: bool) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            argv, input=stdin or "", capture_output=True, text=True, env=self.env, timeout=120, cwd=self.folder
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert not must or done.returncode == 0, f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def get(self, *words: str) -> dict:
        """An object or a list, as it stands."""
        return json.loads(self.run("get", *words, "-o", "json"))

    def terminal(self, *words: str) -> "pexpect.spawn[str]":
        """A command on a terminal of its own."""
        return pexpect.spawn(
            self.program,
            list(words),
            env=self.env,
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 200),
            cwd=str(self.folder),
        )

    def wait(self, *words: str) -> str:
        """`wait` with a bound."""
        return self.run("wait", "--timeout=60s", *words)

    def background(self, *words: str) -> "contextlib.AbstractContextManager[subprocess.Popen[str]]":
        """A command that goes on while the block runs, its output in `.stdout`."""

        @contextlib.contextmanager
        def block():
            process = subprocess.Popen(
                [self.program, *words], stdout=subprocess.PIPE, text=True, env=self.env, cwd=self.folder
            )
            try:
                yield process
            finally:
                process.terminate()
                process.wait(10)
                process.stdout.close()

        return block()


def until(condition, within: float = 30.0):
    """Wait for what no command can wait for; the value that was found."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)
    return found
