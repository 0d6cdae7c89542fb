"""matchConditions of webhooks: CEL expressions over the request and its objects, all of which must hold.

The language is kk.server.cel's; it is imported only where a webhook has conditions.
"""

from typing import Any

from kk.server.context import Attributes
from kk.server.hooks.configurations import Hook

Obj = dict[str, Any]


def hold(hook: Hook, conditions: list[Obj], a: Attributes, obj: Obj | None, old: Obj | None) -> bool:
    """Whether all conditions hold. Raises ValueError where one cannot be evaluated and none is false."""
    from kk.server.cel import conditions as cel  # type: ignore[import-not-found,unused-ignore]

    return bool(cel.hold(hook, conditions, a, obj, old))
