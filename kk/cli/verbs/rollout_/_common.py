"""What the verbs of a rollout share: which objects, and the revisions that a workload keeps."""

from __future__ import annotations

from ...command import Flag, Options
from ...common import SELECTOR, filename
from ...context import Env
from ...errors import CommandError
from ...resources import Item, Selection, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
SELECTION = (*filename("that names the objects"), SELECTOR)
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def field_manager() -> Flag:
    """--field-manager of these verbs."""
    return Flag("field-manager", default="kubectl-rollout", help="Name under which changed fields are owned.")


def selection(env: Env, options: Options) -> Selection:
    """What is meant; kubectl asks for a resource in its own words.

    Raises CommandError.
    """
    if not options.args and not options.filename and not options.kustomize:
        raise CommandError("required resource not specified")
    return select(env, options.args)


class Revision:
    """One kept state of a workload: its number, its pod template, why it was made, and the object that keeps it."""

    def __init__(self, number: int, template: dict[str, Any], cause: str, obj: dict[str, Any]):
        self.number, self.template, self.cause, self.obj = number, template, cause, obj


def revisions(env: Env, item: Item) -> list[Revision]:
    """The revisions of a Deployment, DaemonSet or StatefulSet, oldest first.

    Raises CommandError for other kinds.
    """
    obj = item.obj or item.fetch(env)
    kind = obj.get("kind")
    if kind == "Deployment":
        found = [_of_replicaset(rs) for rs in owned(env, item, obj, "replicasets")]
    elif kind in ("DaemonSet", "StatefulSet"):
        found = [_of_controller_revision(obj, r) for r in owned(env, item, obj, "controllerrevisions")]
    else:
        group = item.resource.group
        raise CommandError(f'error retrieving history for "{kind}", no visitor method exists for {{{group} {kind}}}')
    return sorted(found, key=lambda r: r.number)


def told(item: Item, message: str) -> CommandError:
    """A complaint about one object, as these verbs word it."""
    resource = f"{item.resource.name}.{item.resource.group}" if item.resource.group else item.resource.name
    return CommandError(f'{resource} "{item.name}" {message}')


def owned(env: Env, item: Item, obj: dict[str, Any], plural: str) -> list[dict[str, Any]]:
    """The objects of a type that the object controls."""
    from kk.base.selectors import from_label_selector

    selector = str(from_label_selector((obj.get("spec") or {}).get("selector")))
    path = f"/apis/apps/v1/namespaces/{item.namespace}/{plural}"
    page = env.client.request("GET", path, query={"labelSelector": selector} if selector else None).json()
    uid = obj["metadata"]["uid"]
    return [
        o
        for o in page["items"]
        if any(r.get("uid") == uid and r.get("controller") for r in o["metadata"].get("ownerReferences", ()))
    ]


def _of_replicaset(rs: dict[str, Any]) -> Revision:
    annotations = rs["metadata"].get("annotations") or {}
    number = annotations.get(REVISION, "0")
    return Revision(
        int(number) if number.isdigit() else 0, rs["spec"]["template"], annotations.get(CHANGE_CAUSE, ""), rs
    )


def _of_controller_revision(obj: dict[str, Any], revision: dict[str, Any]) -> Revision:
    from kk.base.patch import strategic
    from kk.kinds.registry import registry

    known = registry().by_kind(obj["apiVersion"], obj["kind"])
    assert known is not None
    data = revision.get("data") or {}
    full = strategic.apply(obj, data, known.schema)
    cause = (revision["metadata"].get("annotations") or {}).get(CHANGE_CAUSE, "")
    return Revision(revision.get("revision", 0), full["spec"]["template"], cause, revision)
