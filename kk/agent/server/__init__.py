"""The kubelet's HTTPS API: logs, exec, attach, port-forward, pods, stats. Only the API server's client certificate is let in.

listener.py accepts and reads requests, routes.py says who answers; everything heavy is imported with the first request that needs it.
"""
