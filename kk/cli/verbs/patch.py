"""`kk patch`: change fields by a strategic, merge or JSON patch."""

from __future__ import annotations

import copy

from ..command import Command, Flag, Options
from ..common import DRY_RUN, SUBRESOURCE, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError
from ..resources import Item, select
from ..writing import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kk.client.discovery import APIResource

TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_PATCH}


def run(env: Env, options: Options) -> None:
    """Patch what is meant."""
    body = _body(env, options)
    kind = options.type.lower()
    if kind not in TYPES:
        raise CommandError(f'--type must be one of [json merge strategic], not "{options.type}"')
    from ..results import Results

    results = Results(env)
    local = options.local or dry_run(env) == "client"
    selection = select(env, options.args, everything=False)

    def one(item: Item) -> None:
        from .. import writing

        if local:
            before = item.obj or {}
            after = applied_here(item.resource, before, body, TYPES[kind])
        else:
            before = item.fetch(env, options.subresource) if results.names_only else {}
            after = writing.patch(env, item, body, TYPES[kind], options.subresource)
        results.tell(after, "patched" if after != before else "patched (no change)")

    selection.each(one, latest=local and not options.local, subresource=options.subresource)


def _body(env: Env, options: Options) -> Any:
    if options.patch and options.patch_file:
        raise CommandError("cannot specify --patch and --patch-file together")
    if not options.patch and not options.patch_file:
        raise CommandError("must specify --patch or --patch-file containing the contents of the patch")
    text = options.patch
    if options.patch_file:
        try:
            with open(options.patch_file, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            message = f"open {options.patch_file}: {(error.strerror or str(error)).lower()}"
            raise CommandError(f"unable to read patch file: {message}") from None
    import json

    try:
        return json.loads(text)
    except ValueError:
        if text.lstrip().startswith("{"):
            return text.encode()  # the server tells what is wrong with it
    from .. import yamls

    try:
        return yamls.parse(text)
    except yamls.Fault as error:
        raise CommandError(f'unable to parse "{text}": {error}') from None


def applied_here(resource: APIResource, obj: dict[str, Any], body: Any, content_type: str) -> dict[str, Any]:
    """The object as the patch would make it, without the server.

    Raises CommandError.
    """
    try:
        if content_type == JSON_PATCH:
            from kk.base.patch import json_patch

            return json_patch.apply(obj, body)
        if content_type == STRATEGIC_PATCH:
            from .apply import schema

            node = schema(Item(resource, "", ""))
            if node is None:
                raise CommandError("strategic merge patch is not supported for this kind, use --type merge")
            from kk.base.patch import strategic

            return strategic.apply(copy.deepcopy(obj), body, node)
        from kk.base.patch import merge_patch

        return merge_patch.apply(copy.deepcopy(obj), body)
    except ValueError as error:
        raise CommandError(str(error)) from None


COMMAND = Command(
    "patch",
    "Change fields of an object",
    run,
    section="Advanced Commands",
    usage="(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
    text="Change fields of an object by a strategic merge patch, a JSON merge patch or a JSON patch, written in JSON or YAML.",
    examples="""# Mark a node
kk patch node node-1 -p '{"spec":{"unschedulable":true}}'

# Another image; containers are found by their name
kk patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:2"}]}}}}'

# By position, with a JSON patch
kk patch pod web-1 --type=json -p='[{"op":"replace","path":"/spec/containers/0/image","value":"nginx:2"}]'

# Replicas, through the scale subresource
kk patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'""",
    flags=(
        *output(),
        *filename("that names the object"),
        DRY_RUN,
        field_manager("kubectl-patch"),
        Flag("local", type="bool", help="Change the content of the file, without the server."),
        Flag("patch", "p", help="The patch."),
        Flag("patch-file", help="File with the patch."),
        SUBRESOURCE,
        Flag("type", default="strategic", values=tuple(TYPES), help="json, merge or strategic."),
    ),
    complete="resources",
)
