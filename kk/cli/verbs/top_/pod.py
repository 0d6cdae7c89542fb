"""`kk top pod`: what pods use."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...common import ALL_NAMESPACES, FIELD_SELECTOR, SELECTOR
from ...context import Env
from ...errors import CommandError
from ._common import IGNORED, NO_HEADERS, SORT_BY, check_sort, mebi, memory, metrics, milli_cpu, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def rows(found: list[dict[str, Any]], by_container: bool, sort: str) -> list[tuple[list[str], int, int]]:
    """([namespace, pod, container], CPU, memory) of each line, in order."""
    out = []
    for pod in found:
        meta, containers = pod["metadata"], pod.get("containers") or []
        if by_container:
            lines = [(c["name"], milli_cpu(c["usage"]), memory(c["usage"])) for c in containers]
        else:
            lines = [("", sum(milli_cpu(c["usage"]) for c in containers), sum(memory(c["usage"]) for c in containers))]
        out += [([meta.get("namespace", ""), meta["name"], name], cpu, used) for name, cpu, used in lines]
    if sort:
        return sorted(out, key=lambda r: -(r[1] if sort == "cpu" else r[2]))
    return sorted(out, key=lambda r: r[0])


def run(env: Env, options: Options) -> None:
    """Print the table."""
    check_sort(options.sort_by)
    if len(options.args) > 1:
        raise env.usage(f"accepts at most 1 arg(s), received {len(options.args)}", "top pod")
    if options.args and (options.selector or options.field_selector):
        raise CommandError("only one of NAME or selector can be provided")
    query = {k: v for k, v in (("labelSelector", options.selector), ("fieldSelector", options.field_selector)) if v}
    path = "pods" if options.all_namespaces else f"namespaces/{env.namespace}/pods"
    found = metrics(env, f"{path}/{options.args[0]}" if options.args else path, query)
    if not found:
        env.err("No resources found" + ("" if options.all_namespaces else f" in {env.namespace} namespace."))
        return
    shown = [i for i, on in enumerate((options.all_namespaces, True, options.containers)) if on]
    names = ["NAMESPACE", "POD" if options.containers else "NAME", "NAME"]
    lines = [] if options.no_headers else [[*(names[i] for i in shown), "CPU(cores)", "MEMORY(bytes)"]]
    data = rows(found, options.containers, options.sort_by)
    lines += [[*(cells[i] for i in shown), f"{cpu}m", mebi(used)] for cells, cpu, used in data]
    if options.sum:
        blank = [""] * len(shown)
        lines += [
            [*blank, "________", "________"],
            [*blank, f"{sum(r[1] for r in data)}m", mebi(sum(r[2] for r in data))],
        ]
    table(env, lines)


COMMAND = Command(
    "top pod",
    "Show use of CPU and memory of pods",
    run,
    usage="[NAME | -l label]",
    aliases=("pods", "po"),
    examples="""# All pods of the namespace
kk top pod

# By container
kk top pod web-1 --containers""",
    flags=(
        ALL_NAMESPACES,
        Flag("containers", type="bool", help="A line for each container."),
        FIELD_SELECTOR,
        NO_HEADERS,
        SELECTOR,
        SORT_BY,
        Flag("sum", type="bool", help="Add the sum of all."),
        *IGNORED,
    ),
    complete="pods",
)
