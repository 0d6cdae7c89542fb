"""`python -m kk.agent --kubeconfig F --node-name N --root-dir D …`."""

import sys

from kk.agent.main import main

sys.exit(main())
