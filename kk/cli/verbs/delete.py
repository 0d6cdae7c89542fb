"""`kk delete`: objects by name, file, selector or all of a type; waits until they are gone."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import ALL, ALL_NAMESPACES, DRY_RUN, FIELD_SELECTOR, SELECTOR, cascade, filename
from ..context import Env, dry_run
from ..errors import CommandError, located, raise_all
from ..resources import Item, Selection, kind_label, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_ONCE = (
    "Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely."
)


def run(env: Env, options: Options) -> int | None:
    """Delete what is meant."""
    if options.raw:
        answer = env.client.request("DELETE", options.raw, body={})
        env.stdout.write(answer.data.decode("utf-8", "replace"))
        return None
    grace = _grace(options)
    selection = select(env, options.args, everything=False)
    _check(options)
    if grace == 0 and options.force:
        env.warn(_AT_ONCE)
    if options.interactive and not _agreed(env, options, selection):
        return None
    gone, errors = _delete_all(env, options, selection, grace)
    if not errors and not gone[1]:
        env.out("No resources found")
    if options.wait and dry_run(env) == "none":
        from ..deleting import wait_gone

        for item, uid in gone[0]:
            wait_gone(env, item, uid, options.timeout)
    raise_all(errors)
    return None


def _grace(options: Options) -> int:
    grace = options.grace_period
    if options.now:
        if grace != -1:
            raise CommandError("--now and --grace-period cannot be specified together")
        grace = 1
    if grace == 0 and not options.force:
        # without --force nothing ends quicker than in a second
        options.wait = True
        return 1
    if options.force and grace < 0:
        grace = 0
    return grace


def _check(options: Options) -> None:
    if options.output and options.output != "name":
        raise CommandError(f"unexpected -o output mode: {options.output}. We only support '-o name'")
    if options.all and options.selector:
        raise CommandError("cannot set --all and --selector at the same time")
    if options.all and options.field_selector:
        raise CommandError("cannot set --all and --field-selector at the same time")
    if options.force and options.grace_period > 0:
        raise CommandError("--force and --grace-period greater than 0 cannot be specified together")
    from ..deleting import policy

    policy(options)


def _items(env: Env, options: Options, selection: Selection) -> Iterator[Item]:
    if selection.kind == "selector":
        yield from selection.items()
    else:
        yield from selection.named


def _agreed(env: Env, options: Options, selection: Selection) -> bool:
    items = list(_items(env, options, selection))
    env.out("You are about to delete the following " + str(len(items)) + " resource(s):")
    for item in items:
        env.out(f"{kind_label(item.resource.kind, item.resource.group)}/{item.name}")
    if env.confirm("Do you want to continue? (y/N): "):
        return True
    env.out("deletion is cancelled")
    return False


def _delete_all(
    env: Env, options: Options, selection: Selection, grace: int
) -> tuple[tuple[list[tuple[Item, str]], int], list[Exception]]:
    from kk.base.errors import StatusError

    from ..deleting import delete

    bulk = selection.kind == "selector"
    ignore = options.ignore_not_found if "ignore-not-found" in options.changed else (options.ignore_not_found or bulk)
    dry, errors, gone, seen = dry_run(env), list(selection.errors), [], 0
    warn_scope = env.namespace_given
    for item in _items(env, options, selection):
        if warn_scope and not item.resource.namespaced:
            env.warn("deleting cluster-scoped resources, not scoped to the provided namespace")
            warn_scope = False
        seen += 1
        try:
            uid = ""
            if dry != "client":
                uid = delete(env, item, options, grace, dry == "server")
            elif selection.kind == "names":
                item.fetch(env)
            _tell(env, options, item, grace, dry)
            gone.append((item, uid))
        except StatusError as error:
            if not (ignore and error.code == 404):
                errors.append(located(error, "deleting", item.source))
    return (gone, seen), errors


def _tell(env: Env, options: Options, item: Item, grace: int, dry: str) -> None:
    label = kind_label(item.resource.kind, item.resource.group)
    if options.output == "name":
        env.out(f"{label}/{item.name}")
        return
    from ..deleting import told

    end = {"client": " (dry run)", "server": " (server dry run)"}.get(dry, "")
    env.out(told(item, forced=grace == 0, end=end))


COMMAND = Command(
    "delete",
    "Delete objects by name, file, selector, or all of a type",
    run,
    section="Basic Commands (Intermediate)",
    usage="([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
    text="Delete objects and wait until they are gone. Pods end in their grace period; what depends on a deleted object goes too, "
    "unless --cascade says otherwise.",
    examples="""# One pod
kk delete pod web-1

# What a file holds
kk delete -f ./web.yaml

# Pods and services with a label
kk delete pods,services -l app=web

# All pods of the namespace, at once
kk delete pods --all --now

# Without waiting for a node that does not answer
kk delete pod web-1 --force""",
    flags=(
        ALL,
        ALL_NAMESPACES,
        *cascade(),
        DRY_RUN,
        FIELD_SELECTOR,
        *filename("with the objects to delete"),
        Flag("ignore-not-found", type="bool", help="An object that is not there counts as deleted."),
        Flag("interactive", "i", type="bool", help="Ask before anything is deleted."),
        Flag("now", type="bool", help="End in one second."),
        Flag("output", "o", help='"name" prints TYPE/NAME only.', values=("name",)),
        Flag("raw", help="Path to DELETE at the server."),
        SELECTOR,
        Flag("wait", type="bool", default=True, help="Wait until the objects are gone."),
    ),
    complete="resources",
)
