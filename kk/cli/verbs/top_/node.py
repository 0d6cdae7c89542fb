"""`kk top node`: what nodes use, and how much of what they have."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...common import SELECTOR
from ...context import Env
from ...errors import CommandError
from ._common import IGNORED, NO_HEADERS, SORT_BY, check_sort, mebi, memory, metrics, milli_cpu, table


def run(env: Env, options: Options) -> None:
    """Print the table."""
    check_sort(options.sort_by)
    if len(options.args) > 1:
        raise env.usage(f"accepts at most 1 arg(s), received {len(options.args)}", "top node")
    if options.args and options.selector:
        raise CommandError("only one of NAME or --selector can be provided")
    query = {"labelSelector": options.selector} if options.selector else {}
    found = metrics(env, f"nodes/{options.args[0]}" if options.args else "nodes", query)
    nodes = {n["metadata"]["name"]: n for n in env.client.request("GET", "/api/v1/nodes", query=query).json()["items"]}
    field = "capacity" if options.show_capacity else "allocatable"
    data = []
    for one in found:
        name = one["metadata"]["name"]
        has = (nodes.get(name, {}).get("status") or {}).get(field) or {}
        data.append((name, milli_cpu(one["usage"]), milli_cpu(has), memory(one["usage"]), memory(has)))
    data.sort(key=lambda r: (-r[1] if options.sort_by == "cpu" else -r[3] if options.sort_by else 0, r[0]))
    lines = [] if options.no_headers else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    lines += [
        [name, f"{cpu}m", _part(cpu, most), mebi(used), _part(used, total)] for name, cpu, most, used, total in data
    ]
    table(env, lines)


def _part(used: int, total: int) -> str:
    return f"{used * 100 // total}%" if total else "<unknown>"


COMMAND = Command(
    "top node",
    "Show use of CPU and memory of nodes",
    run,
    usage="[NAME | -l label]",
    aliases=("nodes", "no"),
    examples="""# All nodes
kk top node""",
    flags=(
        NO_HEADERS,
        SELECTOR,
        Flag("show-capacity", type="bool", help="Count by capacity instead of what pods may use."),
        SORT_BY,
        *IGNORED,
    ),
    complete="nodes",
)
