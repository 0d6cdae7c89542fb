"""Which replica set is of which revision: templates, hashes, annotations, history. Pure; the rules are upstream's `deployment/util`."""

import json
from typing import Any

from kk.base.hashing import fnv1a_32
from kk.base.names import safe_encode

from . import sizes

Obj = dict[str, Any]
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    sizes.DESIRED,
    sizes.MOST,
    "deprecated.deployment.rollback.to",
}


def bare(template: Obj) -> Obj:
    """A template without its hash label."""
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH}
    kept = {k: v for k, v in meta.items() if k not in ("labels", "creationTimestamp") and v}
    return {"metadata": {**kept, "labels": labels}, "spec": template.get("spec") or {}}


def same_template(one: Obj, other: Obj) -> bool:
    """Whether two templates make the same pods."""
    return bare(one) == bare(other)


def template_hash(template: Obj, collisions: int) -> str:
    """The value of the pod-template-hash label."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return safe_encode(fnv1a_32(f"{text}{collisions or ''}".encode()))


def split(deployment: Obj, sets: list[Obj]) -> tuple[Obj | None, list[Obj]]:
    """(the replica set of the template, the others), oldest first; of several the oldest counts as the new one."""
    ordered = sorted(sets, key=lambda s: (s["metadata"].get("creationTimestamp") or "", s["metadata"]["name"]))
    template = deployment["spec"]["template"]
    new = next((s for s in ordered if same_template(s["spec"]["template"], template)), None)
    return new, [s for s in ordered if s is not new]


def revision(replica_set: Obj) -> int:
    """The revision number, 0 without one."""
    text = revision_text(replica_set)
    return int(text) if text.isdigit() else 0


def revision_text(replica_set: Obj) -> str:
    """The revision annotation."""
    return str((replica_set["metadata"].get("annotations") or {}).get(REVISION, ""))


def next_revision(old: list[Obj]) -> int:
    """One more than the newest of the old."""
    return max((revision(s) for s in old), default=0) + 1


def refreshed(deployment: Obj, replica_set: Obj, number: int) -> dict[str, str]:
    """The annotations a new replica set has: its own, the deployment's, and a revision that only rises (an older one is kept as history)."""
    held = dict(replica_set["metadata"].get("annotations") or {})
    copied = {k: v for k, v in (deployment["metadata"].get("annotations") or {}).items() if k not in _NOT_COPIED}
    found = {**held, **copied}
    if revision(replica_set) < number:
        before = held.get(REVISION)
        found[REVISION] = str(number)
        if before:
            history = [h for h in held.get(HISTORY, "").split(",") if h]
            found[HISTORY] = ",".join([*history, before])
    for name, value in sizes.annotations(deployment).items():
        found.setdefault(name, value)
    return found


def new_set(deployment: Obj, old: list[Obj], owner_reference: Obj) -> Obj:
    """The replica set to make for the template."""
    meta, spec = deployment["metadata"], deployment["spec"]
    value = template_hash(spec["template"], (deployment.get("status") or {}).get("collisionCount", 0))
    template = {**spec["template"], "metadata": {**(spec["template"].get("metadata") or {})}}
    labels = {**(template["metadata"].get("labels") or {}), HASH: value}
    template["metadata"]["labels"] = labels
    selector = {**spec["selector"]}
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: value}
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{value}",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference],
        },
        "spec": {
            "replicas": sizes.new_replicas(deployment, None, old),
            "selector": selector,
            "template": template,
        },
    }
    if spec.get("minReadySeconds"):
        made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    made["metadata"]["annotations"] = {
        **refreshed(deployment, {"metadata": {}}, next_revision(old)),
        **sizes.annotations(deployment),
    }
    return made


def beyond_history(deployment: Obj, old: list[Obj]) -> list[Obj]:
    """The old, empty replica sets that revisionHistoryLimit no longer covers, oldest revision first."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None:
        return []
    alive = sorted((s for s in old if not s["metadata"].get("deletionTimestamp")), key=revision)
    found = []
    for one in alive[: max(0, len(alive) - limit)]:
        status, meta = one.get("status") or {}, one["metadata"]
        seen = meta.get("generation", 0) <= status.get("observedGeneration", 0)
        if not status.get("replicas") and not sizes.size(one) and seen:
            found.append(one)
    return found
