"""Signs the ConfigMap kube-public/cluster-info with each bootstrap token, so that who holds one can trust the CA that it tells of.

A signature is a JSON Web Signature without its payload (RFC 7515, appendix F), HS256, its key the token's secret; as kubernetes
`pkg/controller/bootstrap`. Nobody makes the ConfigMap here: where there is none, there is nothing to sign.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller, Watch
from ._bootstrap import NAMESPACE, PREFIX, Obj, data_of, informer, left

_PUBLIC, _NAME, _PREFIX = "kube-public", "cluster-info", "jws-kubeconfig-"
_KEY = f"{_PUBLIC}/{_NAME}"


def signature(content: str, token_id: str, secret: str) -> str:
    """The detached signature of a text. Pure."""
    head = json.dumps({"alg": "HS256", "kid": token_id}, separators=(",", ":")).encode()
    signed = f"{_b64(head)}.{_b64(content.encode())}"
    return f"{_b64(head)}..{_b64(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def plan(config: Obj, secrets: list[Obj], now: datetime) -> dict[str, str] | None:
    """The ConfigMap's data as it should be; None where it is so. Pure."""
    held = config.get("data") or {}
    content = held.get("kubeconfig")
    if content is None:
        return None
    wanted = {k: v for k, v in held.items() if not k.startswith(_PREFIX)}
    for secret in secrets:
        data, wait = data_of(secret), left(secret, now)
        token_id = data.get("token-id", "")
        if secret["metadata"]["name"] != f"{PREFIX}{token_id}" or not data.get("token-secret"):
            continue
        if data.get("usage-bootstrap-signing") == "true" and (wait is None or wait > 0):
            wanted[_PREFIX + token_id] = signature(content, token_id, data["token-secret"])
    return wanted if wanted != held else None


def reconcile(ctx: Any, key: str) -> None:
    """key is the ConfigMap's."""
    config = ctx.informer("v1", "configmaps").get(_KEY)
    if config is None:
        return
    data = plan(config, ctx.state["secrets"].list(NAMESPACE), ctx.clock.now())
    if data is None:
        return
    try:
        ctx.resource("v1", "configmaps", _PUBLIC).update({**config, "data": data})
    except StatusError as error:
        if error.code != 404:
            raise


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _only(ctx: Any, event: str, obj: Obj, old: Obj | None) -> list[str]:
    meta = obj["metadata"]
    return [_KEY] if (meta.get("namespace"), meta["name"]) == (_PUBLIC, _NAME) else []


def setup(ctx: Any) -> None:
    """Follow the tokens' Secrets alone."""
    ctx.state["secrets"] = informer(ctx)
    ctx.state["secrets"].add_handler(lambda event, obj, old: ctx.enqueue(_KEY))


CONTROLLER = Controller(
    "bootstrap-signer-controller",
    reconcile,
    watches=(Watch("v1", "configmaps", _only),),
    aliases=("bootstrapsigner",),
    setup=setup,
)
