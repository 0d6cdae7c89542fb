"""`kk api-resources`: the types that the server serves."""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError
from ..printers.table import Columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kk.client.discovery import APIResource


def run(env: Env, options: Options) -> None:
    """Print them."""
    if options.args:
        raise env.usage(f"unexpected arguments: [{' '.join(options.args)}]", "api-resources")
    if options.output not in ("", "wide", "name", "json", "yaml", "kyaml"):
        allowed = "json,kyaml,name,wide,yaml"
        raise CommandError(
            f'unable to match a printer suitable for the output format "{options.output}", allowed formats are: {allowed}'
        )
    if options.sort_by not in ("", "name", "kind"):
        raise CommandError("--sort-by accepts only name or kind")
    if not options.cached:
        env.discovery.invalidate()
    found = [r for r in env.discovery.preferred() if _wanted(r, options)]
    found.sort(key=lambda r: (_key(r, options.sort_by), r.name))
    if options.output == "name":
        for r in found:
            env.out(f"{r.name}.{r.group}" if r.group else r.name)
    elif options.output in ("json", "yaml", "kyaml"):
        _list(env, options, found)
    else:
        _table(env, options, found)


def _wanted(r: APIResource, options: Options) -> bool:
    if not r.verbs or ("api-group" in options.changed and r.group != options.api_group):
        return False
    if "namespaced" in options.changed and r.namespaced != options.namespaced:
        return False
    return set(options.verbs) <= set(r.verbs) and set(options.categories) <= set(r.categories)


def _key(r: APIResource, sort_by: str) -> str:
    return {"name": r.name, "kind": r.kind}.get(sort_by, r.group)


def _table(env: Env, options: Options, found: list[APIResource]) -> None:
    wide = options.output == "wide"
    rows = []
    if not options.no_headers:
        rows.append(
            ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"] + (["VERBS", "CATEGORIES"] if wide else [])
        )
    for r in found:
        row = [r.name, ",".join(r.short_names), r.api_version, "true" if r.namespaced else "false", r.kind]
        rows.append(row + ([",".join(r.verbs), ",".join(r.categories)] if wide else []))
    env.stdout.write(Columns().lines(rows))


def _list(env: Env, options: Options, found: list[APIResource]) -> None:
    from ..printers import printer

    resources = []
    for r in found:
        one: dict = {"name": r.name, "singularName": r.singular, "namespaced": r.namespaced}
        if r.group:
            one["group"] = r.group
        one.update(version=r.version, kind=r.kind, verbs=list(r.verbs))
        if r.short_names:
            one["shortNames"] = list(r.short_names)
        if r.categories:
            one["categories"] = list(r.categories)
        resources.append(one)
    shown = printer(env, ("json", "yaml", "kyaml"))
    if hasattr(shown, "sort"):
        shown.sort = False  # type: ignore[union-attr]
    assert shown is not None
    shown.show({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "", "resources": resources})


COMMAND = Command(
    "api-resources",
    "Print the types that the server serves",
    run,
    usage="[flags]",
    examples="""# All types
kk api-resources

# With verbs and categories
kk api-resources -o wide

# Those without a namespace
kk api-resources --namespaced=false

# Those of one group
kk api-resources --api-group=rbac.authorization.k8s.io""",
    flags=(
        Flag("api-group", help="Only types of this group."),
        Flag("cached", type="bool", help="Use the kept list if there is one."),
        Flag("categories", type="list", help="Only types of these categories."),
        Flag(
            "namespaced",
            type="bool",
            default=True,
            help="Only types with a namespace, or with =false only those without.",
        ),
        Flag("no-headers", type="bool", help="Leave out the line of headers."),
        Flag(
            "output",
            "o",
            help="Output format. One of: (json, yaml, name, wide).",
            values=("json", "yaml", "name", "wide"),
        ),
        Flag("show-managed-fields", type="bool", hidden=True, help="Accepted for compatibility."),
        Flag("sort-by", help="Sort by name or kind."),
        Flag("verbs", type="list", help="Only types with all of these verbs."),
    ),
)
