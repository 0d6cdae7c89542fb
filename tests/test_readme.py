"""The README's lists say what is there: every controller, every dependency and no other, every verb group's help that it names."""

import re
import tomllib
from pathlib import Path

from kk.base.discover import load_all

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def listed(start: str, end: str) -> set[str]:
    """The comma list between two pieces of the README's text."""
    text = README[README.index(start) + len(start) :]
    return {" ".join(item.split()) for item in text[: text.index(end)].split(",")}


def test_the_controllers_that_run():
    names = {c.name.removesuffix("-controller") for c in load_all("kk.control.controllers", "CONTROLLER").values()}
    assert listed("**Controllers that run:** ", ". The others of") == names


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[><=;\s]", d, maxsplit=1)[0] for d in project["dependencies"]}
    table = README[README.index("| package | why |") :]
    told = {name.strip() for row in re.findall(r"^\| ([\w, -]+) \|", table, re.M)[1:] for name in row.split(",")} - {
        "package",
        "---",
    }
    assert told == needed


def test_every_folder_of_the_package_is_told():
    told = set(re.findall(r"^\| `kk/(\w+)/` \|", README, re.M))
    assert told == {p.name for p in (ROOT / "kk").iterdir() if (p / "__init__.py").exists()}
