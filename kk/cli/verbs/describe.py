"""`kk describe`: what an object is, with what belongs to it. How each kind is told is kk.kinds' business (Kind.describe)."""

from __future__ import annotations

import time

from ..command import Command, Flag, Options
from ..common import ALL_NAMESPACES, CHUNK_SIZE, SELECTOR, filename
from ..context import Env
from ..errors import CommandError, raise_all
from ..resources import Item, Selection, collection, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from kk.client.discovery import APIResource


def run(env: Env, options: Options) -> None:
    """Describe what is meant."""
    if not options.args and not options.filename and not options.kustomize:
        raise CommandError(
            "You must specify the type of resource to describe. "
            f'Use "{env.prog} api-resources" for a complete list of supported resources.'
        )

    selection = select(env, options.args)
    ask = Asker(env, options.show_events)
    teller = _Teller(env, ask)
    errors: list[Exception] = list(selection.errors)
    for item in _items(env, options, selection, errors, teller):
        teller.tell(item)
    if not teller.told and not errors:
        _nothing(env, options, selection)
    raise_all(errors)


def _nothing(env: Env, options: Options, selection: Selection) -> None:
    namespaced = not options.all_namespaces and all(r.namespaced for r in selection.resources)
    env.err(f"No resources found in {env.namespace} namespace." if namespaced else "No resources found")


def _items(env: Env, options: Options, selection: Selection, errors: list[Exception], teller: _Teller) -> list[Item]:
    """What is to be described, fetched; names that begin others are described on the way."""
    from kk.base.errors import StatusError

    found: list[Item] = []
    try:
        if selection.kind == "selector":
            found.extend(selection.items(chunk=options.chunk_size))
    except StatusError as error:
        errors.append(error)
    for item in selection.named:
        try:
            item.fetch(env)
            found.append(item)
        except StatusError as error:
            if error.code != 404 or selection.kind != "names" or not _by_prefix(env, options, item, teller):
                errors.append(error)
    if len(found) > 1 and "show-events" not in options.changed:
        teller.ask.show_events = False
    return found


def _by_prefix(env: Env, options: Options, item: Item, teller: _Teller) -> bool:
    """Describe every object whose name begins so, an empty line after each; whether there was one."""
    page = env.client.request("GET", collection(item.resource, item.namespace)).json()
    if "show-events" not in options.changed:
        teller.ask.show_events = False
    found = False
    for obj in page.get("items") or ():
        meta = obj["metadata"]
        if meta["name"].startswith(item.name):
            found = True
            obj.setdefault("apiVersion", page.get("apiVersion", ""))
            obj.setdefault("kind", item.resource.kind)
            teller.tell(Item(item.resource, meta.get("namespace", ""), meta["name"], obj), apart=False)
            env.out("")
    return found


class _Teller:
    """Prints descriptions, two empty lines between them."""

    def __init__(self, env: Env, ask: Asker):
        self.env, self.ask, self.told = env, ask, 0

    def tell(self, item: Item, apart: bool = True) -> None:
        """Print one description."""
        assert item.obj is not None
        lines = describer(item.resource)(item.obj, self.ask)
        if self.told and apart:
            self.env.stdout.write("\n\n")
        self.told += 1
        self.env.stdout.write("\n".join(lines) + "\n")


def describer(resource: APIResource) -> Any:
    """How objects of the resource are described: by the file of its kind (the registry with all its types is not needed), or generically."""
    import importlib.util

    from kk.base.discover import load

    name = resource.kind.lower()
    if name.isidentifier() and importlib.util.find_spec(f"kk.kinds.{name}"):
        found = getattr(importlib.import_module(f"kk.kinds.{name}"), "KIND", None)
        if found is not None and found.describe is not None and found.api_version == resource.api_version:
            return found.describe
    return load("kk.kinds", "describing", "generic")


class Asker:
    """Answers what descriptions ask (kk.kinds.describing.Ask); what may not be read is None."""

    def __init__(self, env: Env, show_events: bool):
        self.env, self.show_events = env, show_events
        self.now = time.time()

    def list(
        self, api_version: str, plural: str, namespace: str, label_selector: str = "", field_selector: str = ""
    ) -> list[dict[str, Any]] | None:
        """The objects of a resource, None where they may not be read or are not served."""
        from kk.base.errors import StatusError

        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        path = f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
        query = {"labelSelector": label_selector or None, "fieldSelector": field_selector or None}
        try:
            return self.env.client.request("GET", path, query=query).json().get("items") or []
        except StatusError as error:
            if error.code in (403, 404):
                return None
            raise

    def get(self, api_version: str, plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        """One object, None where it is not there or may not be read."""
        from kk.base.errors import StatusError

        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        path = f"{root}/namespaces/{namespace}/{plural}/{name}" if namespace else f"{root}/{plural}/{name}"
        try:
            return self.env.client.request("GET", path).json()
        except StatusError as error:
            if error.code in (403, 404):
                return None
            raise

    def events(self, obj: dict[str, Any]) -> Sequence[dict[str, Any]] | None:
        """Events about the object, None where they are not to be shown."""
        if not self.show_events:
            return None
        meta = obj.get("metadata") or {}
        terms = {
            "involvedObject.name": meta.get("name", ""),
            "involvedObject.namespace": meta.get("namespace", ""),
            "involvedObject.kind": obj.get("kind", ""),
            "involvedObject.uid": meta.get("uid", ""),
        }
        if obj.get("kind") == "Node":
            del terms["involvedObject.namespace"]
        selector = ",".join(f"{k}={v}" for k, v in terms.items() if v)
        return self.list("v1", "events", meta.get("namespace", ""), "", selector) or []


COMMAND = Command(
    "describe",
    "Show the details of objects",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
    text="Show the details of objects and of what belongs to them, such as events. A name that does not exist is taken as the "
    "beginning of names.",
    examples="""# A node
kk describe node node-1

# A pod
kk describe pods/web-1

# All pods whose names begin with web
kk describe pods web

# Pods with a label
kk describe pods -l app=web""",
    flags=(
        ALL_NAMESPACES,
        CHUNK_SIZE,
        *filename("that names the objects"),
        SELECTOR,
        Flag("show-events", type="bool", default=True, help="Show events about each object."),
    ),
    complete="resources",
)
