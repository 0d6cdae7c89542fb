"""eviction: a delete of a pod that asks its PodDisruptionBudget first.

The rules are those of kubernetes `pkg/registry/core/pod/storage/eviction.go`: the budget's status is changed with the very revision that was
judged, so that two evictions never spend the same disruption.
"""

from kk.base import selectors
from kk.base.errors import StatusError, bad_request, not_found, too_many_requests
from kk.kinds.kind import Resource
from kk.server.answers import object_response
from kk.server.bodies import read_as
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.negotiate import form_of
from kk.server.pipeline import Lost
from kk.server.reads import find
from kk.server.subresources._types import travelling
from kk.server.turns import RETRIES
from kk.server.views import View
from kk.server.writes.delete import delete
from kk.server.writes.options import write_options
from kk.server.writes.write import Write

_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
#: pods whose disruption a budget remembers at most
_REMEMBERED = 2000


async def post(request: Request, view: View) -> Response:
    """Evict a pod."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = write_options(request.info, "CreateOptions")
    eviction = await read_as(request, await _resource(request), options.validation)
    write = Write.of(request, view, "CREATE", options)
    if (eviction["metadata"].get("name") or "") != write.name:
        raise bad_request("name in URL does not match name in Eviction object")
    wish = dict(eviction.get("deleteOptions") or {})
    write.options.dry_run = write.options.dry_run or bool(wish.get("dryRun"))
    find(view, write.namespace, write.name)
    await write.admit(eviction, None, validating=False)
    await write.admit(eviction, None, validating=True)
    await evict(write, wish)
    return object_response(request, _SUCCESS, form, 201)


async def _resource(request: Request) -> Resource:
    """policy/v1, or the old version that clients still send."""
    body = await request.body()
    old = b"policy/v1beta1" in body
    if b'"apiVersion":"v1"' in body.replace(b" ", b""):
        raise bad_request(
            'Eviction in version "v1" cannot be handled as a Eviction: no kind "Eviction" is registered for version "v1" in '
            'scheme "pkg/api/legacyscheme/scheme.go:30"'
        )
    return travelling("io.k8s.api.policy.v1.Eviction", "policy/v1beta1" if old else "policy/v1", "Eviction")


async def evict(write: Write, wish: Obj) -> None:
    """Delete the pod if a budget allows it. Raises 429 where it does not."""
    for _ in range(RETRIES):
        item = find(write.view, write.namespace, write.name)
        pod = write.view.obj(item)
        uid = (wish.get("preconditions") or {}).get("uid")
        if uid and uid != pod["metadata"].get("uid"):
            raise not_found("pods", "", write.name)
        if not can_ignore(pod):
            budget = _budget(write, pod)
            if budget is not None and not _unhealthy_may_go(budget, pod):
                try:
                    await _spend(write, budget, pod)
                except Lost:
                    continue
        if not write.options.dry_run:
            await _mark(write)
        write.operation = "DELETE"
        subresource, write.subresource = write.subresource, ""
        try:
            await delete(write, wish)
        finally:
            write.operation, write.subresource = "CREATE", subresource
        return
    raise too_many_requests("Please retry the request: the disruption budget changes too fast", 10)


async def _mark(write: Write) -> None:
    """Let the pod's conditions say why it is taken away."""
    for _ in range(RETRIES):
        item = find(write.view, write.namespace, write.name)
        pod = write.view.obj(item)
        conditions = pod.setdefault("status", {}).setdefault("conditions", [])
        before: Obj = next((c for c in conditions if c.get("type") == "DisruptionTarget"), {})
        condition = {
            "type": "DisruptionTarget",
            "observedGeneration": pod["metadata"].get("generation", 0),
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": before.get("lastTransitionTime") or write.server.write.now(),
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        }
        if before == condition:
            return
        pod["status"]["conditions"] = [c for c in conditions if c is not before] + [condition]
        try:
            await write.server.write.put(write.view.shelf, item.key, pod, item.revision)
            return
        except Lost:
            continue


def can_ignore(pod: Obj) -> bool:
    """A pod that is over, or going, or never ran, disrupts nothing."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or bool(pod["metadata"].get("deletionTimestamp"))


def _ready(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _unhealthy_may_go(budget: Obj, pod: Obj) -> bool:
    if _ready(pod):
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    return status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0


def _budget(write: Write, pod: Obj) -> Obj | None:
    """The one budget of a pod. Raises 500 where there are several."""
    labels = pod["metadata"].get("labels") or {}
    found = []
    for budget in write.server.cache.iterate("policy", "poddisruptionbudgets", write.namespace):
        selector = (budget.get("spec") or {}).get("selector")
        if selectors.from_label_selector(selector).matches(labels):
            found.append(budget)
    if len(found) > 1:
        raise StatusError(
            500,
            "",
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        )
    return found[0] if found else None


async def _spend(write: Write, budget: Obj, pod: Obj) -> None:
    """Take one disruption from a budget. Raises 429, or Lost where the budget changed meanwhile."""
    name = budget["metadata"]["name"]
    status = budget.setdefault("status", {})
    cause = {"reason": "DisruptionBudget", "field": "", "message": ""}
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        cause["message"] = f"The disruption budget {name} is still being processed by the server."
        raise _refused(cause, 10)
    if status.get("disruptionsAllowed", 0) <= 0:
        cause["message"] = (
            f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and has "
            f"{status.get('currentHealthy', 0)} currently"
        )
        raise _refused(cause, 0)
    disrupted = status.setdefault("disruptedPods", {})
    if len(disrupted) > _REMEMBERED:
        raise _refused(
            {**cause, "message": "DisruptedPods map too big - too many evictions not confirmed by PDB controller"}, 0
        )
    if write.options.dry_run:
        return
    status["disruptionsAllowed"] -= 1
    disrupted[pod["metadata"]["name"]] = write.server.write.now()
    view = write.server.views.get(("policy", "v1", "poddisruptionbudgets"))
    if view is not None:
        item = find(view, write.namespace, name)
        await write.server.write.put(view.shelf, item.key, budget, int(budget["metadata"]["resourceVersion"]))


def _refused(cause: dict[str, str], seconds: int) -> StatusError:
    shown = {k: v for k, v in cause.items() if v}
    return too_many_requests(
        "Cannot evict pod as it would violate the pod's disruption budget.", seconds, {"causes": [shown]}
    )


SUBRESOURCE = {"POST": post}
