"""`kk config unset PROPERTY`: remove one value of a kubeconfig."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env
from ...errors import CommandError
from ._files import SINGULAR, Files, one
from .set import steps


def run(env: Env, options: Options) -> None:
    """Remove it."""
    path = one(env, options.args, "config unset")
    files = Files(env)
    parts = steps(files, path)
    if parts == ["current-context"]:
        files.use("")
    elif parts[0] in SINGULAR and len(parts) == 1:
        for name in files.names(parts[0]):
            files.remove(parts[0], name)
    elif parts[0] in SINGULAR and len(parts) == 2:
        if files.entry(parts[0], parts[1]) is None:
            raise CommandError(f"current map key `{parts[1]}` is invalid")
        files.remove(parts[0], parts[1])
    elif parts[0] in SINGULAR:
        entry = dict(files.entry(parts[0], parts[1]) or {})
        here = entry
        for part in parts[2:-1]:
            here[part] = dict(here.get(part) or {})
            here = here[part]
        here.pop(parts[-1], None)
        files.put(parts[0], parts[1], entry)
    else:
        raise CommandError(f'unable to parse path "{path}": unknown property')
    files.save()
    env.out(f'Property "{path}" unset.')


COMMAND = Command(
    "config unset",
    "Remove one value of a kubeconfig",
    run,
    usage="PROPERTY_NAME",
    examples="""# No current context
kk config unset current-context

# No namespace in a context
kk config unset contexts.lab.namespace""",
)
