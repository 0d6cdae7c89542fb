"""What the verbs of `top` share: asking the metrics API, and the columns."""

from __future__ import annotations

from ...command import Flag
from ...context import Env
from ...errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NO_HEADERS = Flag("no-headers", type="bool", help="Leave out the line of headers.")
SORT_BY = Flag("sort-by", values=("cpu", "memory"), help="Sort by cpu or memory, most first.")
IGNORED = (
    Flag("show-swap", type="bool", hidden=True, help="Accepted for compatibility."),
    Flag("use-protocol-buffers", type="bool", default=True, hidden=True, help="Accepted for compatibility."),
)


def metrics(env: Env, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """The items of a metrics list, or the one object.

    Raises CommandError where the cluster has no metrics.
    """
    if not any(v.startswith("metrics.k8s.io/") for v in env.discovery.versions()):
        raise CommandError("Metrics API not available")
    answer = env.client.request("GET", f"/apis/metrics.k8s.io/v1beta1/{path}", query=query).json()
    return answer.get("items", [answer])


def milli_cpu(usage: dict[str, str]) -> int:
    """Thousandths of a core."""
    from kk.base.quantity import Quantity

    return Quantity.parse(usage.get("cpu", "0")).milli()


def memory(usage: dict[str, str]) -> int:
    """Bytes."""
    from kk.base.quantity import Quantity

    return Quantity.parse(usage.get("memory", "0")).value()


def mebi(amount: int) -> str:
    """`12Mi`, as the columns show bytes."""
    return f"{amount // (1024 * 1024)}Mi"


def check_sort(value: str) -> None:
    """Raises CommandError for another word."""
    if value not in ("", "cpu", "memory"):
        raise CommandError("--sort-by accepts only cpu or memory")


def table(env: Env, rows: list[list[str]]) -> None:
    """Print rows in columns, three spaces between; no spaces at line ends but those of empty cells."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        env.out("".join(cell.ljust(widths[i] + 3) for i, cell in enumerate(row)))
