"""The ConfigMap kube-public/cluster-info: where the cluster is and which CA it trusts, for nodes that join with a token.

As kubeadm makes it: a kubeconfig without users, readable by everybody (it holds nothing secret), which the bootstrap signer signs with each
token. The right to read it comes with the ConfigMap and not again, so that an administrator can take it away.
Not here: signatures (kk.control.controllers.bootstrapsigner) and what joins.
"""

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kk.server.context import Config
from kk.server.pki import reachable_url

Obj = dict[str, Any]
NAMESPACE, NAME = "kube-public", "cluster-info"
#: the name of kubeadm's role and binding, which its documentation tells people to delete
READERS = "kubeadm:bootstrap-signer-clusterinfo"
_RBAC = "rbac.authorization.k8s.io"


def kubeconfig(config: Config) -> str:
    """The kubeconfig of nobody, as YAML."""
    authority = base64.b64encode(_authority(config)).decode()
    lines = (
        "apiVersion: v1",
        "clusters:",
        "- cluster:",
        f"    certificate-authority-data: {authority}",
        f"    server: {reachable_url(config.host, config.port)}",
        '  name: ""',
        "contexts: null",
        'current-context: ""',
        "kind: Config",
        "users: null",
    )
    return "\n".join(lines) + "\n"


def stale(held: str, config: Config) -> bool:
    """Whether what is told leads nowhere: another CA, or this host at what is no longer its address. Other hosts are somebody's choice."""
    if base64.b64encode(_authority(config)).decode() not in held:
        return True
    now = reachable_url(config.host, config.port)
    here = {_host(now), _host(reachable_url("", 0)), "127.0.0.1", "::1"}
    urls = [line.split()[-1] for line in held.splitlines() if line.strip().startswith("server: ")]
    return any(url != now and _host(url) in here for url in urls)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def config_map(config: Config) -> Obj:
    """The ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {"kubeconfig": kubeconfig(config)},
    }


def readers() -> tuple[Obj, Obj]:
    """The Role and the RoleBinding that let everybody read it."""
    metadata = {"name": READERS, "namespace": NAMESPACE}
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": [NAME]}
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]}
    subject = {"kind": "User", "apiGroup": _RBAC, "name": "system:anonymous"}
    ref = {"apiGroup": _RBAC, "kind": "Role", "name": READERS}
    binding = {"kind": "RoleBinding", "metadata": dict(metadata), "subjects": [subject], "roleRef": ref}
    return role, {"apiVersion": f"{_RBAC}/v1", **binding}


def _authority(config: Config) -> bytes:
    return (Path(config.data_dir) / "pki" / "ca.crt").read_bytes()
