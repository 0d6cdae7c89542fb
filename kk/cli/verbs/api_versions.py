"""`kk api-versions`: the group versions that the server serves."""

from __future__ import annotations

from ..command import Command, Options
from ..context import Env


def run(env: Env, options: Options) -> None:
    """Print them, sorted."""
    if options.args:
        raise env.usage(f"unexpected arguments: [{' '.join(options.args)}]", "api-versions")
    found = set((env.client.request("GET", "/api").json() or {}).get("versions") or ())
    for group in (env.client.request("GET", "/apis").json() or {}).get("groups") or ():
        found.update(v["groupVersion"] for v in group["versions"])
    for version in sorted(found):
        env.out(version)


COMMAND = Command(
    "api-versions",
    'Print the API versions that the server serves, as "group/version"',
    run,
    examples="# The served versions\nkk api-versions",
)
