"""`kk config rename-context OLD NEW`."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files


def run(env: Env, options: Options) -> None:
    """Rename it in its file, and as the current one."""
    if len(options.args) != 2:
        raise env.usage(f"unexpected args: [{' '.join(options.args)}]", "config rename-context")
    old, new = options.args
    files = Files(env)
    entry = files.entry("contexts", old)
    if entry is None:
        raise CommandError(f'cannot rename the context "{old}", it\'s not in {files.main}')
    if files.entry("contexts", new) is not None:
        raise CommandError(f'cannot rename the context "{old}", the context "{new}" already exists in {files.main}')
    current = files.current
    path = files.remove("contexts", old)
    files.put("contexts", new, entry, path)
    if current == old:
        files.use(new)
    files.save()
    env.out(f'Context "{old}" renamed to "{new}".')


COMMAND = Command(
    "config rename-context",
    "Rename a context",
    run,
    usage="CONTEXT_NAME NEW_NAME",
    examples="""# lab becomes home
kk config rename-context lab home""",
    complete="contexts",
)
