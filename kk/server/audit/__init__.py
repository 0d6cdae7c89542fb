"""The audit log: which requests are written down, how much of each, and where to.

`policy` decides the level of a request, `events` builds audit.k8s.io/v1 Events, `log` writes and rotates the file, `trail` follows one request.
"""
