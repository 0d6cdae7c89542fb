"""`kk rollout undo`: back to an earlier revision."""

from __future__ import annotations

import copy
import json

from ...command import Command, Flag, Options
from ...common import DRY_RUN, output
from ...context import Env, dry_run
from ...errors import CommandError
from ...resources import Item
from ...results import Results
from ._common import SELECTION, Revision, revisions, selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HASH = "pod-template-hash"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
#: annotations of a ReplicaSet that are its own, not the deployment's
_OWN = (
    LAST_APPLIED,
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)


def target(found: list[Revision], number: int, name: str, kind: str) -> Revision:
    """The revision to go back to: the given one, or the last but one.

    Raises CommandError in kubectl's words.
    """
    if number:
        for revision in found:
            if revision.number == number:
                return revision
        raise CommandError(f"unable to find specified revision {number} in history")
    if len(found) < 2:
        what = f'deployment "{name}"' if kind == "Deployment" else kind
        raise CommandError(
            f"no rollout history found for {what}" if kind == "Deployment" else "no last revision to roll back to"
        )
    return found[-2]


def bare(template: dict[str, Any]) -> dict[str, Any]:
    """A pod template without the label that the deployment controller adds."""
    out = copy.deepcopy(template)
    labels = (out.get("metadata") or {}).get("labels")
    if labels:
        labels.pop(_HASH, None)
    return out


def run(env: Env, options: Options) -> None:
    """Roll back what is meant."""
    if options.to_revision < 0:
        raise CommandError(f"revision must be a positive integer: {options.to_revision}")
    results = Results(env)
    selection(env, options).each(lambda item: _undo(env, options, item, results))


def _undo(env: Env, options: Options, item: Item, results: Results) -> None:
    obj = item.obj or item.fetch(env)
    kind, name = obj.get("kind", ""), item.name
    if kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise CommandError(f'no rollbacker has been implemented for "{kind}"')
    if LAST_APPLIED in (obj["metadata"].get("annotations") or {}):
        env.warn(
            f"resource {item.resource.name}/{name} was previously managed with 'kubectl apply'. Rolling back will not update the "
            f"{LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. "
            "Consider using 'kubectl apply' with your previous configuration file instead."
        )
    to = target(revisions(env, item), options.to_revision, name, kind)
    if kind == "Deployment" and obj["spec"].get("paused"):
        raise CommandError(
            f"you cannot rollback a paused deployment; resume it first with '{env.prog} rollout resume' and try again"
        )
    if bare(to.template) == bare(obj["spec"]["template"]):
        results.tell(item, f"skipped rollback (current template already matches revision {to.number})")
        return
    if dry_run(env) == "client":
        from ._template import described

        results.tell(item, "rolled back") if results.printer else env.out(
            f"{item.label} {described(bare(to.template), '')}"
        )
        return
    query = {"dryRun": "All"} if dry_run(env) == "server" else None
    patch, content_type = _patch(obj, to, kind)
    data = json.dumps(patch).encode()
    item.obj = env.client.request("PATCH", item.path(), query=query, body=data, content_type=content_type).json()
    results.tell(item, "rolled back")


def _patch(obj: dict[str, Any], to: Revision, kind: str) -> tuple[Any, str]:
    if kind != "Deployment":
        return to.obj.get("data") or {}, "application/strategic-merge-patch+json"
    annotations = {k: v for k, v in (to.obj["metadata"].get("annotations") or {}).items() if k not in _OWN}
    for key, value in (obj["metadata"].get("annotations") or {}).items():
        if key in _OWN:
            annotations[key] = value
    patch = [
        {"op": "replace", "path": "/spec/template", "value": bare(to.template)},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]
    return patch, "application/json-patch+json"


COMMAND = Command(
    "rollout undo",
    "Go back to an earlier revision",
    run,
    usage="(TYPE NAME | TYPE/NAME) [flags]",
    text="Roll back to the revision before, or to a given one.",
    examples="""# The revision before
kk rollout undo deployment/web

# Revision 3
kk rollout undo daemonset/logs --to-revision=3""",
    flags=(
        *output(),
        DRY_RUN,
        *SELECTION,
        Flag("to-revision", type="int", help="The revision to go back to; 0 for the one before."),
    ),
    complete="resources",
)
