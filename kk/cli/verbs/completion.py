"""`kk completion SHELL`: the completion script of a shell."""

from __future__ import annotations

from ..command import Command, Options
from ..context import Env


def run(env: Env, options: Options) -> None:
    """Print the script."""
    if not options.args:
        raise env.usage("Shell not specified.", "completion")
    if len(options.args) > 1:
        raise env.usage("Too many arguments. Expected only the shell type.", "completion")
    from ..completion import SHELLS, script

    if options.args[0] not in SHELLS:
        raise env.usage(f'Unsupported shell type "{options.args[0]}".', "completion")
    env.stdout.write(script(options.args[0], env.prog))


COMMAND = Command(
    "completion",
    "Print the completion script of a shell (bash, zsh or fish)",
    run,
    section="Settings Commands",
    usage="SHELL",
    text="Print the script that completes verbs, flags, types and names in a shell.",
    examples="""# bash, for this shell
source <(kk completion bash)

# zsh
kk completion zsh > "${fpath[1]}/_kk"

# fish
kk completion fish > ~/.config/fish/completions/kk.fish""",
)
