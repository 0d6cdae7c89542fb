"""Changes of live objects as kubectl's generators make them: a copy is changed, and the difference is sent as a patch.

Built-in kinds get a strategic merge patch by their schema, others a merge patch. What is changed is the verb's business.
"""

from __future__ import annotations

import copy

from .context import Env, dry_run
from .errors import CommandError
from .resources import Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .results import Results


def difference(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """(patch, content type) that makes `after` of `before`."""
    from kk.kinds.registry import registry

    from .writing import MERGE_PATCH, STRATEGIC_PATCH

    known = registry().by_kind(before.get("apiVersion", ""), before.get("kind", ""))
    if known is not None:
        from kk.base.patch import strategic

        return strategic.diff2(before, after, known.schema), STRATEGIC_PATCH
    from kk.base.patch import merge_patch

    return merge_patch.diff(before, after), MERGE_PATCH


def change(
    env: Env, item: Item, results: Results, alter: Callable[[dict[str, Any]], bool | None], idle: str = ""
) -> None:
    """Let `alter` change a copy of the item's object (False: nothing to do), send the difference, and tell of it.

    idle is what is told where nothing differs; "" tells nothing then.
    """
    assert item.obj is not None
    before = item.obj
    after = copy.deepcopy(before)
    told = alter(after)
    patch, content_type = difference(before, after)
    if told is False or not patch:
        if idle:
            results.tell(item, idle)
        return
    if dry_run_of(env) == "client" or getattr(env.options, "local", False):
        item.obj = after
    else:
        from . import writing

        item.obj = writing.patch(env, item, patch, content_type)
    results.tell(item)


def dry_run_of(env: Env) -> str:
    """--dry-run, "none" for verbs that have no such flag."""
    return dry_run(env) if hasattr(env.options, "dry_run") else "none"


def template_of(obj: dict[str, Any]) -> dict[str, Any]:
    """The pod spec inside an object that has one: a Pod's own, a template's, a CronJob's.

    Raises CommandError for a kind without one.
    """
    kind, spec = obj.get("kind"), obj.get("spec")
    if kind == "Pod" and isinstance(spec, dict):
        return spec
    if kind == "CronJob" and isinstance(spec, dict):
        return spec["jobTemplate"]["spec"]["template"]["spec"]
    if kind == "PodTemplate":
        return obj["template"]["spec"]
    if isinstance(spec, dict) and isinstance(spec.get("template"), dict) and "spec" in spec["template"]:
        return spec["template"]["spec"]
    raise CommandError(f"the object is not a pod or does not have a pod template: {kind}")
