"""A `default` service account for each namespace that is not on its way out."""

from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch

Obj = dict[str, Any]


def wanted(namespace: Obj | None, account: Obj | None) -> bool:
    """Whether the account is to be made. Pure."""
    if namespace is None or account is not None:
        return False
    return (namespace.get("status") or {}).get("phase", "Active") == "Active" and not namespace["metadata"].get(
        "deletionTimestamp"
    )


def reconcile(ctx: Any, key: str) -> None:
    """key is a namespace."""
    namespace = ctx.informer("v1", "namespaces").get(key)
    if not wanted(namespace, ctx.informer("v1", "serviceaccounts").get(f"{key}/default")):
        return
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": key}}
    try:
        ctx.resource("v1", "serviceaccounts", key).create(account)
    except StatusError as error:
        if error.code != 409 and not gone_or_going(error):
            raise


def gone_or_going(error: StatusError) -> bool:
    """Whether an error says that the namespace is deleted, or being deleted."""
    causes = error.details.get("causes") or ()
    return error.code == 404 or any(c.get("reason") == "NamespaceTerminating" for c in causes)


def _deleted(ctx: Any, event: str, obj: Obj, old: Obj | None) -> list[str]:
    del ctx, old
    return [obj["metadata"]["namespace"]] if event == "DELETED" and obj["metadata"]["name"] == "default" else []


CONTROLLER = Controller(
    "serviceaccount-controller",
    reconcile,
    watches=(Watch("v1", "namespaces"), Watch("v1", "serviceaccounts", _deleted)),
)
