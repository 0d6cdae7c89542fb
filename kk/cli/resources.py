"""Which objects a command line means: TYPE, TYPE NAME, TYPE/NAME, comma lists, categories, -f, -l, --field-selector, --all, -A.

The rules and messages are those of k8s.io/cli-runtime's resource builder. `select` says what is meant and asks only discovery;
`Selection.items` fetches. Verbs that need the server's table (get) fetch for themselves.
"""

from __future__ import annotations

from .context import Env
from .errors import CommandError, Several, raise_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from kk.client.discovery import APIResource

MISSING = (
    "You must provide one or more resources by argument or filename.\n"
    "Example resource specifications include:\n"
    "   '-f rsrc.yaml'\n"
    "   '--filename=rsrc.json'\n"
    "   '<resource> <name>'\n"
    "   '<resource>'"
)


class Item:
    """One object that is meant: its resource, place and name, `obj` once it is known, `source` where it came from a file."""

    __slots__ = ("resource", "namespace", "name", "obj", "source")

    def __init__(
        self, resource: APIResource, namespace: str, name: str, obj: dict[str, Any] | None = None, source: str = ""
    ):
        self.resource, self.namespace, self.name, self.obj, self.source = resource, namespace, name, obj, source

    @property
    def label(self) -> str:
        """`deployment.apps/web`, as results are told."""
        return f"{kind_label(self.resource.kind, self.resource.group)}/{self.name}"

    def path(self, subresource: str = "") -> str:
        """The object's URL path."""
        found = f"{collection(self.resource, self.namespace)}/{self.name}"
        return f"{found}/{subresource}" if subresource else found

    def fetch(self, env: Env, subresource: str = "") -> dict[str, Any]:
        """The live object, kept in `obj`."""
        self.obj = env.client.request("GET", self.path(subresource)).json()
        return self.obj


def kind_label(kind: str, group: str) -> str:
    """`deployment.apps`, `pod`."""
    return f"{kind.lower()}.{group}" if group else kind.lower()


def collection(resource: APIResource, namespace: str = "") -> str:
    """The URL path of a resource's list, in a namespace or across all."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    if resource.namespaced and namespace:
        return f"{root}/namespaces/{namespace}/{resource.name}"
    return f"{root}/{resource.name}"


class finding:
    """Faults of a list request inside say which list it was."""

    def __init__(self, resource: APIResource, labels: str, fields: str):
        self.resource, self.labels, self.fields = resource, labels, fields

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None or getattr(error, "reason", "") not in ("BadRequest", "NotFound"):
            return
        from kk.base.errors import StatusError

        where = f"{self.resource.group}/{self.resource.version}, Resource={self.resource.name}"
        message = f'Unable to list "{where}": {error.message}'
        if self.labels or self.fields:
            labels, fields = (t.replace('"', '\\"') for t in (self.labels, self.fields))
            message = f'Unable to find "{where}" that match label selector "{labels}", field selector "{fields}": {error.message}'
        raise StatusError.from_status({**error.status, "message": message}) from None


class Selection:
    """What a command line means.

    kind        "files", "selector" (all objects of `resources` that the selectors choose) or "names" (`named`)
    single      exactly one object is meant, so that it is printed alone
    """

    def __init__(self, env: Env, kind: str):
        self.env, self.kind = env, kind
        self.resources: list[APIResource] = []
        self.named: list[Item] = []
        self.single = False
        self.label_selector = ""
        self.field_selector = ""
        self.all_namespaces = False
        #: faults of objects of files; verbs tell them when the others are done
        self.errors: list[Exception] = []

    def namespace_of(self, resource: APIResource) -> str:
        """The namespace to ask for a resource: "" for cluster-scoped ones and for all namespaces."""
        return self.env.namespace if resource.namespaced and not self.all_namespaces else ""

    def items(self, *, latest: bool = True, subresource: str = "", chunk: int = 500) -> Iterator[Item]:
        """Every object; those of files and names are fetched where `latest`. Errors come when the object's turn is."""
        if self.kind == "selector":
            for resource in self.resources:
                yield from self._listed(resource, chunk)
            return
        for item in self.named:
            if latest:
                item.fetch(self.env, subresource)
            yield item

    def _listed(self, resource: APIResource, chunk: int) -> Iterator[Item]:
        query = self.query()
        if chunk:
            query["limit"] = str(chunk)
        path = collection(resource, self.namespace_of(resource))
        while True:
            with finding(resource, self.label_selector, self.field_selector):
                page = self.env.client.request("GET", path, query=query).json()
            for obj in page.get("items") or ():
                obj.setdefault("apiVersion", page.get("apiVersion", ""))
                obj.setdefault("kind", resource.kind)
                meta = obj.get("metadata") or {}
                yield Item(resource, meta.get("namespace", ""), meta.get("name", ""), obj)
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return
            query["continue"] = more

    def query(self) -> dict[str, str]:
        """The selectors as query parameters."""
        found = {}
        if self.label_selector:
            found["labelSelector"] = self.label_selector
        if self.field_selector:
            found["fieldSelector"] = self.field_selector
        return found

    def each(self, act: Callable[[Item], None], **how: Any) -> None:
        """Call `act` for every object, going on after faults; raises them together at the end."""
        errors: list[Exception] = list(self.errors)
        found = self.items(**how) if self.kind == "selector" else iter(())
        while self.kind == "selector":
            try:
                item = next(found)
            except StopIteration:
                break
            _try(act, item, errors)

        def one(item: Item) -> None:
            if how.get("latest", True):
                item.fetch(self.env, how.get("subresource", ""))
            act(item)

        if self.kind != "selector":
            for item in self.named:
                _try(one, item, errors)
        raise_all(errors)


def _try(act: Callable[[Item], None], item: Item, errors: list[Exception]) -> None:
    from kk.base.errors import StatusError

    try:
        act(item)
    except Several as several:
        errors.extend(several.errors)
    except (StatusError, CommandError) as error:
        errors.append(error)


def select(
    env: Env,
    args: Sequence[str],
    *,
    everything: bool = True,
    files: bool = True,
    single_type: bool = False,
) -> Selection:
    """What the words of a command line and its flags (those of `filename`, `selector`, … that the verb has) mean.

    everything         TYPE alone means all of it; otherwise a name, a selector or --all is needed
    Raises CommandError.
    """
    o = env.options
    names = list(getattr(o, "filename", ()) or ()) if files else []
    kustomize = getattr(o, "kustomize", "") if files else ""
    found = Selection(env, "names")
    found.all_namespaces = bool(getattr(o, "all_namespaces", False))
    selector, field_selector = getattr(o, "selector", "").strip(), getattr(o, "field_selector", "").strip()
    everything_flag = bool(getattr(o, "all", False))
    if everything_flag and (selector or field_selector):
        raise CommandError("setting 'all' parameter but found a non empty selector. ")
    if names or kustomize:
        return _from_files(env, found, names, kustomize, args, env.namespace_given)
    words = _spread(list(args))
    tuples = _tuples(env, words)
    if tuples is None and words:
        words[0] = _categories(env, words[0])
    bulk = bool(selector or field_selector or everything_flag)
    if tuples is None and len(words) == 1 and everything:
        bulk = True
    found.label_selector, found.field_selector = selector, field_selector
    if bulk:
        return _bulk(env, found, words, tuples, single_type)
    if tuples is not None:
        return _named(env, found, tuples)
    if len(words) > 1:
        return _named(env, found, [(words[0], name) for name in words[1:]])
    if words:
        for word in words[0].split(","):
            env.find(word)
        raise CommandError("resource(s) were provided, but no name was specified")
    raise CommandError(MISSING)


def _spread(args: list[str]) -> list[str]:
    """`a,b c` as a/c b/c."""
    if len(args) >= 2 and "," in args[0]:
        return [f"{kind}/{name}" for kind in args[0].split(",") for name in args[1:]]
    return args


def _tuples(env: Env, words: list[str]) -> list[tuple[str, str]] | None:
    with_slash = sum("/" in w for w in words)
    if not with_slash:
        return None
    if with_slash != len(words):
        raise CommandError(
            "there is no need to specify a resource type as a separate argument when passing arguments in "
            f"resource/name form (e.g. '{env.prog} get resource/<resource_name>' instead of "
            f"'{env.prog} get resource resource/<resource_name>'"
        )
    found = []
    for word in words:
        parts = word.split("/")
        if len(parts) != 2:
            raise CommandError("arguments in resource/name form may not have more than one slash")
        if not parts[0] or not parts[1] or "," in parts[0]:
            raise CommandError("arguments in resource/name form must have a single resource and name")
        found.append((parts[0], parts[1]))
    return found


def _categories(env: Env, word: str) -> str:
    """The comma list with categories such as `all` replaced by their members."""
    if word.isalpha() and "," not in word and word not in ("all", "api-extensions"):
        # a plain type word is far more often a type than a category; find() is asked for it anyway
        if env.discovery.find(word) is not None:
            return word
    parts: list[str] = []
    for one in word.split(","):
        members = env.discovery.category(one)
        parts.extend(f"{m.name}.{m.group}" if m.group else m.name for m in members) if members else parts.append(one)
    return ",".join(parts)


def _bulk(
    env: Env, found: Selection, words: list[str], tuples: list[tuple[str, str]] | None, single_type: bool
) -> Selection:
    if len(words) > 1 and tuples is None:
        raise CommandError("name cannot be provided when a selector is specified")
    if tuples is not None:
        raise CommandError("selectors and the all flag cannot be used when passing resource/name arguments")
    if not words:
        raise CommandError("at least one resource must be specified to use a selector")
    if getattr(env.options, "subresource", ""):
        raise CommandError("subresource cannot be used when bulk resources are specified")
    found.kind = "selector"
    kinds = words[0].split(",")
    if len(kinds) > 1 and single_type:
        raise CommandError("you may only specify a single resource type")
    seen = set()
    for word in kinds:
        resource = env.find(word)
        key = (resource.group, resource.version, resource.kind)
        if key not in seen:
            seen.add(key)
            found.resources.append(resource)
    return found


def _named(env: Env, found: Selection, tuples: list[tuple[str, str]]) -> Selection:
    resources: dict[str, APIResource] = {}
    for word, name in tuples:
        if not name:
            raise CommandError("resource name may not be empty")
        resource = resources.get(word) or env.find(word)
        resources[word] = resource
        if resource.namespaced and found.all_namespaces:
            raise CommandError("a resource cannot be retrieved by name across all namespaces")
        found.named.append(Item(resource, env.namespace if resource.namespaced else "", name))
    found.single = len(tuples) == 1
    return found


def _from_files(
    env: Env, found: Selection, names: list[str], kustomize: str, args: Sequence[str], enforce: bool
) -> Selection:
    if args:
        raise CommandError(
            "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
        )
    from .manifests import read

    found.kind = "files"
    for document in read(env, names, bool(getattr(env.options, "recursive", False)), kustomize, found.errors):
        try:
            found.named.append(item_of(env, document.obj, document.source, enforce))
        except CommandError as error:
            found.errors.append(error)
    found.single = len(names) == 1 and len(found.named) == 1
    if not found.named and found.errors:
        raise_all(found.errors)
    return found


def item_of(env: Env, obj: dict[str, Any], source: str, enforce: bool = False) -> Item:
    """The item of an object that was read, with its namespace filled in.

    Raises CommandError: no such kind; or, where `enforce`, a namespace other than --namespace.
    """
    version, kind = str(obj.get("apiVersion")), str(obj.get("kind"))
    meta = obj.get("metadata")
    if meta is None:
        meta = obj["metadata"] = {}
    if not isinstance(meta, dict):
        from .manifests import unmarshalled

        raise unmarshalled(source, meta, "metadataOnlyObject.metadata", "v1.ObjectMeta")
    for field in ("name", "namespace", "generateName", "resourceVersion"):
        if not isinstance(meta.get(field, ""), str | None):
            from .manifests import unmarshalled

            raise unmarshalled(source, meta[field], f"ObjectMeta.metadata.{field}", "string")
    for field in ("labels", "annotations"):
        for value in (meta.get(field) or {}).values() if isinstance(meta.get(field), dict) else ():
            if not isinstance(value, str):
                from .manifests import unmarshalled

                raise unmarshalled(source, value, f"ObjectMeta.metadata.{field}", "string")
    name, namespace = str(meta.get("name") or ""), str(meta.get("namespace") or "")
    resource = _here(version, kind) if getattr(env.options, "local", False) else env.find_kind(version, kind)
    if resource is None:
        raise CommandError(
            f'resource mapping not found for name: "{name}" namespace: "{namespace}" from "{source}": '
            f'no matches for kind "{kind}" in version "{version}"\nensure CRDs are installed first'
        )
    if not resource.namespaced:
        meta.pop("namespace", None)
        return Item(resource, "", name, obj, source)
    if getattr(env.options, "local", False):
        return Item(resource, namespace, name, obj, source)
    if not namespace:
        namespace = meta["namespace"] = env.namespace
    elif enforce and namespace != env.namespace:
        raise CommandError(
            f'the namespace from the provided object "{namespace}" does not match the namespace "{env.namespace}". '
            f"You must pass '--namespace={namespace}' to perform this operation."
        )
    return Item(resource, namespace, name, obj, source)


def _here(version: str, kind: str) -> APIResource:
    """A resource of a kind as it is taken for without asking a server (--local)."""
    from kk.client.discovery import APIResource

    group, _, number = version.rpartition("/")
    return APIResource(group, number, f"{kind.lower()}s", kind.lower(), kind, True)
