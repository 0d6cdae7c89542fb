"""Shell completion from the click tree: `python -m kk.cli.completion DIR` writes kk.bash, kk.zsh and kk.fish.

The scripts are thin: they ask `kk __complete WORD…` (kk.cli.complete), so that types, names and namespaces of the cluster are
completed too; where that gives nothing they offer the static words generated here. They are checked in under completions/.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from .tree import tree

SHELLS = ("bash", "zsh", "fish")


def _commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _commands(inner, f"{path} {name}".strip())


def words(command: click.Command, root: click.Command) -> list[str]:
    """What may follow a command: its sub-commands and flags."""
    found = sorted(command.commands) if isinstance(command, click.Group) else []
    flags = {o for p in (*command.params, *root.params) for o in p.opts if o.startswith("--")}
    return [*found, *sorted(flags), "--help"]


def bash(prog: str = "kk") -> str:
    """The script for bash."""
    root = tree(prog)
    cases = "\n".join(f'        "{path}") words="{" ".join(words(c, root))}" ;;' for path, c in _commands(root))
    return f"""# bash completion for {prog}; generated, do not edit

__{prog}_static() {{
    local words
    case "$1" in
{cases}
        *) words="" ;;
    esac
    printf '%s\\n' $words
}}

__{prog}_complete() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" path="" word found
    if [[ $cur == "=" ]]; then cur=""; fi
    found=$("${{COMP_WORDS[0]}}" __complete -- "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null)
    if [[ -z $found ]]; then
        for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
            [[ $word == -* ]] || path="${{path:+$path }}$word"
        done
        found=$(__{prog}_static "$path")
    fi
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$found" -- "$cur"))
    if [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *= ]]; then compopt -o nospace; fi
}}

complete -o default -F __{prog}_complete {prog}
"""


def zsh(prog: str = "kk") -> str:
    """The script for zsh."""
    root = tree(prog)
    cases = "\n".join(f'        "{path}") static=({" ".join(words(c, root))}) ;;' for path, c in _commands(root))
    return f"""#compdef {prog}
# zsh completion for {prog}; generated, do not edit

__{prog}_complete() {{
    local -a found static
    local typed="" word
    found=("${{(@f)$(${{(Q)words[1]:-{prog}}} __complete -- "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
    found=("${{(@)found:#}}")
    if (( ! ${{#found}} )); then
        for word in "${{(@)words[2,CURRENT-1]}}"; do
            [[ $word == -* ]] || typed="${{typed:+$typed }}$word"
        done
        case "$typed" in
{cases}
        *) static=() ;;
        esac
        found=($static)
    fi
    compadd -- "${{(@)found}}"
}}

compdef __{prog}_complete {prog}
"""


def fish(prog: str = "kk") -> str:
    """The script for fish."""
    root = tree(prog)
    lines = [f"# fish completion for {prog}; generated, do not edit", ""]
    lines += [
        f"function __{prog}_complete",
        "    set -l typed (commandline -opc) (commandline -ct)",
        f"    {prog} __complete -- $typed[2..-1] 2>/dev/null",
        "end",
        "",
        f"complete -c {prog} -f -a '(__{prog}_complete)'",
    ]
    for path, command in _commands(root):
        if path and " " not in path:
            short = (command.short_help or "").replace("'", "\\'")
            lines.append(f"complete -c {prog} -n __fish_use_subcommand -a {path} -d '{short}'")
    return "\n".join(lines) + "\n"


def script(shell: str, prog: str = "kk") -> str:
    """The script for a shell of SHELLS."""
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell](prog)


def write(folder: Path) -> None:
    """Write all scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    for shell in SHELLS:
        (folder / f"kk.{shell}").write_text(script(shell), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "completions"))
