"""`python -m kk.control`: the controllers without the command line."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
