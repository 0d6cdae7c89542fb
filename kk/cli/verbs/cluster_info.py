"""`kk cluster-info`: where the control plane and the services that call themselves cluster services are."""

from __future__ import annotations

from ..command import Command, Options
from ..context import Env
from ..errors import CommandError

_GREEN, _YELLOW, _END = "\033[0;32m", "\033[0;33m", "\033[0m"


def run(env: Env, options: Options) -> None:
    """Print the addresses."""
    if options.args:
        raise CommandError(f'unknown command "{options.args[0]}" for "{env.prog} cluster-info"')
    server = env.connection.server
    query = {"labelSelector": "kubernetes.io/cluster-service=true"}
    space = env.options.namespace or "kube-system"
    services = env.client.request("GET", f"/api/v1/namespaces/{space}/services", query=query).json()
    _line(env, "Kubernetes control plane", server)
    for service in services.get("items") or ():
        meta = service["metadata"]
        name = (meta.get("labels") or {}).get("kubernetes.io/name") or meta["name"]
        port = (service["spec"].get("ports") or [{}])[0]
        scheme = "https:" if port.get("port") == 443 else ""
        ending = port.get("name") or ""
        path = f"/api/v1/namespaces/{meta['namespace']}/services/{scheme}{meta['name']}:{ending}/proxy"
        _line(env, name, server + path)
    env.out("")
    env.out(f"To further debug and diagnose cluster problems, use '{env.prog} cluster-info dump'.")


def _line(env: Env, name: str, link: str) -> None:
    if env.stdout.isatty():
        env.out(f"{_GREEN}{name}{_END} is running at {_YELLOW}{link}{_END}")
    else:
        env.out(f"{name} is running at {link}")


COMMAND = Command(
    "cluster-info",
    "Show where the cluster is",
    run,
    section="Cluster Management Commands",
    usage="[flags]",
    text="Show the addresses of the control plane and of services labelled kubernetes.io/cluster-service=true.",
    examples="# The addresses\nkk cluster-info",
    package="kk.cli.verbs.cluster_info_",
)
