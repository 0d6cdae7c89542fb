"""`kk config get-contexts`: the contexts of the kubeconfig, as a table."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files

HEADERS = ("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE")


def run(env: Env, options: Options) -> None:
    """Print all, or those that are named."""
    if options.output not in ("", "name"):
        raise CommandError(
            f"--output {options.output} is not available in {env.prog} config get-contexts; resetting to default output format"
        )
    files = Files(env)
    names = options.args or files.names("contexts")
    missing = [n for n in names if files.entry("contexts", n) is None]
    rows: list[tuple[str, ...]] = []
    if not options.no_headers and options.output != "name":
        rows.append(HEADERS)
    for name in sorted(n for n in names if n not in missing):
        entry = files.entry("contexts", name) or {}
        star = "*" if name == files.current else ""
        rows.append(
            (star, name, str(entry.get("cluster", "")), str(entry.get("user", "")), str(entry.get("namespace", "")))
        )
    if options.output == "name":
        for row in rows:
            env.out(row[1])
    else:
        for line in aligned(rows):
            env.out(line)
    if missing:
        raise CommandError("\n".join(f"context {n} not found" for n in missing))


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Cells in columns, three spaces between."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) + 3 for i in range(len(rows[0]))]
    return ["".join(cell.ljust(widths[i]) for i, cell in enumerate(row[:-1])) + row[-1] for row in rows]


COMMAND = Command(
    "config get-contexts",
    "List the contexts",
    run,
    usage="[(-o|--output=)name)]",
    examples="""# All contexts
kk config get-contexts

# One of them
kk config get-contexts lab""",
    flags=(
        Flag("no-headers", type="bool", help="Leave out the line of headers."),
        Flag("output", "o", help='"name" prints names only.', values=("name",)),
    ),
    complete="contexts",
)
