"""Bootstrap tokens as the controllers see them: the Secrets kube-system/bootstrap-token-*, decoded."""

import base64
from datetime import datetime
from typing import Any

from kk.base.times import parse_time

Obj = dict[str, Any]
NAMESPACE, TYPE, PREFIX = "kube-system", "bootstrap.kubernetes.io/token", "bootstrap-token-"


def informer(ctx: Any) -> Any:
    """The shared informer of these Secrets alone."""
    return ctx.factory.informer("v1", "secrets", NAMESPACE, field_selector=f"type={TYPE}")


def data_of(secret: Obj) -> dict[str, str]:
    """The data of a Secret as text; what is none is left out."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value).decode()
        except ValueError:
            continue
    return found


def left(secret: Obj, now: datetime) -> float | None:
    """Seconds that a token still holds; None: for ever. A date that is none has passed. Pure."""
    text = data_of(secret).get("expiration", "")
    if not text:
        return None
    try:
        return (parse_time(text) - now).total_seconds()
    except ValueError:
        return 0.0
