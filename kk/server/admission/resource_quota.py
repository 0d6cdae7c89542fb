"""ResourceQuota: what a namespace may use in all. Each write takes its share by a conditional update of the quota's status before it is stored.

So two writers never take the last share both. Shares are given back by the quota controller, which counts anew; here nothing is given back
but what a later quota of the same write refused. A quota binds once its status says how much is used. Texts follow `pkg/quota/v1`.
"""

from typing import Any

from kk.base.errors import StatusError
from kk.base.quantity import Quantity
from kk.kinds._quota_usage import Usage, concerns, missing, usage
from kk.server.admission._shared import Obj, refuse
from kk.server.context import LOOPBACK, Attributes, Plugin

_ZERO = Quantity.parse("0")
#: resources whose updates can use more
_GROWING = ("persistentvolumeclaims", "services")


async def validate(a: Attributes) -> None:
    """Take the object's share of each quota. Raises StatusError 403."""
    obj = a.obj
    if obj is None or not a.resource.namespaced:
        return
    cache = a.server.cache
    if not cache.shelves[("", "resourcequotas")].items:
        return
    quotas = [q for q in cache.iterate("", "resourcequotas", a.namespace) if _binds(q)]
    if not quotas:
        return
    delta = _delta(a, obj)
    wanted = []
    for quota in quotas:
        if not concerns(quota, a.resource.plural, a.resource.group, obj):
            continue
        if a.operation == "CREATE" and a.resource.key == ("", "v1", "pods"):
            _must_state(a, quota, obj)
        share = {k: v for k, v in delta.items() if k in quota["status"]["hard"]}
        if share:
            _check(a, quota, share)
            wanted.append((quota["metadata"]["name"], share))
    if a.dry_run:
        return
    taken: list[tuple[str, Usage]] = []
    try:
        for name, share in wanted:
            await _take(a, name, share, 1)
            taken.append((name, share))
    except StatusError:
        for name, share in taken:
            await _take(a, name, share, -1)
        raise


def _binds(quota: Obj) -> bool:
    return bool((quota.get("status") or {}).get("hard"))


def _delta(a: Attributes, obj: Obj) -> Usage:
    """What the write uses more than before."""
    after = usage(a.resource.plural, a.resource.group, obj)
    if a.operation == "CREATE":
        return {k: v for k, v in after.items() if v.milli() > 0}
    if a.resource.group or a.resource.plural not in _GROWING or a.old is None:
        return {}
    before = usage(a.resource.plural, a.resource.group, a.old)
    grown = {k: v - before.get(k, _ZERO) for k, v in after.items()}
    return {k: v for k, v in grown.items() if v.milli() > 0}


def _must_state(a: Attributes, quota: Obj, pod: Obj) -> None:
    lacking = missing(pod["spec"], quota["status"]["hard"])
    if lacking:
        text = "; ".join(f"{name} for: {','.join(names)}" for name, names in lacking.items())
        raise refuse(a, f"failed quota: {quota['metadata']['name']}: must specify {text}")


def _check(a: Attributes, quota: Obj, share: Usage) -> None:
    """Raise StatusError 403 where the share is not there."""
    status, name = quota["status"], quota["metadata"]["name"]
    hard, used = status["hard"], status.get("used") or {}
    unknown = sorted(k for k in share if k not in used)
    if unknown:
        raise refuse(a, f"status unknown for quota: {name}, resources: {','.join(unknown)}")
    over = [k for k in sorted(share) if (Quantity.parse(used[k]) + share[k]).milli() > Quantity.parse(hard[k]).milli()]
    if over:
        raise refuse(
            a,
            f"exceeded quota: {name}, requested: {_list(over, share)}, "
            f"used: {_list(over, used)}, limited: {_list(over, hard)}",
        )


def _list(names: list[str], values: Any) -> str:
    return ",".join(f"{n}={_text(values[n])}" for n in names)


def _text(value: Any) -> str:
    return (value if isinstance(value, Quantity) else Quantity.parse(value)).canonical()


async def _take(a: Attributes, name: str, share: Usage, sign: int) -> None:
    """Add a share to what is used, or take it back, on what the quota says at the moment of the write."""

    def change(quota: Obj) -> Obj:
        status = quota.get("status") or {}
        if not status.get("hard"):
            return quota
        if sign > 0:
            _check(a, quota, {k: v for k, v in share.items() if k in status["hard"]})
        used = dict(status.get("used") or {})
        for key, amount in share.items():
            if key in used:
                held = Quantity.parse(used[key])
                used[key] = (held + amount if sign > 0 else held - amount).canonical()
        return {**quota, "status": {**status, "used": used}}

    await a.server.write.update("v1", "resourcequotas", name, change, a.namespace, "status", LOOPBACK)


PLUGIN = Plugin("ResourceQuota", 1000, validate=validate, operations=("CREATE", "UPDATE"))
