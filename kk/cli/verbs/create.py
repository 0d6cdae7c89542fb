"""`kk create`: objects from files, or (kk.cli.verbs.create_) from flags."""

from __future__ import annotations

import json

from ..command import Command, Flag, Options
from ..common import DRY_RUN, SAVE_CONFIG, SELECTOR, VALIDATE, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError, located, raise_all
from ..resources import Item, select


def run(env: Env, options: Options) -> None:
    """Create every object of -f."""
    if options.args:
        raise env.usage(f"Unexpected args: [{' '.join(options.args)}]", "create")
    if not options.filename and not options.kustomize:
        raise CommandError("must specify one of -f and -k")
    if options.raw:
        return _raw(env, options)
    if options.edit:
        from .edit import create_edited

        return create_edited(env, options)
    from kk.base.errors import StatusError
    from kk.base.selectors import parse_labels

    from ..results import Results

    try:
        wanted = parse_labels(options.selector) if options.selector else None
    except ValueError as error:
        raise CommandError(str(error)) from None
    results, found = Results(env, "created"), 0
    options.selector = ""
    selection = select(env, ())
    errors = list(selection.errors)
    for item in selection.named:
        obj = item.obj or {}
        if wanted and not wanted.matches((obj.get("metadata") or {}).get("labels") or {}):
            continue
        found += 1
        try:
            _one(env, options, item)
            results.tell(item)
        except StatusError as error:
            errors.append(located(error, "creating", item.source))
    if not found:
        raise CommandError("no objects passed to create")
    raise_all(errors)
    return None


def _one(env: Env, options: Options, item: Item) -> None:
    from ..writing import annotated, create

    assert item.obj is not None
    if options.save_config:
        item.obj = annotated(item.obj)
    if dry_run(env) != "client":
        create(env, item)


def _raw(env: Env, options: Options) -> None:
    if len(options.filename) != 1:
        raise CommandError("--raw can only use a single local file or stdin")
    name = options.filename[0]
    if name == "-":
        data = env.stdin.buffer.read()
    else:
        with open(name, "rb") as file:
            data = file.read()
    answer = env.client.request("POST", options.raw, body=data)
    env.stdout.write(answer.data.decode("utf-8", "replace"))


def build(
    env: Env, options: Options, plural: str, obj: dict, *, namespaced: bool = True, failing: str = "", joint: str = ": "
) -> None:
    """What every generator ends with: create the object that it built (or only show it) and say so."""
    from ..results import Results
    from ..writing import query

    results = Results(env, "created", ordered=True)
    if namespaced and env.namespace_given:
        meta = obj["metadata"]
        obj["metadata"] = {"name": meta.pop("name"), "namespace": env.namespace, **meta}
    if getattr(options, "save_config", False):
        _keep(obj)
    if dry_run(env) != "client":
        version = obj["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        path = f"{root}/namespaces/{env.namespace}/{plural}" if namespaced else f"{root}/{plural}"
        answer = _post(env, path, query(env), obj, failing and failing + joint)
        obj = {"kind": answer.pop("kind", obj["kind"]), "apiVersion": answer.pop("apiVersion", version), **answer}
    results.tell(obj)


def _post(env: Env, path: str, query: dict[str, str], obj: dict, failing: str) -> dict:
    """POST; `failing` ("failed to create deployment: ") is told before the fault, as the generators of kubectl do."""
    from kk.base.errors import StatusError

    try:
        return env.client.request("POST", path, query=query, body=obj).json()
    except StatusError as error:
        if failing:
            raise CommandError(f"{failing}{error.message}") from None
        raise


def _keep(obj: dict) -> None:
    """Keep the configuration in the annotation; that of objects built here has the order of their type and no empty annotations."""
    from ..writing import LAST_APPLIED

    text = json.dumps(obj, ensure_ascii=False, separators=(",", ":")) + "\n"
    obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), LAST_APPLIED: text}


GENERATOR_FLAGS = (*output(), DRY_RUN, SAVE_CONFIG, VALIDATE, field_manager("kubectl-create"))

COMMAND = Command(
    "create",
    "Create objects from a file, standard input, or flags",
    run,
    section="Basic Commands (Beginner)",
    usage="-f FILENAME",
    text="Create objects from manifests in JSON or YAML; the sub-commands make one object from flags.",
    examples="""# Create the objects of a file
kk create -f ./pod.yaml

# Create what comes on standard input
cat pod.json | kk create -f -

# Change the manifest in an editor first
kk create -f registry.yaml --edit""",
    flags=(
        *output(),
        *filename("with the objects to create"),
        DRY_RUN,
        Flag("edit", type="bool", help="Open the objects in an editor before they are created."),
        field_manager("kubectl-create"),
        Flag("raw", help="Path to POST the file to, as it is."),
        SAVE_CONFIG,
        SELECTOR,
        VALIDATE,
        Flag("windows-line-endings", type="bool", help="With --edit: line ends as on Windows."),
    ),
    package="kk.cli.verbs.create_",
)
