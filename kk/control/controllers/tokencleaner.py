"""Deletes bootstrap tokens when their time is over."""

from typing import Any

from kk.base.errors import StatusError

from ..controller import Controller
from ._bootstrap import NAMESPACE, informer, left


def reconcile(ctx: Any, key: str) -> float | None:
    """key is the namespace/name of a Secret."""
    secret = ctx.state["secrets"].get(key)
    if secret is None:
        return None
    wait = left(secret, ctx.clock.now())
    if wait is None or wait > 0:
        return wait
    meta = secret["metadata"]
    try:
        ctx.resource("v1", "secrets", NAMESPACE).delete(meta["name"], preconditions={"uid": meta["uid"]})
    except StatusError as error:
        if error.code not in (404, 409):  # it went, or it is another one by now
            raise
    return None


def setup(ctx: Any) -> None:
    """Follow these Secrets alone."""
    ctx.state["secrets"] = informer(ctx)
    ctx.state["secrets"].add_handler(lambda event, obj, old: ctx.enqueue(f"{NAMESPACE}/{obj['metadata']['name']}"))


CONTROLLER = Controller("token-cleaner-controller", reconcile, aliases=("tokencleaner",), setup=setup)
