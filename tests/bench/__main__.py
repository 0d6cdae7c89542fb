"""Runs every row group, or those named on the command line, and prints one table."""

import platform
import sys

import tabulate

from kk.base.discover import load_all


def main() -> None:
    """Print the table; a row that cannot be measured here says why."""
    groups = load_all("tests.bench.rows", "ROWS")
    chosen = sys.argv[1:] or list(groups)
    print(f"# {platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}")
    table: list[list[str]] = []
    for name in chosen:
        print(f"… {name}", file=sys.stderr, flush=True)
        table += groups[name]()
    print(
        tabulate.tabulate(
            table,
            headers=["what", "measured", "against", "ratio", "goal", ""],
            tablefmt="github",
            disable_numparse=True,
        )
    )


if __name__ == "__main__":
    main()
