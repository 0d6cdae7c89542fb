"""What `kk get` imports: each module here was weighed; a new one must be worth its milliseconds on every call."""

import json
import site
import subprocess
import sys
from pathlib import Path

from tests.servers import APIServer

#: where the modules lie; sys.path itself is what other tests of this process made of it
PATH = ":".join([str(Path(__file__).resolve().parents[2]), *site.getsitepackages()])

#: the modules of kk that a `kk get ns` may import (those that ran once; discovery comes from disk)
OURS = {
    "kk",
    "kk.base",
    "kk.base.discover",
    "kk.base.errors",
    "kk.base.hashing",
    "kk.cli",
    "kk.cli.command",
    "kk.cli.common",
    "kk.cli.context",
    "kk.cli.errors",
    "kk.cli.main",
    "kk.cli.parse",
    "kk.cli.printers",
    "kk.cli.printers.table",
    "kk.cli.resources",
    "kk.cli.verbs",
    "kk.cli.verbs.get",
    "kk.client",
    "kk.client.codec",
    "kk.client.discovery",
    "kk.client.http",
    "kk.client.kubeconfig",
    "kk.client.plainyaml",
    "kk.client.transport",
    "kk.client.urls",
}
#: dear modules that must not come in by a side door
DEAR = {
    "argparse",
    "ast",
    "asyncio",
    "click",
    "dataclasses",
    "datetime",
    "email",
    "encodings.idna",
    "http.client",
    "inspect",
    "ipaddress",
    "logging",
    "msgspec",
    "pathlib",
    "pkgutil",
    "requests",
    "shutil",
    "sqlalchemy",
    "subprocess",
    "tabulate",
    "tempfile",
    "typing",
    "urllib.parse",
    "yaml",
}
_SCRIPT = """
import sys
before = set(sys.modules)
from kk.cli.main import run
code = run(["kk", *sys.argv[1:]])
import json
print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
sys.exit(code)
"""


def imported(line: list[str], server: APIServer, home: Path) -> set[str]:
    """The modules that a command line imports, in an interpreter without site packages' start-up files."""
    environ = {"HOME": str(home), "KUBECONFIG": str(server.kubeconfig), "PATH": "", "PYTHONPATH": PATH}
    done = subprocess.run(
        [sys.executable, "-S", "-c", _SCRIPT, *line], capture_output=True, text=True, env=environ, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_get_imports_only_what_it_needs(tmp_path: Path) -> None:
    with APIServer(tmp_path / "api") as server:
        imported(["get", "namespaces"], server, tmp_path)  # fills the discovery cache
        found = imported(["get", "namespaces"], server, tmp_path)
        assert {m for m in found if m.partition(".")[0] == "kk"} == OURS
        assert found & DEAR == set()
        named = imported(["get", "svc/kubernetes", "-o", "wide"], server, tmp_path)
        assert {m for m in named if m.partition(".")[0] == "kk"} <= OURS
        as_json = imported(["get", "svc", "-o", "json"], server, tmp_path)
        assert as_json & DEAR == set()


def test_version_of_the_client_needs_no_server(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": PATH}
    line = [sys.executable, "-S", "-m", "kk", "version", "--client"]
    done = subprocess.run(line, capture_output=True, text=True, env=environ, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("Client Version: v1.36.")
