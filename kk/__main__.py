"""The `kk` command. Everything it does lives in kk.cli; this file only names the way in."""

import sys


def main() -> None:
    """Run the command line and leave with its exit status."""
    from kk.cli.main import run

    sys.exit(run(sys.argv))


if __name__ == "__main__":
    main()
