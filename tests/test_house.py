"""The laws of the house, held by a test: floors, sizes, docstrings, where broad excepts may stand, what may be imported where."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "kk").rglob("*.py"))
FLOORS = {
    "base": 0,
    "kinds": 1,
    "client": 2,
    "store": 2,
    "server": 3,
    "control": 3,
    "scheduler": 3,
    "agent": 3,
    "proxy": 3,
    "cli": 4,
    "lab": 4,
}
THIRD_PARTIES = {
    "base": set(),
    "kinds": {"msgspec", "lightkube", "kubernetes_validate"},
    "client": {"requests", "yaml", "wsproto", "urllib3", "msgspec"},
    "store": {"sqlalchemy"},
    "server": {
        "uvicorn",
        "uvloop",
        "cryptography",
        "msgspec",
        "wsproto",
        "httptools",
        "lightkube",
        "yaml",
        "cel_expr_python",
        "re2",
        "google",
    },
    "control": {"cryptography"},
    "scheduler": set(),
    "agent": {"psutil", "wsproto", "yaml"},
    "proxy": {"dnslib"},
    "cli": {"click", "tabulate", "yaml", "psutil", "wsproto"},
    "lab": {"yaml"},
}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    parts = path.relative_to(ROOT / "kk").parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path):
    """(module, line) of every import of a file, wherever it stands; relative ones made absolute."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module, node.lineno
            if module in ("kk", *(f"kk.{r}" for r in FLOORS)):
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def test_floors():
    faults = []
    for path in FILES:
        own = room(path)
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] != "kk" or len(parts) < 2 or parts[1] not in FLOORS or not own or parts[1] == own:
                continue
            if FLOORS[parts[1]] >= FLOORS[own]:
                faults.append(f"{name(path)}:{line} imports {module}: a floor may import only floors below it")
    assert not faults, "\n".join(faults)


def test_third_parties():
    faults = []
    for path in FILES:
        own = room(path)
        for module, line in imports(path):
            top = module.split(".")[0]
            if (
                own
                and top != "kk"
                and top not in sys.stdlib_module_names
                and top not in THIRD_PARTIES[own]
                and top != "processes"
            ):
                faults.append(f"{name(path)}:{line} imports {top}, which kk.{own} may not")
    assert not faults, "\n".join(faults)


def test_sizes():
    assert [f"{name(p)}: {n} lines" for p in FILES if (n := p.read_text().count("\n")) > 600] == []


def test_functions_are_short():
    lengths = [
        (node.end_lineno - node.lineno + 1, f"{name(path)}:{node.lineno} {node.name}")
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    long = [where for length, where in lengths if length > 60]
    assert len(long) <= 0.03 * len(lengths), (
        f"{len(long)} of {len(lengths)} functions are over 60 lines:\n" + "\n".join(long)
    )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_module_says_why_it_is_there(path):
    assert ast.get_docstring(TREES[path]), f"{name(path)} has no docstring"


#: modules that own a loop which must survive anything; each catch says why beside it
LOOP_OWNERS: set[str] = {
    "kk/client/loop.py",
    "kk/control/manager.py",
    "kk/scheduler/main.py",
    "kk/store/log.py",
    "kk/client/informer.py",
    "kk/agent/node.py",
    "kk/agent/pods/probes.py",
    "kk/agent/pods/workers.py",
    "kk/agent/runtime/shim.py",
    "kk/agent/server/listener.py",
    "kk/server/app.py",
    "kk/server/cache.py",
}


def cleans_up(handler: ast.ExceptHandler) -> bool:
    """The handler ends by raising again what it caught: it swallows nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_broad_excepts_stand_only_in_loop_owners():
    faults = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and name(path) not in LOOP_OWNERS and not cleans_up(node):
                names = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
                if any(
                    n is None or (isinstance(n, ast.Name) and n.id in ("Exception", "BaseException")) for n in names
                ):
                    faults.append(f"{name(path)}:{node.lineno}")
    assert not faults, "broad excepts outside loop owners:\n" + "\n".join(faults)


def test_tests_use_seams_not_patches():
    mine = Path(__file__).resolve()
    words = ("mock." + "patch", "monkeypatch." + "setattr")
    users = [
        name(p)
        for p in (ROOT / "tests").rglob("*.py")
        if p.resolve() != mine and any(w in p.read_text() for w in words)
    ]
    assert users == []
