"""`kk wait`: return when objects have a condition, a value, are there, or are gone."""

from __future__ import annotations

import re
import time

from ..command import Command, Flag, Options
from ..common import ALL, ALL_NAMESPACES, FIELD_SELECTOR, SELECTOR, output
from ..context import Env
from ..errors import CommandError, raise_all
from ..resources import Item, select
from ..results import Results
from ..waiting import TIMED_OUT, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Check = Callable[[dict[str, Any]], bool]

_WEEK = 168 * 3600.0
_UNKNOWN = 'unrecognized condition: "{}"'


class Wanted:
    """What --for says: kind is create, delete, condition or jsonpath; `check` looks at an object; `word` is what results tell."""

    def __init__(self, kind: str, check: Check, word: str = "condition met"):
        self.kind, self.check, self.word = kind, check, word


def wanted(text: str) -> Wanted:
    """The meaning of one --for.

    Raises CommandError in kubectl's words.
    """
    low = text.lower()
    if low == "delete":
        return Wanted("delete", lambda obj: False)
    if low == "create":
        return Wanted("create", lambda obj: True)
    if text.startswith("condition="):
        name, _, value = text[len("condition=") :].partition("=")
        return Wanted("condition", lambda obj: has_condition(obj, name, value or "true"))
    if text.startswith("jsonpath="):
        return _jsonpath(text[len("jsonpath=") :])
    raise CommandError(_UNKNOWN.format(text))


def has_condition(obj: dict[str, Any], name: str, value: str) -> bool:
    """Whether status.conditions has the condition with this status, and it is no older than the spec."""
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if str(condition.get("type", "")).lower() != name.lower():
            continue
        if str(condition.get("status", "")).lower() != value.lower():
            return False
        seen = condition.get("observedGeneration", (obj.get("status") or {}).get("observedGeneration"))
        return seen is None or seen >= (obj.get("metadata") or {}).get("generation", 0)
    return False


def _jsonpath(text: str) -> Wanted:
    from kk.base import jsonpath

    found = re.fullmatch(r"""['"]?(\{.*\})['"]?(?:=(.*))?""", text) or re.fullmatch(r"([^={]*)(?:=(.*))?", text)
    path, value = found.groups() if found else (text, None)
    path = path.strip("'\"")
    if value is not None:
        value = value.strip("'\"")
        if not value:
            raise CommandError(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3"
            )
    try:
        compiled = jsonpath.compile(jsonpath.relaxed(path), allow_missing=True)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return Wanted("jsonpath", lambda obj: _matches(compiled.find(obj), value))


def _matches(found: list[list[Any]], value: str | None) -> bool:
    from kk.base import jsonpath

    values = [v for group in found for v in group]
    if value is None:
        return bool(values)
    if len(values) > 1:
        raise CommandError("given jsonpath expression matches more than one value")
    if not values:
        return False
    if isinstance(values[0], (dict, list)):
        raise CommandError("jsonpath leads to a nested object or list which is not supported")
    return jsonpath.text(values[0]) == value


def run(env: Env, options: Options) -> None:
    """Wait for everything that is meant, within one timeout."""
    texts = options.__dict__["for"]
    if not texts:
        raise CommandError("unrecognized condition: []")
    goals = [wanted(text) for text in texts]
    limit = options.timeout if options.timeout >= 0 else _WEEK
    end = time.monotonic() + limit
    results = Results(env, "condition met")
    for goal in goals:
        _goal(env, options, goal, end, results)


def _goal(env: Env, options: Options, goal: Wanted, end: float, results: Results) -> None:
    """Wait until every object meets one goal."""
    selection = select(env, options.args, everything=False)
    if selection.kind == "selector":
        items = list(selection.items())
        if not items and goal.kind == "create":
            items = _appearing(env, selection, end)
    else:
        items = selection.named
    if not items:
        if goal.kind == "delete":
            return
        raise CommandError("no matching resources found")
    errors: list[Exception] = []
    for item in items:
        left = max(end - time.monotonic(), 0.0)
        try:
            _one(env, item, goal, -1 if options.timeout == 0 else max(left, 0.001), results)
        except CommandError as error:
            errors.append(error)
    raise_all(errors)


def _appearing(env: Env, selection: Any, end: float) -> list[Item]:
    """Wait until a selector chooses something."""
    import json

    from ..resources import collection
    from ..waiting import watch

    for resource in selection.resources:
        path = collection(resource, selection.namespace_of(resource))
        for event, obj in watch(env, path, {**selection.query(), "watch": "true"}, end):
            if event == "ADDED":
                meta = json.loads(json.dumps(obj["metadata"]))
                return [Item(resource, meta.get("namespace", ""), meta["name"], obj)]
    return []


def _one(env: Env, item: Item, goal: Wanted, timeout: float, results: Results) -> None:
    label = f"{item.resource.name}/{item.name}"
    late = f"{TIMED_OUT} on {label}" if timeout > 0 else f"condition not met for {label}"
    if goal.kind == "delete":
        if not _gone(env, item, timeout, late):
            return
    else:
        if goal.kind == "create":
            late = TIMED_OUT
        else:
            item.fetch(env)  # what is not there is the server's NotFound
        item.obj = until(env, item, _condition(goal, item), timeout, late)
    results.tell(item)


def _gone(env: Env, item: Item, timeout: float, late: str) -> bool:
    """Wait until the object is gone; False where it never was there."""
    uids: list[str] = []

    def done(event: str, obj: dict[str, Any] | None) -> bool:
        if obj is None:
            return True
        item.obj = obj
        uids.append(obj["metadata"].get("uid", ""))
        return uids[-1] != uids[0]

    until(env, item, done, timeout, late)
    return bool(uids)


def _condition(goal: Wanted, item: Item) -> Any:
    def done(event: str, obj: dict[str, Any] | None) -> bool:
        if obj is None:
            if event == "DELETED":
                raise CommandError(f"{item.resource.name}/{item.name} condition was not met before it was deleted")
            return False
        return goal.check(obj)

    return done


COMMAND = Command(
    "wait",
    "Wait until objects have a condition, a value, are there, or are gone",
    run,
    section="Advanced Commands",
    usage="([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) "
    "[--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
    text="Watch objects until they are as --for says. Several --for are waited for one after the other, within one --timeout.",
    examples="""# Until a pod is ready
kk wait --for=condition=Ready pod/web-1

# Until a condition is false
kk wait --for=condition=Ready=false pod/web-1

# Until a pod runs
kk wait --for=jsonpath='{.status.phase}'=Running pod/web-1

# Until a field has any value
kk wait --for=jsonpath='{.status.loadBalancer.ingress}' service/web

# Until something is there, for a minute at most
kk wait --for=create secret/token --timeout=60s

# Until the pods of an application are gone
kk wait --for=delete pod -l app=web --timeout=60s""",
    flags=(
        ALL,
        ALL_NAMESPACES,
        *output(),
        FIELD_SELECTOR,
        Flag("filename", "f", type="list", help="File, folder or URL that names the objects; - is standard input."),
        Flag("for", type="array", help="create, delete, condition=NAME[=VALUE], or jsonpath='{PATH}'[=VALUE]."),
        Flag("local", type="bool", hidden=True, help="Accepted for compatibility."),
        Flag("recursive", "R", type="bool", default=True, help="Look into the folders of -f recursively."),
        SELECTOR,
        Flag("timeout", type="duration", default=30.0, help="How long; 0 looks once, negative waits for a week."),
    ),
    complete="resources",
)
