"""Pods for logs, exec, attach and port-forward: which pod a TYPE/NAME means, and which of its containers.

The choices are kubectl's (k8s.io/kubectl `pkg/polymorphichelpers` and `pkg/cmd/util/podcmd`).
"""

from __future__ import annotations

from .context import Env
from .errors import CommandError
from .resources import Item, collection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Obj = dict[str, Any]

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def item_named(env: Env, word: str) -> Item:
    """The item that POD or TYPE/NAME means.

    Raises CommandError.
    """
    kind, slash, name = word.rpartition("/")
    if slash and (not kind or not name or "/" in kind):
        raise CommandError("arguments in resource/name form must have a single resource and name")
    resource = env.find(kind or "pods")
    return Item(resource, env.namespace if resource.namespaced else "", name)


def pod_of(env: Env, item: Item, timeout: float, *, logging: bool = False) -> Obj:
    """The pod itself, or the best pod of a workload or service; waits up to `timeout` seconds for one to be there.

    Raises CommandError where the object has no pods to select, StatusError where it is not there.
    """
    obj = item.fetch(env)
    if item.resource.kind == "Pod" and not item.resource.group:
        return obj
    selector = pod_selector(obj, "get the logs from" if logging else "attach to")
    found = _ready_pods(env, item.namespace, selector, timeout)
    found.sort(key=rank)
    if logging and len(found) > 1:
        env.err(f"Found {len(found)} pods, using pod/{found[0]['metadata']['name']}")
    return found[0]


def pod_selector(obj: Obj, doing: str = "attach to") -> str:
    """The label selector of the object's pods, as text.

    Raises CommandError for an object without pods.
    """
    from kk.base import selectors

    kind, spec = obj.get("kind", ""), obj.get("spec") or {}
    if kind in ("Service", "ReplicationController"):
        if not spec.get("selector"):
            name = obj["metadata"]["name"]
            why = f"invalid service '{name}': Service is defined without a selector"
            raise CommandError(f"cannot {doing} *v1.{kind}: {why}" if kind == "Service" else f"{kind} has no selector")
        return str(selectors.from_map(spec["selector"]))
    if kind not in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
        raise CommandError(f"cannot {doing} *v1.{kind}: selector for *v1.{kind} not implemented")
    try:
        return str(selectors.from_label_selector(spec.get("selector")))
    except ValueError as error:
        raise CommandError(f"cannot {doing} *v1.{kind}: invalid label selector: {error}") from None


def _ready_pods(env: Env, namespace: str, selector: str, timeout: float) -> list[Obj]:
    """The pods that a selector chooses; the first that appears where there are none yet."""
    import time

    from .waiting import TimedOut, watch

    path = collection(env.find("pods"), namespace)
    page = env.client.request("GET", path, query={"labelSelector": selector}).json()
    if page["items"]:
        return page["items"]
    query = {"labelSelector": selector, "watch": "true", "resourceVersion": page["metadata"]["resourceVersion"]}
    end = time.monotonic() + timeout
    for event, pod in watch(env, path, query, end):
        if event in ("ADDED", "MODIFIED"):
            return [pod]
    raise TimedOut()


def rank(pod: Obj) -> tuple[Any, ...]:
    """Sorts the pod that people most likely mean first: assigned, running, ready (for long), few restarts, old."""
    status = pod.get("status") or {}
    phases = {"Running": 0, "Unknown": 1, "Pending": 2}
    ready = next((c for c in status.get("conditions") or () if c["type"] == "Ready" and c["status"] == "True"), None)
    restarts = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
    return (
        not (pod.get("spec") or {}).get("nodeName"),
        phases.get(status.get("phase", ""), 3),
        ready is None,
        (ready or {}).get("lastTransitionTime", ""),
        restarts,
        pod["metadata"].get("creationTimestamp", ""),
    )


def containers(pod: Obj) -> list[tuple[str, str]]:
    """(name, what it is: "", " (init)" or " (ephem)") of every container."""
    spec = pod.get("spec") or {}
    kinds = (("containers", ""), ("initContainers", " (init)"), ("ephemeralContainers", " (ephem)"))
    return [(c["name"], what) for field, what in kinds for c in spec.get(field) or ()]


def container(env: Env, pod: Obj, wanted: str, quiet: bool = False) -> str:
    """The name of the wanted container, or of the default one, of which stderr is told where there are several.

    Raises CommandError for a name that is not there.
    """
    found = containers(pod)
    names = [name for name, _ in found]
    pod_name = pod["metadata"]["name"]
    if wanted:
        if wanted not in names:
            raise CommandError(
                f"container {wanted} is not valid for pod {pod_name} out of: {', '.join(n + what for n, what in found)}"
            )
        return wanted
    if not names:
        raise CommandError(f"pod {pod['metadata'].get('namespace', '')}/{pod_name} does not have any containers")
    told = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER, "")
    if told in names:
        return told
    if len(found) > 1 and not quiet:
        env.err(f'Defaulted container "{names[0]}" out of: {", ".join(name + what for name, what in found)}')
    return names[0]


def spec_of(pod: Obj, name: str) -> Obj:
    """The spec of a container by its name."""
    spec = pod.get("spec") or {}
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for one in spec.get(field) or ():
            if one["name"] == name:
                return one
    return {}


def path_of(pod: Obj, subresource: str) -> str:
    """The URL path of a pod's sub-resource."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/{subresource}"
