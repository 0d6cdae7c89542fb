"""`kk apply`: make the cluster hold what the files say, by a three-way merge here or by server-side apply.

The merge itself is kk.base.patch; here is the protocol around it: the last-applied annotation, retries, what is said.
"""

from __future__ import annotations

import copy
import json

from ..command import Command, Flag, Options
from ..common import ALL, DRY_RUN, SELECTOR, SUBRESOURCE, VALIDATE, cascade, field_manager, filename, output
from ..context import Env, dry_run
from ..errors import CommandError, located, raise_all
from ..resources import Item, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..results import Results

_TRIES = 5
_CLIENT_SIDE = "kubectl-client-side-apply"
_HOW_TO_RESOLVE = """Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def run(env: Env, options: Options) -> None:
    """Apply every object of -f."""
    _check(env, options)
    from ..results import Results

    if options.server_side and "field-manager" not in options.changed:
        options.field_manager = "kubectl"
    results = Results(env)
    errors: list[Exception] = []
    items = _wanted(env, options, errors)
    from kk.base.errors import StatusError

    for item in items:
        try:
            if options.server_side:
                _server_side(env, options, item, results)
            else:
                _client_side(env, options, item, results)
        except (StatusError, CommandError) as error:
            errors.append(error)
    if options.prune:
        from ._prune import prune

        prune(env, options, items, results)
    raise_all(errors)


def _check(env: Env, options: Options) -> None:
    if options.args:
        raise env.usage(f"Unexpected args: [{' '.join(options.args)}]", "apply")
    if not options.filename and not options.kustomize:
        raise CommandError("must specify one of -f and -k")
    if options.server_side and dry_run(env) == "client":
        raise CommandError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    if options.force_conflicts and not options.server_side:
        raise CommandError("--force-conflicts only works with --server-side")
    if options.force and options.server_side:
        raise CommandError("--force cannot be used with --server-side")
    if options.subresource and not options.server_side:
        raise CommandError("--subresource can only be specified for --server-side")
    if options.prune and not options.all and not options.selector:
        raise CommandError(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector"
        )


def _wanted(env: Env, options: Options, errors: list[Exception]) -> list[Item]:
    from kk.base.selectors import parse_labels

    selector, everything = options.selector, options.all
    options.selector, options.all = "", False
    try:
        wanted = parse_labels(selector) if selector else None
        selection = select(env, ())
        errors.extend(selection.errors)
        items = selection.named
    except ValueError as error:
        raise CommandError(str(error)) from None
    finally:
        options.selector, options.all = selector, everything
    if wanted:
        items = [i for i in items if wanted.matches(((i.obj or {}).get("metadata") or {}).get("labels") or {})]
    if not items:
        raise CommandError("no objects passed to apply")
    return items


# ---- in the server ----
def _server_side(env: Env, options: Options, item: Item, results: Results) -> None:
    from kk.base.errors import StatusError

    from ..writing import APPLY_PATCH, patch

    if not item.name:
        raise CommandError(
            f'error when retrieving current configuration of "{item.source}": resource name may not be empty'
        )
    try:
        force = "true" if options.force_conflicts else "false"
        wanted = item.obj
        item.obj = patch(env, item, wanted, APPLY_PATCH, options.subresource, force=force)
        if dry_run(env) == "none" and not options.subresource:
            from ._takeover import take_over

            if take_over(env, item, options.field_manager):
                _again(env, item, wanted, force)
    except StatusError as error:
        if error.code == 409 and error.message.startswith("Apply failed with"):
            raise CommandError(f"{error.message}\n{_HOW_TO_RESOLVE}") from None
        raise located(error, "patching", item.source) from None
    results.tell(item, "serverside-applied")


def _again(env: Env, item: Item, wanted: Any, force: str) -> None:
    """Apply once more after the take-over, so that what is no longer in the manifest goes; a fault is only warned of."""
    from kk.base.errors import StatusError

    from ..writing import APPLY_PATCH, patch

    try:
        item.obj = patch(env, item, wanted, APPLY_PATCH, force=force)
    except StatusError as error:
        env.warn(
            "failed to re-apply configuration after performing Server-Side Apply migration. This is non-fatal and will "
            f"be retried next time you apply. Error: {error.message}"
        )


# ---- here ----
def _client_side(env: Env, options: Options, item: Item, results: Results) -> None:
    from kk.base.errors import StatusError

    from ..writing import annotated

    assert item.obj is not None
    wanted = item.obj
    modified = annotated(wanted)
    if not item.name:
        if (wanted.get("metadata") or {}).get("generateName"):
            raise CommandError(f"from {wanted['metadata']['generateName']}: cannot use generate name with apply")
        raise CommandError(
            f'error when retrieving current configuration of:\nfrom "{item.source}": resource name may not be empty'
        )
    try:
        current = Item(item.resource, item.namespace, item.name).fetch(env)
    except StatusError as error:
        if error.code != 404:
            raise _located_at(error, item, "retrieving current configuration of") from None
        _create(env, item, modified, results)
        return
    _update(env, options, item, wanted, modified, current, results)


def _create(env: Env, item: Item, modified: dict[str, Any], results: Results) -> None:
    from kk.base.errors import StatusError

    from ..writing import create

    item.obj = modified
    try:
        if dry_run(env) != "client":
            create(env, item)
    except StatusError as error:
        raise located(error, "creating", item.source) from None
    results.tell(item, "created")


def _update(
    env: Env,
    options: Options,
    item: Item,
    wanted: dict[str, Any],
    modified: dict[str, Any],
    current: dict,
    results: Results,
) -> None:
    from ..writing import last_applied

    if (current.get("metadata") or {}).get("deletionTimestamp"):
        env.warn(f"Detected changes to resource {item.name} which is currently being deleted.")
    if last_applied(current) is None:
        env.warn(
            f"resource {item.resource.name}/{item.name} is missing the kubectl.kubernetes.io/last-applied-configuration "
            f"annotation which is required by {env.prog} apply. {env.prog} apply should only be used on resources "
            f"created declaratively by either {env.prog} create --save-config or {env.prog} apply. The missing annotation "
            "will be patched automatically."
        )
    if dry_run(env) == "client":
        from .patch import applied_here

        body, kind = changes(env, item, modified, current)
        item.obj = applied_here(item.resource, current, body, kind)
        results.tell(item, "configured")
        return
    body = _patch_with_retries(env, options, item, modified, current)
    results.tell(item, "unchanged" if not body else "configured")


def _patch_with_retries(
    env: Env, options: Options, item: Item, modified: dict[str, Any], current: dict[str, Any]
) -> dict[str, Any]:
    from kk.base.errors import StatusError

    from ..writing import patch

    for attempt in range(_TRIES):
        body, kind = changes(env, item, modified, current)
        if not body:
            item.obj = current
            return {}
        try:
            item.obj = patch(env, item, body, kind)
            return body
        except StatusError as error:
            if error.code == 409 and attempt + 1 < _TRIES:
                current = Item(item.resource, item.namespace, item.name).fetch(env)
                continue
            if options.force and error.code in (409, 422):
                _recreate(env, options, item, modified)
                return body
            raise _patch_fault(error, item, body) from None
    return {}


def _recreate(env: Env, options: Options, item: Item, modified: dict[str, Any]) -> None:
    """Delete and create anew, for changes that an update cannot make (--force)."""
    from ..deleting import delete_and_wait
    from ..writing import create

    delete_and_wait(env, item, options)
    item.obj = modified
    create(env, item)


def changes(env: Env, item: Item, modified: dict[str, Any], current: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The three-way patch that brings the live object to what the file says, and its content type.

    A strategic merge patch for kinds whose types are known here, a JSON merge patch for others.
    """
    from ..writing import MERGE_PATCH, STRATEGIC_PATCH, last_applied

    text = last_applied(current)
    try:
        original = json.loads(text) if text else {}
    except ValueError:
        original = {}
    node = schema(item)
    if node is not None:
        from kk.base.patch import strategic

        return strategic.diff(original, modified, current, node), STRATEGIC_PATCH
    return three_way(original, modified, current), MERGE_PATCH


def schema(item: Item) -> Any:
    """The types of the item's kind, None where it is not a built-in one."""
    from kk.kinds.registry import registry

    found = registry().by_kind(item.resource.api_version, item.resource.kind)
    return found.schema if found is not None else None


def three_way(original: dict[str, Any], modified: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """A JSON merge patch: what is added or changed against the live object, and the removal of what was applied and is no longer."""
    found = _changed(current, modified)
    _removed(original, modified, current, found)
    return found


def _changed(current: dict[str, Any], modified: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in modified.items():
        if key not in current:
            found[key] = copy.deepcopy(value)
        elif isinstance(value, dict) and isinstance(current[key], dict):
            inner = _changed(current[key], value)
            if inner:
                found[key] = inner
        elif value != current[key]:
            found[key] = copy.deepcopy(value)
    return found


def _removed(original: Any, modified: Any, current: Any, found: dict[str, Any]) -> None:
    for key, value in original.items():
        if key not in modified:
            if key in current:
                found[key] = None
        elif isinstance(value, dict) and isinstance(modified[key], dict) and isinstance(current.get(key), dict):
            inner = found.get(key, {})
            _removed(value, modified[key], current[key], inner)
            if inner:
                found[key] = inner


def _where(item: Item) -> str:
    r = item.resource
    gvk = f"{r.group}/{r.version}" if r.group else f"/{r.version}"
    gvr = f"{gvk}, Resource={r.name}"
    return (
        f'Resource: "{gvr}", GroupVersionKind: "{gvk}, Kind={r.kind}"\n'
        f'Name: "{item.name}", Namespace: "{item.namespace}"'
    )


def _located_at(error: Any, item: Item, doing: str) -> Exception:
    from kk.base.errors import StatusError

    message = f'error when {doing}:\n{_where(item)}\nfrom "{item.source}": {error.message}'
    return StatusError.from_status({**error.status, "message": message})


def _patch_fault(error: Any, item: Item, body: dict[str, Any]) -> Exception:
    from kk.base.errors import StatusError

    from ..printers.json import text

    inner = f'error when patching "{item.source}": {error.message}'
    shown = text(body, indent=None)
    message = f'error when applying patch:\n{shown}\nto:\n{_where(item)}\nfor: "{item.source}": {inner}'
    return StatusError.from_status({**error.status, "message": message})


COMMAND = Command(
    "apply",
    "Make the cluster hold what manifests say",
    run,
    section="Advanced Commands",
    usage="(-f FILENAME | -k DIRECTORY)",
    text="Apply manifests in JSON or YAML: objects that are not there are created, others are changed where the manifest changed. "
    "Fields that others set are left alone.",
    examples="""# Apply a file
kk apply -f ./web.yaml

# Apply what comes on standard input
cat web.yaml | kk apply -f -

# Let the server merge, and own the fields as "kubectl"
kk apply --server-side -f ./web.yaml

# See what would happen
kk apply -f ./web.yaml --dry-run=server -o yaml""",
    flags=(
        *output(),
        *filename("with the manifests"),
        ALL,
        *cascade(),
        DRY_RUN,
        field_manager(_CLIENT_SIDE),
        Flag("force-conflicts", type="bool", help="With --server-side: take over fields that others own."),
        Flag("openapi-patch", type="bool", default=True, hidden=True, help="Accepted for compatibility."),
        Flag("overwrite", type="bool", default=True, help="Let the manifest win over changes that others made."),
        Flag("prune", type="bool", help="Delete objects that were applied before and are in the manifests no longer."),
        Flag("prune-allowlist", type="array", help="Kinds that --prune looks at, as group/version/kind."),
        SELECTOR,
        Flag("server-side", type="bool", help="Have the server merge."),
        SUBRESOURCE,
        VALIDATE,
        Flag("wait", type="bool", help="Wait until deleted objects are gone."),
    ),
    package="kk.cli.verbs.apply_",
)
