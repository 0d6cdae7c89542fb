"""The cluster's CA in a config map `kube-root-ca.crt` of each namespace, for pods to trust the API server."""

from pathlib import Path
from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch
from .serviceaccount import gone_or_going

Obj = dict[str, Any]
NAME = "kube-root-ca.crt"
_ABOUT = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
}


def plan(namespace: Obj | None, current: Obj | None, pem: str) -> tuple[str, Obj] | None:
    """("create" or "update", object), or None where all is well. Pure."""
    if namespace is None or (namespace.get("status") or {}).get("phase", "Active") != "Active":
        return None
    name = namespace["metadata"]["name"]
    data = {"ca.crt": pem}
    if current is None:
        meta = {"name": NAME, "namespace": name, "annotations": _ABOUT}
        return "create", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
    meta = current["metadata"]
    if current.get("data") == data and (meta.get("annotations") or {}).items() >= _ABOUT.items():
        return None
    annotations = {**(meta.get("annotations") or {}), **_ABOUT}
    return "update", {**current, "metadata": {**meta, "annotations": annotations}, "data": data}


def reconcile(ctx: Any, key: str) -> None:
    """key is a namespace."""
    pem = ctx.state["pem"]
    if not pem:
        return
    action = plan(ctx.informer("v1", "namespaces").get(key), ctx.informer("v1", "configmaps").get(f"{key}/{NAME}"), pem)
    if action is None:
        return
    verb, obj = action
    maps = ctx.resource("v1", "configmaps", key)
    try:
        (maps.create if verb == "create" else maps.update)(obj)
    except StatusError as error:
        if not gone_or_going(error) and not (error.code == 409 and verb == "create"):
            raise


def setup(ctx: Any) -> None:
    """Read the bundle once."""
    file = getattr(ctx.options, "root_ca_file", "")
    data = Path(file).read_bytes() if file else ctx.client.connection.ca_data or b""
    ctx.state["pem"] = data.decode()


def _changed(ctx: Any, event: str, obj: Obj, old: Obj | None) -> list[str]:
    del ctx, event, old
    return [obj["metadata"]["namespace"]] if obj["metadata"]["name"] == NAME else []


CONTROLLER = Controller(
    "root-ca-certificate-publisher-controller",
    reconcile,
    watches=(Watch("v1", "namespaces"), Watch("v1", "configmaps", _changed)),
    aliases=("root-ca-cert-publisher", "root-ca", "root_ca"),
    setup=setup,
)
