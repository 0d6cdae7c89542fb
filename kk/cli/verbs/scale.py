"""`kk scale`: set the number of replicas through the scale sub-resource."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import ALL, DRY_RUN, SELECTOR, filename, output
from ..context import Env, dry_run
from ..errors import CommandError
from ..resources import Item, select
from ..results import Results

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Scale what is meant."""
    if options.replicas < 0:
        raise CommandError("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    if options.all and options.selector:
        raise CommandError("cannot set --all and --selector at the same time")
    selection = select(env, options.args, everything=False)
    if options.resource_version and not selection.single:
        raise CommandError("cannot use --resource-version with multiple resources")
    results = Results(env, "scaled")
    count = 0

    def one(item: Item) -> None:
        nonlocal count
        count += 1
        if dry_run(env) != "client":
            _scale(env, options, item)
        results.tell(item)

    selection.each(one)
    if not count:
        raise CommandError("no objects passed to scale")


def precondition(options: Any, scale: dict[str, Any]) -> str:
    """The fault of --current-replicas or --resource-version, "" where they hold."""
    current = (scale.get("spec") or {}).get("replicas", 0)
    version = (scale.get("metadata") or {}).get("resourceVersion", "")
    if options.current_replicas != -1 and current != options.current_replicas:
        return f"Expected replicas to be {options.current_replicas}, was {current}"
    if options.resource_version and version != options.resource_version:
        return f"Expected resource version to be {options.resource_version}, was {version}"
    return ""


def _scale(env: Env, options: Options, item: Item) -> None:
    query = {"dryRun": "All"} if dry_run(env) == "server" else {}
    path = item.path("scale")
    if options.current_replicas != -1 or options.resource_version:
        scale = env.client.request("GET", path).json()
        if fault := precondition(options, scale):
            raise CommandError(fault)
        scale.setdefault("spec", {})["replicas"] = options.replicas
        env.client.request("PUT", path, query=query, body=scale)
    else:
        body = {"spec": {"replicas": options.replicas}}
        env.client.request("PATCH", path, query=query, body=body, content_type="application/merge-patch+json")
    if options.timeout and not query:
        from ..waiting import until

        until(env, item, lambda _, obj: _settled(obj, options.replicas), options.timeout)


def _settled(obj: dict[str, Any] | None, replicas: int) -> bool:
    if obj is None:
        return True
    status = obj.get("status") or {}
    generation = (obj.get("metadata") or {}).get("generation", 0)
    return status.get("observedGeneration", 0) >= generation and status.get("replicas", 0) == replicas


COMMAND = Command(
    "scale",
    "Set the number of replicas of a workload",
    run,
    section="Deploy Commands",
    usage="[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
    text="Set a new size for a Deployment, ReplicaSet, ReplicationController, StatefulSet, or anything else that has a scale "
    "sub-resource, under preconditions if wanted.",
    examples="""# Three replicas
kk scale --replicas=3 rs/web

# What a file names
kk scale --replicas=3 -f web.yaml

# Only if there are two now
kk scale --current-replicas=2 --replicas=3 deployment/web

# Several at once
kk scale --replicas=5 rc/example1 rc/example2""",
    flags=(
        ALL,
        *output(),
        Flag("current-replicas", type="int", default=-1, help="Scale only if this is the present size; -1 for any."),
        DRY_RUN,
        *filename("that names the objects to scale"),
        Flag("replicas", type="int", required=True, help="The new size."),
        Flag("resource-version", help="Scale only if the object has this version."),
        SELECTOR,
        Flag("timeout", type="duration", help="How long to wait until it is reached; 0 does not wait."),
    ),
    complete="resources",
)
