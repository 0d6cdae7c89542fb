"""How pods run: the `Runtime` protocol (api.py) and level `host` (host.py), which starts plain processes through shims.

Nothing here knows the Kubernetes API; pod workers (kk.agent.pods) decide, a runtime acts.
"""
