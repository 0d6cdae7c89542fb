"""`python -m kk.server --data-dir DIR --port P`."""

import sys

from kk.server.main import main

sys.exit(main())
