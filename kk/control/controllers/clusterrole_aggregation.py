"""ClusterRoles that gather: their rules are those of all roles that their selectors match (admin, edit and view are such roles)."""

from collections.abc import Iterable
from typing import Any

from kk.base.selectors import from_label_selector

from ..controller import Controller, Watch

Obj = dict[str, Any]
_API, _PLURAL = "rbac.authorization.k8s.io/v1", "clusterroles"


def plan(role: Obj, roles: Iterable[Obj]) -> list[Obj] | None:
    """The rules that a gathering role should have, each once, in the order of selectors and names; None where it has them. Pure."""
    wanted: list[Obj] = []
    ordered = sorted(roles, key=lambda r: r["metadata"]["name"])
    for given in role["aggregationRule"].get("clusterRoleSelectors") or ():
        selector = from_label_selector(given)
        for other in ordered:
            if other["metadata"]["name"] == role["metadata"]["name"]:
                continue
            if selector.matches(other["metadata"].get("labels") or {}):
                wanted += [rule for rule in other.get("rules") or () if rule not in wanted]
    return None if wanted == (role.get("rules") or []) else wanted


def reconcile(ctx: Any, key: str) -> None:
    """key is a role."""
    informer = ctx.informer(_API, _PLURAL)
    role = informer.get(key)
    if role is None or not role.get("aggregationRule"):
        return
    rules = plan(role, informer.list())
    if rules is not None:
        ctx.resource(_API, _PLURAL).patch(key, {"rules": rules}, "merge")


def _gathering(ctx: Any, event: str, obj: Obj, old: Obj | None) -> list[str]:
    """Any change of a role concerns all that gather; a role's own rules concern those that gather it."""
    del event
    if old is not None and all(obj.get(k) == old.get(k) for k in ("rules", "aggregationRule")):
        if obj["metadata"].get("labels") == old["metadata"].get("labels"):
            return []
    return [r["metadata"]["name"] for r in ctx.informer(_API, _PLURAL).list() if r.get("aggregationRule")]


CONTROLLER = Controller(
    "clusterrole-aggregation-controller",
    reconcile,
    watches=(Watch(_API, _PLURAL, _gathering),),
    aliases=("clusterrole_aggregation",),
)
