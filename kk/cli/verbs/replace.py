"""`kk replace`: put whole objects in the place of those that are there."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import DRY_RUN, SAVE_CONFIG, SUBRESOURCE, VALIDATE, cascade, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError, located, raise_all
from ..resources import Item, select


def run(env: Env, options: Options) -> None:
    """Replace every object of -f."""
    if options.args:
        raise env.usage(f"Unexpected args: [{' '.join(options.args)}]", "replace")
    if options.raw:
        return _raw(env, options)
    if not options.filename and not options.kustomize:
        raise CommandError("must specify one of -f and -k")
    if options.grace_period >= 0 and not options.force:
        raise CommandError("--grace-period must have --force specified")
    if options.timeout and not options.force:
        raise CommandError("--timeout must have --force specified")
    from kk.base.errors import StatusError

    from ..results import Results

    results, selection = Results(env), select(env, ())
    errors = list(selection.errors)
    for item in selection.named:
        try:
            _one(env, options, item)
            results.tell(item, "replaced")
        except StatusError as error:
            errors.append(located(error, "replacing", item.source))
    raise_all(errors)
    return None


def _one(env: Env, options: Options, item: Item) -> None:
    from .. import writing

    obj = item.obj or {}
    if options.save_config or (options.force is False and writing.last_applied(obj) is not None):
        obj = writing.annotated(obj)
    if dry_run(env) == "client":
        item.obj = obj
        return
    if options.force:
        from ..deleting import delete_and_wait

        delete_and_wait(env, item, options)
        meta = {k: v for k, v in obj["metadata"].items() if k not in ("resourceVersion", "uid", "creationTimestamp")}
        item.obj = {**obj, "metadata": meta}
        writing.create(env, item)
        return
    if not item.name:
        raise CommandError("resource name may not be empty")
    item.obj = writing.replace(env, item, obj, options.subresource)


def _raw(env: Env, options: Options) -> None:
    if len(options.filename) != 1:
        raise CommandError("--raw can only use a single local file or stdin")
    name = options.filename[0]
    if name == "-":
        data = env.stdin.buffer.read()
    else:
        with open(name, "rb") as file:
            data = file.read()
    answer = env.client.request("PUT", options.raw, body=data)
    env.stdout.write(answer.data.decode("utf-8", "replace"))


COMMAND = Command(
    "replace",
    "Replace objects by those of a file",
    run,
    section="Advanced Commands",
    usage="-f FILENAME",
    text="Replace objects by those of a file or of standard input, in JSON or YAML. The whole object must be given; with the version "
    "it was read in, a change that was made meanwhile is not lost but refused.",
    examples="""# Replace what a file holds
kk replace -f ./web.yaml

# Another image
kk get pod web-1 -o yaml | sed 's/nginx:1/nginx:2/' | kk replace -f -

# Delete and create anew
kk replace --force -f ./pod.json""",
    flags=(
        *output(),
        *cascade(),
        DRY_RUN,
        field_manager("kubectl-replace"),
        *filename("with the objects"),
        Flag("raw", help="Path to PUT the file to, as it is."),
        SAVE_CONFIG,
        SUBRESOURCE,
        VALIDATE,
        Flag("wait", type="bool", help="With --force: wait until the old objects are gone."),
    ),
)
