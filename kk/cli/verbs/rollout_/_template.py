"""A pod template in the layout of `kubectl describe`, as histories and dry runs of rollbacks show it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def described(found: dict[str, Any], cause: str) -> str:
    """The lines, with the tabs that kubectl leaves in them here."""
    from kk.kinds._describe_podspec import template
    from kk.kinds.describing import Page

    if cause:
        meta = dict(found.get("metadata") or {})
        meta["annotations"] = {**(meta.get("annotations") or {}), "kubernetes.io/change-cause": cause}
        found = {**found, "metadata": meta}
    page = Page()
    template(page, found)
    return "".join(page._blocks)
