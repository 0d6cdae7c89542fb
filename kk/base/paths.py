"""Dotted paths into objects (`.spec.replicas`, `.status.conditions[0].type`): what columns, field selectors and scale share.

Only plain steps: names, list indexes, `["quoted names"]`, and `\\.` for a dot inside a name. Queries are kk.base.jsonpath.
"""

import re
from functools import lru_cache
from typing import Any

_STEP = re.compile(r"""\.?((?:[^.\[\]\\]|\\.)+)|\[(?:(-?\d+)|"([^"]*)"|'([^']*)')\]""")


@lru_cache(maxsize=4096)
def split(path: str) -> tuple[str | int, ...]:
    """The steps of a path; a leading dot is optional. Raises ValueError for text that is no path."""
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if not found:
            raise ValueError(f"invalid path {path!r}")
        name, index, double, single = found.groups()
        if name is not None:
            steps.append(re.sub(r"\\(.)", r"\1", name))
        elif index is not None:
            steps.append(int(index))
        else:
            steps.append(double if double is not None else single)
        position = found.end()
    return tuple(steps)


def get(obj: Any, path: str, default: Any = None) -> Any:
    """What stands at a path, or `default` where any step is missing."""
    for step in split(path):
        if isinstance(obj, dict):
            if step not in obj:
                return default
            obj = obj[step]
        elif isinstance(obj, list) and isinstance(step, int) and -len(obj) <= step < len(obj):
            obj = obj[step]
        else:
            return default
    return obj


def set_in(obj: dict[str, Any], path: str, value: Any) -> None:
    """Puts a value at a path, making the maps on the way; list steps must exist. Raises ValueError where a scalar is in the way."""
    steps = split(path)
    here: Any = obj
    for step in steps[:-1]:
        if isinstance(here, list) and isinstance(step, int):
            here = here[step]
            continue
        if not isinstance(here, dict):
            raise ValueError(f"cannot set {path}: {step!r} is below a value that is no map")
        if here.get(step) is None:
            here[step] = {}
        here = here[step]
    if not isinstance(here, (dict, list)):
        raise ValueError(f"cannot set {path}: its parent is no map")
    here[steps[-1]] = value  # type: ignore[index]


def delete_in(obj: dict[str, Any], path: str) -> bool:
    """Removes what stands at a path; says whether there was something."""
    steps = split(path)
    here: Any = obj
    for step in steps[:-1]:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return False
    if isinstance(here, dict) and steps[-1] in here:
        del here[steps[-1]]
        return True
    if isinstance(here, list) and isinstance(steps[-1], int) and -len(here) <= steps[-1] < len(here):
        del here[steps[-1]]
        return True
    return False
