"""ResourceQuotas: how much of each is used, counted anew when a quota changes or something that it counts is gone.

The API server takes shares as things are made (its ResourceQuota admission); this controller gives them back, and fills the status of new quotas.
Informers of what quotas count are started when the first quota asks for them.
"""

from collections.abc import Callable, Iterable
from typing import Any

from kk.base.quantity import Quantity
from kk.client.informer import key_of
from kk.kinds._quota_usage import concerns, is_counted, is_over, target, usage

from ..controller import Controller, Watch

Obj = dict[str, Any]
_ZERO = Quantity.parse("0")
#: seconds until a quota is looked at again whose informer is still listing
_SOON = 1.0


def plan(quota: Obj, objects: Callable[[str, str], Iterable[Obj]]) -> Obj | None:
    """The status that a quota should have, or None where it has it; `objects` gives what is in its namespace by (plural, group). Pure."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    used: dict[str, str] = {}
    for place in dict.fromkeys(t for t in map(target, hard) if t is not None):
        names = [n for n in hard if target(n) == place]
        totals = dict.fromkeys(names, _ZERO)
        for obj in objects(*place):
            if not concerns(quota, *place, obj):
                continue
            amounts = usage(*place, obj)
            for name in names:
                if name in amounts and is_counted(name, obj):
                    totals[name] = totals[name] + amounts[name]
        used |= {name: total.canonical() for name, total in totals.items()}
    wanted = {"hard": dict(hard), "used": used}
    held = quota.get("status") or {}
    return None if {k: held.get(k) or {} for k in wanted} == wanted else wanted


def reconcile(ctx: Any, key: str) -> float | None:
    """key is a quota."""
    quota = ctx.informer("v1", "resourcequotas").get(key)
    if quota is None or quota["metadata"].get("deletionTimestamp"):
        return None
    namespace = quota["metadata"]["namespace"]
    places = {t for t in map(target, (quota.get("spec") or {}).get("hard") or {}) if t is not None}
    informers = {place: _informer(ctx, *place) for place in places}
    if any(i is not None and not i.synced for i in informers.values()):
        return _SOON

    def objects(plural: str, group: str) -> Iterable[Obj]:
        informer = informers[(plural, group)]
        return informer.list(namespace) if informer is not None else ()

    status = plan(quota, objects)
    if status is not None:
        ctx.resource("v1", "resourcequotas", namespace).update_status({**quota, "status": status})
    return None


def _informer(ctx: Any, plural: str, group: str) -> Any:
    """The informer of what a quota counts, or None where no such thing is served."""
    known = ctx.state["informers"]
    if (plural, group) not in known:
        word = f"{plural}.{group}" if group else plural
        found = ctx.discovery.find(word)
        if found is None and group:  # it may have been defined since
            ctx.discovery.invalidate()
            found = ctx.discovery.find(word)
        if found is None or found.name != plural or found.group != group:
            return None
        informer = ctx.informer(found.api_version, plural)
        informer.add_handler(lambda event, obj, old: _changed(ctx, (plural, group), event, obj, old))
        known[(plural, group)] = informer
    return known[(plural, group)]


def _changed(ctx: Any, place: tuple[str, str], event: str, obj: Obj, old: Obj | None) -> None:
    """Something went, ended or shrank: the quotas of its namespace count anew."""
    if event != "DELETED" and (old is None or not _gave_back(place, obj, old)):
        return
    for quota in ctx.informer("v1", "resourcequotas").list(obj["metadata"].get("namespace")):
        ctx.enqueue(f"{quota['metadata']['namespace']}/{quota['metadata']['name']}")


def _gave_back(place: tuple[str, str], obj: Obj, old: Obj) -> bool:
    if is_over(obj) != is_over(old):
        return True
    if place[1] or place[0] not in ("pods", "services", "persistentvolumeclaims"):
        return False
    after = usage(*place, obj)
    return any(amount.milli() > after.get(name, _ZERO).milli() for name, amount in usage(*place, old).items())


def _own(ctx: Any, event: str, obj: Obj, old: Obj | None) -> list[str]:
    """New quotas and new bounds. What admission writes into the status is newer than the informers: to count on it would take shares back."""
    del ctx, event
    if old is not None and old.get("spec") == obj.get("spec"):
        return []
    return [key_of(obj)]


def setup(ctx: Any) -> None:
    """No informers yet."""
    ctx.state["informers"] = {}


CONTROLLER = Controller(
    "resourcequota-controller", reconcile, watches=(Watch("v1", "resourcequotas", _own),), setup=setup
)
