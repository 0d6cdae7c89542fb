"""`kk config set-context`: make or change a context."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files, changed_flags


def run(env: Env, options: Options) -> None:
    """Set what the flags say; the rest of the entry stays."""
    files = Files(env)
    if options.current and options.args:
        raise CommandError("you cannot specify both a context name and --current")
    if not options.current and len(options.args) != 1:
        raise env.usage(f"unexpected args: [{' '.join(options.args)}]", "config set-context")
    name = files.current if options.current else options.args[0]
    if not name:
        raise CommandError(
            "no current context is set" if options.current else "you must specify a non-empty context name or --current"
        )
    before = files.entry("contexts", name)
    entry = {**(before or {}), **changed_flags(options, ("cluster", "user", "namespace"))}
    files.put("contexts", name, {k: v for k, v in entry.items() if v != ""} if before is not None else entry)
    files.save()
    env.out(f'Context "{name}" {"modified" if before is not None else "created"}.')


COMMAND = Command(
    "config set-context",
    "Make or change a context",
    run,
    usage="[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
    examples="""# The namespace of the current context
kk config set-context --current --namespace=dev

# A new context
kk config set-context lab --cluster=lab --user=me""",
    flags=(
        Flag("cluster", help="Cluster of the context."),
        Flag("current", type="bool", help="Change the current context."),
        Flag("namespace", "n", help="Namespace of the context."),
        Flag("user", help="User of the context."),
    ),
    complete="contexts",
)
