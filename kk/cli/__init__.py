"""Floor 4, the command line: `main` runs a verb of `verbs/`, output goes through a printer of `printers/`.

Start-up is a feature: modules here import nothing costly at the top (no typing, dataclasses, click, yaml, requests), so that
`kk get` answers as fast as kubectl; tests/cli/test_startup.py holds that.
"""
