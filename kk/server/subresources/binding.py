"""binding: the scheduler says on which node a pod runs."""

from kk.base.errors import StatusError, bad_request, conflict, not_supported, required
from kk.server.answers import object_response
from kk.server.bodies import read_as
from kk.server.context import Request, Response
from kk.server.encoding import Obj
from kk.server.negotiate import form_of
from kk.server.reads import find
from kk.server.subresources._types import travelling
from kk.server.views import View
from kk.server.writes.create import uid_conflict
from kk.server.writes.options import write_options
from kk.server.writes.update import update
from kk.server.writes.write import Write

_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def post(request: Request, view: View) -> Response:
    """Bind a pod that is not bound yet."""
    form = form_of(request.headers.get(b"accept", b""), read=False)
    options = write_options(request.info, "CreateOptions")
    binding = await read_as(request, travelling("io.k8s.api.core.v1.Binding", "v1", "Binding"), options.validation)
    write = Write.of(request, view, "CREATE", options)
    write.name, write.subresource = write.name or binding["metadata"].get("name") or "", "binding"
    await bind(write, binding)
    return object_response(request, _SUCCESS, form, 201)


async def bind(write: Write, binding: Obj) -> None:
    """Write a binding into its pod. Raises StatusError."""
    target, metadata = binding.get("target") or {}, binding["metadata"]
    if (metadata.get("name") or "") != write.name:
        raise bad_request("name in URL does not match name in Binding object")
    find(write.view, write.namespace, write.name)
    faults = []
    if target.get("kind", "") not in ("", "Node"):
        faults.append(not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        faults.append(required("target.name"))
    if faults:
        texts = [str(f) for f in faults]
        raise StatusError(500, "", texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    await write.admit(binding, None, validating=False)
    await write.admit(binding, None, validating=True)
    now = write.server.write.now()
    write.operation = "BIND"  # admission has looked at the Binding; the pod's own update is not its concern
    write.subresource = "binding"
    uid = metadata.get("uid")

    def change(pod: Obj) -> Obj:
        if uid and uid != pod["metadata"].get("uid"):
            raise uid_conflict(write, uid, pod["metadata"].get("uid") or "", "pods")
        return bound(pod, target["name"], metadata, now)

    await update(write, change, merge=lambda new, old: None)


def bound(pod: Obj, node: str, metadata: Obj, now: str) -> Obj:
    """The pod with its node, its PodScheduled condition and the binding's annotations. Raises 409."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    if pod["metadata"].get("deletionTimestamp"):
        raise conflict("pods/binding", "", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise conflict("pods/binding", "", name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise conflict("pods/binding", "", name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = node
    if metadata.get("annotations"):
        pod["metadata"].setdefault("annotations", {}).update(metadata["annotations"])
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    conditions[:] = [c for c in conditions if c.get("type") != "PodScheduled"] + [scheduled]
    return pod


SUBRESOURCE = {"POST": post}
