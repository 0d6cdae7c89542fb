"""`python -m kk.scheduler --kubeconfig FILE`."""

import sys

from kk.scheduler.main import main

sys.exit(main())
