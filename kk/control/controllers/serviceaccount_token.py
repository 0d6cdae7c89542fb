"""Secrets that hold a token of a ServiceAccount: filled when they are made, deleted with their account.

The token is asked of the API server and bound to the Secret; it lives as long as the server lets any token live, which is more than a century.
"""

import base64
from collections.abc import Iterator
from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch

Obj = dict[str, Any]
TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
#: the longest life that may be asked for
_SECONDS = 1 << 32


def plan(secret: Obj, account: Obj | None) -> str:
    """What is to be done: "delete", "fill" or "" for nothing. Pure."""
    meta = secret["metadata"]
    marks = meta.get("annotations") or {}
    if meta.get("deletionTimestamp") or not marks.get(NAME):
        return ""
    if account is None or marks.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
        return "delete"
    data = secret.get("data") or {}
    whole = marks.get(UID) and all(data.get(k) for k in ("token", "namespace"))
    return "" if whole else "fill"


def reconcile(ctx: Any, key: str) -> None:
    """key is a secret."""
    secret = ctx.state["secrets"].get(key)
    if secret is None:
        return
    namespace, name = secret["metadata"]["namespace"], secret["metadata"]["name"]
    owner = (secret["metadata"].get("annotations") or {}).get(NAME, "")
    accounts = ctx.resource("v1", "serviceaccounts", namespace)
    account = ctx.informer("v1", "serviceaccounts").get(f"{namespace}/{owner}")
    if account is None and owner:
        account = _asked(accounts, owner)  # the two informers may be a moment apart
    action = plan(secret, account)
    secrets = ctx.resource("v1", "secrets", namespace)
    try:
        if action == "delete":
            secrets.delete(name, preconditions={"uid": secret["metadata"]["uid"]})
        elif action == "fill" and account is not None:
            secrets.update(_filled(ctx, secret, account, accounts))
    except StatusError as error:
        if error.code != 404:
            raise


def _asked(accounts: Any, name: str) -> Obj | None:
    try:
        found: Obj = accounts.get(name)
    except StatusError as error:
        if error.code == 404:
            return None
        raise
    return found


def _filled(ctx: Any, secret: Obj, account: Obj, accounts: Any) -> Obj:
    meta = secret["metadata"]
    bound = {"apiVersion": "v1", "kind": "Secret", "name": meta["name"], "uid": meta["uid"]}
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"boundObjectRef": bound, "expirationSeconds": _SECONDS},
    }
    path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{account['metadata']['name']}/token"
    token = ctx.client.request("POST", path, body=request).json()["status"]["token"]
    data = {"token": token.encode(), "namespace": meta["namespace"].encode()}
    if ctx.client.connection.ca_data:
        data["ca.crt"] = ctx.client.connection.ca_data
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    annotations = {**(meta.get("annotations") or {}), UID: account["metadata"]["uid"]}
    return {
        **secret,
        "metadata": {**meta, "annotations": annotations},
        "data": {**(secret.get("data") or {}), **encoded},
    }


def _of_account(ctx: Any, event: str, obj: Obj, old: Obj | None) -> Iterator[str]:
    """The secrets of an account that came or went."""
    del old
    if event == "MODIFIED":
        return
    meta = obj["metadata"]
    for secret in ctx.state["secrets"].list(meta["namespace"]):
        if (secret["metadata"].get("annotations") or {}).get(NAME) == meta["name"]:
            yield f"{meta['namespace']}/{secret['metadata']['name']}"


def setup(ctx: Any) -> None:
    """Follow secrets of this type alone: others are nobody's business here."""
    informer = ctx.factory.informer("v1", "secrets", field_selector=f"type={TYPE}")
    informer.add_handler(
        lambda event, obj, old: ctx.enqueue(f"{obj['metadata']['namespace']}/{obj['metadata']['name']}")
    )
    ctx.state["secrets"] = informer


CONTROLLER = Controller(
    "serviceaccount-token-controller",
    reconcile,
    watches=(Watch("v1", "serviceaccounts", _of_account),),
    aliases=("serviceaccount-token",),
    setup=setup,
)
