"""What aggregated servers serve, in the words of this server's discovery documents. Pure."""

from typing import Any

from kk.server.aggregation.remote import Remote

Obj = dict[str, Any]


def discovered(found: Remote) -> Obj:
    """A version of an APIGroupDiscovery; Stale where the server does not answer now."""
    fresh = "Current" if found.available and not found.stale else "Stale"
    return {"version": found.version, "resources": _resources(found), "freshness": fresh}


def _resources(found: Remote) -> list[Obj]:
    made: dict[str, Obj] = {}
    for r in found.resources:
        name = r.get("name") or ""
        if "/" not in name:
            made[name] = _resource(found, r)
    for r in found.resources:
        name, slash, sub = (r.get("name") or "").partition("/")
        if slash and name in made:
            part = {"subresource": sub, "responseKind": _kind(found, r), "verbs": r.get("verbs") or []}
            made[name].setdefault("subresources", []).append(part)
    return list(made.values())


def _kind(found: Remote, r: Obj) -> Obj:
    own = {"group": r.get("group") or found.group, "version": r.get("version") or found.version}
    return {**own, "kind": r.get("kind") or ""}


def _resource(found: Remote, r: Obj) -> Obj:
    made: Obj = {
        "resource": r["name"],
        "responseKind": _kind(found, r),
        "scope": "Namespaced" if r.get("namespaced") else "Cluster",
        "singularResource": r.get("singularName") or "",
        "verbs": r.get("verbs") or [],
    }
    for key in ("shortNames", "categories"):
        if r.get(key):
            made[key] = r[key]
    return made
