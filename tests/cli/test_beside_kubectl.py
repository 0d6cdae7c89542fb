"""The same command lines typed with kk and with the real kubectl, against one server: what they say must be the same.

Cases are data: each file of `beside/` is a list of lines, typed in order in a namespace of its own ({ns}). Where the real kubectl
is missing the tests skip. `python -m tests.cli.test_beside_kubectl FILE…` shows the differences of one file.
"""

import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import kubectl
from tests.cli.beside import KK, Said, same, typed
from tests.servers import APIServer

CASES = sorted((Path(__file__).parent / "beside").glob("*.yaml"))
pytestmark = pytest.mark.skipif(kubectl.path() is None, reason="no kubectl to compare with")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    with APIServer(tmp_path_factory.mktemp("beside") / "api") as running:
        yield running


def play(case: Path, server: APIServer, home: Path, program: list[str], namespace: str) -> list[tuple[str, Said]]:
    """Type every line of a case; namespaces are as long as each other, so that columns are as wide."""
    said = []
    home.mkdir(exist_ok=True)
    for step in yaml.safe_load(case.read_text()):
        step = {"line": step} if isinstance(step, str) else step
        for name, content in step.get("files", {}).items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content.replace("{ns}", namespace))
        if "line" not in step:
            continue
        words = [w.replace("{ns}", namespace) for w in shlex.split(step["line"])]
        env = {k: v.replace("{ns}", namespace) for k, v in step.get("env", {}).items()}
        text = step.get("input", "").replace("{ns}", namespace)
        answer = typed(program, words, server.kubeconfig, home, text, **env)
        answer.out, answer.err = (same(t.replace(namespace, "{ns}")) for t in (answer.out, answer.err))
        if step.get("unordered"):
            answer.out = "\n".join(sorted(answer.out.splitlines())) + "\n"
        for ignored in step.get("ignore", ()):
            setattr(answer, ignored, "")
        said.append((step["line"], answer))
    return said


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_says_what_kubectl_says(case: Path, server: APIServer, tmp_path: Path) -> None:
    theirs = play(case, server, tmp_path / "their", [str(kubectl.path())], f"th-{case.stem}")
    ours = play(case, server, tmp_path / "ours-", KK, f"us-{case.stem}")
    for (line, wanted), (_, got) in zip(theirs, ours, strict=True):
        assert str(got) == str(wanted), line


def differences(names: list[str]) -> None:
    """Print every difference of the named cases."""
    import difflib

    with tempfile.TemporaryDirectory() as folder, APIServer(Path(folder, "api")) as server:
        for case in CASES:
            if names and case.stem not in names:
                continue
            theirs = play(case, server, Path(folder, "their"), [str(kubectl.path())], f"th-{case.stem}")
            ours = play(case, server, Path(folder, "ours-"), KK, f"us-{case.stem}")
            for (line, wanted), (_, got) in zip(theirs, ours, strict=True):
                if str(got) != str(wanted):
                    print(f"=== {case.stem}: {line}")
                    print(
                        "\n".join(
                            list(
                                difflib.unified_diff(
                                    str(wanted).splitlines(), str(got).splitlines(), "kubectl", "kk", lineterm="", n=1
                                )
                            )[2:]
                        )
                    )
            print(f"--- {case.stem}: {len(theirs)} lines typed")


if __name__ == "__main__":
    differences(sys.argv[1:])
