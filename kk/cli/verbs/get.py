"""`kk get`: what is there, as a table that the server made, or in any -o format, once or as it changes.

Printing is in kk.cli.printers; sorting in kk.cli.sorting; here is which requests are made, in which order results and faults come out.
"""

from __future__ import annotations

from ..command import Command, Flag, Options
from ..common import ALL_NAMESPACES, CHUNK_SIZE, FIELD_SELECTOR, GET_FORMATS, SELECTOR, SUBRESOURCE, filename, output
from ..context import Env
from ..errors import CommandError, raise_all
from ..printers import printer, split
from ..printers.table import TablePrinter
from ..resources import Item, Selection, collection, finding, kind_label, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from kk.client.discovery import APIResource

    from ..printers import Printer

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def run(env: Env, options: Options) -> None:
    """Print what was asked for."""
    if options.raw:
        _raw(env, options)
        return
    _check(env, options)
    printed = printer(env, GET_FORMATS)
    getter = Getter(env, options, human=printed is None)
    if options.watch or options.watch_only:
        from ._watch import watch

        watch(env, options, printed, getter)
    elif printed is not None:
        _generic(env, options, printed, getter)
    else:
        _tables(env, options, getter)


def _check(env: Env, options: Options) -> None:
    if not options.args and not options.filename and not options.kustomize:
        env.err(
            "You must specify the type of resource to get. "
            f'Use "{env.prog} api-resources" for a complete list of supported resources.\n'
        )
        message = "Required resource not specified."
        raise env.usage(
            f'{message}\nUse "{env.prog} explain <resource>" for a detailed description of that resource '
            f"(e.g. {env.prog} explain pods).",
            "get",
        )
    if options.output_watch_events and not (options.watch or options.watch_only):
        raise CommandError("--output-watch-events option can only be used with --watch or --watch-only")
    if (options.show_labels or options.label_columns) and split(options.output)[0] not in ("", "wide"):
        if options.show_labels:
            raise CommandError("--show-labels option cannot be used with " + options.output + " printer")


def _raw(env: Env, options: Options) -> None:
    if options.filename or options.args:
        raise env.usage("arguments may not be passed when --raw is specified", "get")
    path, _, text = options.raw.partition("?")
    query = None
    if text:
        from urllib.parse import parse_qs

        query = {k: v[-1] for k, v in parse_qs(text, keep_blank_values=True).items()}
    env.stdout.flush()
    answer = env.client.request("GET", path, query=query)
    env.stdout.write(answer.data.decode("utf-8", "replace"))


class Getter:
    """Makes the requests of one get: whole objects, or Tables where the output is for people."""

    def __init__(self, env: Env, options: Options, human: bool):
        self.env, self.options = env, options
        self.tables = human and options.server_print
        self.sorting = bool(options.sort_by)

    def request(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """One GET."""
        if self.tables:
            if self.sorting:
                query = {**query, "includeObject": "Object"}
            return self.env.client.request("GET", path, query=query, accept=TABLE).json()
        return self.env.client.request("GET", path, query=query).json()

    def pages(self, selection: Selection, resource: APIResource) -> Iterator[dict[str, Any]]:
        """The pages of one resource's list."""
        query = selection.query()
        chunk = 0 if self.sorting else self.options.chunk_size
        if chunk:
            query["limit"] = str(chunk)
        path = collection(resource, selection.namespace_of(resource))
        while True:
            with finding(resource, selection.label_selector, selection.field_selector):
                page = self.request(path, query)
            yield page
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return
            query["continue"] = more

    def one(self, item: Item) -> dict[str, Any]:
        """One named object."""
        return self.request(item.path(self.options.subresource), {})

    def answers(self, selection: Selection, errors: list[Exception]) -> Iterator[tuple[APIResource, dict[str, Any]]]:
        """Every answer with its resource; faults are collected and the rest goes on."""
        from kk.base.errors import StatusError

        errors.extend(selection.errors)
        ignore = self.options.ignore_not_found
        if selection.kind == "selector":
            for resource in selection.resources:
                try:
                    for page in self.pages(selection, resource):
                        yield resource, page
                except StatusError as error:
                    errors.append(error)
            return
        for item in selection.named:
            try:
                yield item.resource, self.one(item)
            except StatusError as error:
                if not (ignore and error.code == 404):
                    errors.append(error)


def _table_of(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("kind") == "Table":
        return answer
    from ..printers.table import of_objects

    return of_objects(answer["items"] if isinstance(answer.get("items"), list) else [answer])


def table_printer(
    env: Env, options: Options, resource: APIResource, *, several: bool, events: bool = False
) -> TablePrinter:
    """The table printer for one resource as the flags want it."""
    label = kind_label(resource.kind, resource.group) if several or options.show_kind else ""
    return TablePrinter(
        env,
        wide=split(options.output)[0] == "wide",
        headers=not options.no_headers,
        kind=label,
        namespaces=options.all_namespaces and resource.namespaced,
        labels=options.label_columns,
        all_labels=options.show_labels,
        events=events,
    )


def _tables(env: Env, options: Options, getter: Getter) -> None:
    errors: list[Exception] = []
    selection = select(env, options.args)
    answers = list(getter.answers(selection, errors))
    kinds = {(r.group, r.version, r.kind) for r, _ in answers}
    if options.sort_by:
        from ..sorting import sort_tables

        sort_tables([a for _, a in answers], options.sort_by)
    written, last, table = 0, None, None
    namespaced = not options.all_namespaces
    for resource, answer in answers:
        namespaced = namespaced and resource.namespaced
        found = _table_of(answer)
        if table is None or resource is not last:
            if written and found.get("rows") and not options.no_headers:
                env.out("")
            table, last = table_printer(env, options, resource, several=len(kinds) > 1), resource
        written += table.show(found)
    if not written and not errors and not options.ignore_not_found:
        where = f" in {env.namespace} namespace." if namespaced else ""
        env.err(f"No resources found{where}")
    raise_all(errors)


def _generic(env: Env, options: Options, printed: Printer, getter: Getter) -> None:
    errors: list[Exception] = []
    selection = select(env, options.args)
    objects: list[dict[str, Any]] = []
    for resource, answer in getter.answers(selection, errors):
        if isinstance(answer.get("items"), list) and selection.kind == "selector":
            for item in answer["items"]:
                item.setdefault("apiVersion", answer.get("apiVersion", ""))
                item.setdefault("kind", resource.kind)
                objects.append(item)
        else:
            objects.append(answer)
    if selection.single:
        raise_all(errors)
    if not objects and options.ignore_not_found:
        raise_all(errors)
        return
    if selection.single and len(objects) == 1:
        printed.show(objects[0])
    else:
        printed.show({"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}})
    raise_all(errors)


COMMAND = Command(
    "get",
    "Show one or many objects",
    run,
    section="Basic Commands (Intermediate)",
    usage="[(-o|--output=)FORMAT] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
    text="Show objects as a table of the most important facts, or whole in another format. Without a name all objects of the type "
    "are shown, those of the current namespace where the type has namespaces; selectors choose among them.\n\n"
    'Use "kk api-resources" for the list of types.',
    examples="""# All pods of the current namespace
kk get pods

# The same with more columns
kk get pods -o wide

# One deployment as JSON, in version v1 of group apps
kk get deployments.v1.apps web -o json

# The phase of one pod
kk get pod web-1 -o jsonpath='{.status.phase}'

# Columns of one's own
kk get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image

# Services and deployments together
kk get services,deployments

# Pods of all namespaces, as they change
kk get pods -A -w""",
    flags=(
        ALL_NAMESPACES,
        *output(GET_FORMATS),
        CHUNK_SIZE,
        SELECTOR,
        FIELD_SELECTOR,
        *filename("that names the objects to show"),
        Flag("ignore-not-found", type="bool", help="A named object that is not there is no error."),
        Flag("label-columns", "L", type="list", help="Labels that get a column of their own; commas or several flags."),
        Flag("no-headers", type="bool", help="Leave out the line of headers."),
        Flag(
            "output-watch-events",
            type="bool",
            help="With --watch: tell what happened to each object; those there at first are ADDED.",
        ),
        Flag("raw", help="Path to ask the server for; its answer is printed as it comes."),
        Flag("server-print", type="bool", default=True, help="Have the server make the table."),
        Flag("show-kind", type="bool", help="Put the type before each name."),
        Flag("show-labels", type="bool", help="Show all labels in the last column."),
        Flag("sort-by", help="JSONPath of the field to sort by, such as .metadata.name."),
        SUBRESOURCE,
        Flag("watch", "w", type="bool", help="After showing the objects, watch them change."),
        Flag("watch-only", type="bool", help="Watch them change without showing them first."),
    ),
    complete="resources",
)
