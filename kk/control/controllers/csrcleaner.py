"""Deletes certificate requests that are settled, forgotten, or whose certificate has run out."""

from datetime import datetime, timedelta
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import parse_time

from ..controller import Controller, Watch
from . import _certificates as certificates
from ._certificates import API, PLURAL, Obj

#: how long a request is kept after its last step
_SETTLED, _PENDING = timedelta(hours=1), timedelta(hours=24)


def due_in(csr: Obj, now: datetime) -> float:
    """Seconds until a request is to be deleted, none or fewer for now. Pure."""
    created = parse_time(csr["metadata"]["creationTimestamp"])
    ends = []
    for kind in ("Approved", "Denied", "Failed"):
        held = certificates.has(csr, kind)
        if held is not None:
            # what is approved stays while it waits for its signer, like what nobody decided
            waits = kind == "Approved" and not (csr.get("status") or {}).get("certificate")
            told = held.get("lastUpdateTime")
            ends.append(created + _PENDING if waits else (parse_time(told) if told else created) + _SETTLED)
    ends.append(certificates.expiry(csr) or created + _PENDING)
    return (min(ends) - now).total_seconds()


def reconcile(ctx: Any, key: str) -> float | None:
    """key is the name of a request."""
    csr = ctx.informer(API, PLURAL).get(key)
    if csr is None:
        return None
    wait = due_in(csr, ctx.clock.now())
    if wait > 0:
        return wait
    try:
        ctx.resource(API, PLURAL).delete(key, preconditions={"uid": csr["metadata"]["uid"]})
    except StatusError as error:
        if error.code != 404:
            raise
    return None


CONTROLLER = Controller(
    "certificatesigningrequest-cleaner-controller",
    reconcile,
    watches=(Watch(API, PLURAL),),
    aliases=("csrcleaner",),
)
