"""Every verb: its file, its help, its flags; man pages and completions are those that are checked in."""

from pathlib import Path

import click
import pytest

from kk.cli import completion, man
from kk.cli.command import Command
from kk.cli.common import GLOBAL
from kk.cli.help import command_help, commands, options_help, root_help
from kk.cli.main import VERBS, find
from kk.cli.tree import tree

ROOT = Path(__file__).resolve().parents[2]


def everything(package: str = VERBS) -> list[tuple[str, Command, tuple]]:
    """(package, command, inherited flags) of every verb and sub-verb."""
    found = []
    for command in commands(package):
        found.append((package, command, ()))
        if command.package:
            found += [(p, c, (*command.persistent, *i)) for p, c, i in everything(command.package)]
    return found


ALL = everything()
ids = [c.name for _, c, _ in ALL]


@pytest.mark.parametrize("package, command, inherited", ALL, ids=ids)
def test_a_verb_explains_itself(package, command, inherited):
    assert command.summary and not command.summary.endswith(".")
    assert command.run or command.package
    assert command.examples or command.package, "an example"
    for name in ("kk", "kubectl"):
        text = command_help(name, command, inherited)
        assert f"\nUsage:\n  {name} {command.name}" in text
    assert "kk " not in command_help("kubectl", command, inherited).replace("kk up", "")


@pytest.mark.parametrize("package, command, inherited", ALL, ids=ids)
def test_flags_of_a_verb_are_sound(package, command, inherited):
    flags = (*command.flags, *inherited)
    names = [f.name for f in flags]
    shorts = [f.short for f in flags if f.short]
    assert len(set(names)) == len(names)
    assert len(set(shorts)) == len(shorts)
    taken = {f.short: f.name for f in GLOBAL if f.short}
    assert [s for s in shorts if taken.get(s, "") not in ("", *names)] == []
    assert [f.name for f in flags if not f.help] == []


@pytest.mark.parametrize("package, command, inherited", ALL, ids=ids)
def test_a_verb_is_found_by_its_name_and_aliases(package, command, inherited):
    own = command.name.rpartition(" ")[2]
    assert find(own, package) is command
    for alias in command.aliases:
        assert find(alias, package) is command


def test_help_lists_every_verb():
    text = root_help("kk")
    for command in commands():
        if not command.hidden:
            assert f"\n  {command.name} " in text
    assert "--kubeconfig" in options_help("kk")


def test_the_click_tree_knows_the_same():
    root = tree()
    assert set(root.commands) == {c.name for c in commands()}
    for _, command, inherited in ALL:
        node: click.Command = root
        for part in command.name.split():
            assert isinstance(node, click.Group)
            node = node.commands[part]
        shown = {f.name for f in (*command.flags, *inherited) if not f.hidden}
        assert {o[2:] for p in node.params for o in p.opts if o.startswith("--")} == shown


def test_man_pages_are_generated():
    kept = {p.name: p.read_text() for p in (ROOT / "man").glob("*.1")}
    made = man.pages()
    assert set(kept) == set(made), "run: python -m kk.cli.man"
    assert [n for n in made if made[n] != kept[n]] == [], "run: python -m kk.cli.man"


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completions_are_generated(shell):
    kept = (ROOT / "completions" / f"kk.{shell}").read_text()
    assert kept == completion.script(shell), "run: python -m kk.cli.completion"
