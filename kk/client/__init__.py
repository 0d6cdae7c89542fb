"""kk.client: how everything outside the API server speaks with it: kubeconfig, HTTP, discovery, informers, work queue, leases, events.

Floor 2: knows the protocol, and no kind. The command line imports single modules of it, so each must stay cheap to import.
"""
