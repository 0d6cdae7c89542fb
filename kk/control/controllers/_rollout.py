"""Deployment: the arithmetic of revisions and rollouts. Pure: numbers and dicts in, numbers and dicts out.

Source: k8s.io/kubernetes `pkg/controller/deployment/util/deployment_util.go`, `sync.go`, `rolling.go`.
"""

from collections.abc import Iterable
from typing import Any

from kk.base.hashing import fnv1a_32
from kk.base.names import safe_encode

Obj = dict[str, Any]
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
#: annotations of a Deployment that its ReplicaSets do not get
OWN = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
)


def replicas(obj: Obj) -> int:
    """spec.replicas, 1 where it is not set."""
    found = obj["spec"].get("replicas")
    return 1 if found is None else int(found)


def counted(obj: Obj, name: str) -> int:
    """A number of the status, 0 where it is not there."""
    return int((obj.get("status") or {}).get(name) or 0)


def total(sets: Iterable[Obj]) -> int:
    """Sum of what sets are to have."""
    return sum(replicas(s) for s in sets)


def percent(value: Any, of: int, up: bool) -> int:
    """An int-or-string as a number; percentages are rounded up or down."""
    if isinstance(value, str) and value.endswith("%"):
        scaled = int(value[:-1]) * of
        return -(-scaled // 100) if up else scaled // 100
    return int(value or 0)


def rolling(deployment: Obj) -> bool:
    """Strategy RollingUpdate."""
    return (deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"


def fences(deployment: Obj) -> tuple[int, int]:
    """(max surge, max unavailable) in pods; never both 0."""
    if not rolling(deployment) or not replicas(deployment):
        return 0, 0
    settings = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    surge = percent(settings.get("maxSurge", "25%"), replicas(deployment), True)
    unavailable = percent(settings.get("maxUnavailable", "25%"), replicas(deployment), False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, replicas(deployment))


def limit(deployment: Obj) -> int:
    """The most pods that may exist at once."""
    return replicas(deployment) + fences(deployment)[0]


def revision(obj: Obj) -> int:
    """The revision annotation, 0 where there is none."""
    text = (obj["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def created(obj: Obj) -> tuple[str, str]:
    """Sort key: age, then name."""
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]


def same_template(a: Obj, b: Obj) -> bool:
    """Templates are equal but for the hash label."""
    return _without_hash(a) == _without_hash(b)


def _without_hash(template: Obj) -> Obj:
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH}
    rest = {k: v for k, v in meta.items() if k not in ("labels", "creationTimestamp") and v}
    return {**template, "metadata": {**rest, "labels": labels}}


def current(deployment: Obj, sets: Iterable[Obj]) -> Obj | None:
    """The set of the Deployment's template; the oldest where there are several."""
    template = deployment["spec"]["template"]
    return next((s for s in sorted(sets, key=created) if same_template(s["spec"]["template"], template)), None)


def template_hash(deployment: Obj, canonical: str) -> str:
    """The hash label's value: of the template and the collision count, in letters that spell no words."""
    collisions = (deployment.get("status") or {}).get("collisionCount")
    return safe_encode(fnv1a_32(f"{canonical}{'' if collisions is None else collisions}".encode()))


def new_set(deployment: Obj, value: str, size: int, number: int, reference: Obj) -> Obj:
    """The ReplicaSet of a new template, its hash in name, labels and selector."""
    template = deployment["spec"]["template"]
    meta = {**(template.get("metadata") or {})}
    labels = {**(meta.get("labels") or {}), HASH: value}
    selector = deployment["spec"]["selector"]
    spec: Obj = {
        "replicas": size,
        "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH: value}},
        "template": {**template, "metadata": {**meta, "labels": labels}},
    }
    if deployment["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
    metadata = {
        "name": f"{deployment['metadata']['name']}-{value}",
        "namespace": deployment["metadata"]["namespace"],
        "labels": labels,
        "annotations": {**inherited(deployment), REVISION: str(number), **size_notes(deployment)},
        "ownerReferences": [reference],
    }
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def inherited(deployment: Obj) -> dict[str, str]:
    """The Deployment's annotations that its sets get too."""
    return {k: v for k, v in (deployment["metadata"].get("annotations") or {}).items() if k not in OWN}


def size_notes(deployment: Obj) -> dict[str, str]:
    """Annotations of a set that tell the size it was made for, so that a change of size is seen."""
    return {DESIRED: str(replicas(deployment)), MAXIMUM: str(limit(deployment))}


def set_annotations(deployment: Obj, rs: Obj, number: int) -> dict[str, str]:
    """Annotations of the current set: its revision raised to `number`, the former one kept in the history."""
    notes = {**(rs["metadata"].get("annotations") or {}), **inherited(deployment)}
    old = revision(rs)
    if old < number:
        if old:
            former = notes.get(HISTORY, "").split(",") if notes.get(HISTORY) else []
            notes[HISTORY] = ",".join([*former, str(old)])
        notes[REVISION] = str(number)
    return notes


def next_size(deployment: Obj, sets: list[Obj], new: Obj | None) -> int:
    """How large the new set may be now: rolling updates stay below the limit, Recreate takes all."""
    want = replicas(deployment)
    if not rolling(deployment):
        return want
    room = limit(deployment) - total(sets)
    size = replicas(new) if new else 0
    return size if room <= 0 else size + min(room, want - size)


def scaling(deployment: Obj, sets: Iterable[Obj]) -> bool:
    """The Deployment's size was changed since its sets were told of it."""
    for rs in sets:
        noted = (rs["metadata"].get("annotations") or {}).get(DESIRED)
        if replicas(rs) > 0 and noted is not None and noted != str(replicas(deployment)):
            return True
    return False


def saturated(deployment: Obj, rs: Obj | None) -> bool:
    """The set has, and was made for, everything that is wanted."""
    if rs is None:
        return False
    noted = (rs["metadata"].get("annotations") or {}).get(DESIRED)
    want = replicas(deployment)
    return replicas(rs) == want and noted == str(want) and counted(rs, "availableReplicas") == want


def proportions(deployment: Obj, sets: list[Obj]) -> dict[str, int]:
    """New sizes by set name where a Deployment is scaled in the middle of a rollout: each set by its share, the rest to the largest."""
    active = [s for s in sets if replicas(s) > 0]
    room = (limit(deployment) if replicas(deployment) > 0 else 0) - total(active)
    if not room:
        return {s["metadata"]["name"]: replicas(s) for s in active}
    active.sort(key=created, reverse=room > 0)  # growing: new sets first among equals, shrinking: old ones
    active.sort(key=lambda s: -replicas(s))
    given, sizes = 0, {}
    for rs in active:
        share = _share(deployment, rs, room, given)
        sizes[rs["metadata"]["name"]] = replicas(rs) + share
        given += share
    first = active[0]["metadata"]["name"] if active else ""
    if first:
        sizes[first] = max(0, sizes[first] + room - given)
    return sizes


def _share(deployment: Obj, rs: Obj, room: int, given: int) -> int:
    if not replicas(deployment):
        return -replicas(rs)
    noted = (rs["metadata"].get("annotations") or {}).get(MAXIMUM, "")
    base = int(noted) if noted.isdigit() and int(noted) else counted(deployment, "replicas")
    if not base:
        return 0
    exact = replicas(rs) * limit(deployment) / base
    share = int(exact + 0.5) - replicas(rs)
    left = room - given
    return min(share, left) if room > 0 else max(share, left)


def shrink_unhealthy(old: list[Obj], most: int) -> dict[str, int]:
    """New sizes of old sets after their pods that are not available are given up, oldest set first."""
    sizes, gone = {}, 0
    for rs in sorted(old, key=created):
        size = replicas(rs)
        if gone >= most or not size or size == counted(rs, "availableReplicas"):
            continue
        step = min(most - gone, size - counted(rs, "availableReplicas"))
        sizes[rs["metadata"]["name"]] = size - step
        gone += step
    return sizes


def shrink_available(deployment: Obj, old: list[Obj], sets: list[Obj], sizes: dict[str, int]) -> dict[str, int]:
    """Sizes after as many available pods are given up as minAvailable allows, oldest set first; `sizes` are changes decided already."""
    least = replicas(deployment) - fences(deployment)[1]
    available = sum(counted(s, "availableReplicas") for s in sets)
    most = available - least
    gone, out = 0, dict(sizes)
    for rs in sorted(old, key=created):
        name = rs["metadata"]["name"]
        size = out.get(name, replicas(rs))
        if gone >= most:
            break
        step = min(size, most - gone)
        if step:
            out[name] = size - step
            gone += step
    return out


def surplus_history(deployment: Obj, old: list[Obj]) -> list[Obj]:
    """Old sets beyond revisionHistoryLimit that hold nothing and are not being deleted, the oldest revision first."""
    keep = deployment["spec"].get("revisionHistoryLimit")
    if keep is None or keep == 2**31 - 1:
        return []
    live = [s for s in old if not s["metadata"].get("deletionTimestamp")]
    over = len(live) - keep
    live.sort(key=lambda s: (revision(s), created(s)))
    return [
        s
        for s in live[: max(over, 0)]
        if not counted(s, "replicas")
        and not replicas(s)
        and s["metadata"].get("generation", 0) <= counted(s, "observedGeneration")
    ]
