"""What a kind is: the strategy that the one generic pipeline of kk.server asks, as a value.

A file of kk.kinds holds one `KIND`; a kind without a file is served from the schema alone with these defaults.
The model is k8s.io/apiserver `pkg/registry/rest` (create and update strategies). Every function is pure: objects are plain dicts
in wire form, `default` and the two `prepare` functions change the dict they are given, `validate` never does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kk.base.errors import FieldError

Obj = dict[str, Any]
Errors = Iterable[FieldError]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`: `value` is a dotted path (".spec.replicas") or a function of the object (and, where it takes two arguments, of now as a POSIX time).

    type is string, integer, number, boolean or date; priority 0 is always shown, 1 with `-o wide`. The Name column comes first of itself, unless a kind lists one of its own; Age is listed by kinds
    that have it. The text that explains a column is `description`, or else that of the field at the path `describes` or `value`, or none where
    `describes` is "-". A column without a name writes a cell that the table does not define, as one kind of upstream does.
    """

    name: str
    value: "str | Callable[..., Any]"
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""
    describes: str = ""


#: the last column of most kinds
AGE = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the scale subresource reads and writes; selector is a path to a LabelSelector or to a map of labels."""

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ".spec.selector"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Another served version of the same stored form; both functions take a dict of one version and return one of the other.

    validate: what takes the place of the kind's own, on the stored form, for writes in this version.
    deprecated: the text of the Warning header that every request for this version gets.
    selectable: this version's field selectors → the stored version's names; None where they are the same.
    """

    api_version: str
    to_stored: Callable[[Obj], Obj]
    from_stored: Callable[[Obj], Obj]
    columns: "tuple[Column, ...] | None" = None
    selectable: "dict[str, str] | None" = None
    validate: "Callable[[Obj, Obj | None], Errors] | None" = None
    deprecated: str = ""


def _nothing(*_: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: the facts that the schema cannot say, and its pure functions.

    default(obj)                 fills what is unset; idempotent
    prepare_create(obj)          drops what a client may not set on create (status, deprecated fields); the pipeline sets metadata itself
    prepare_update(obj, old)     the same for update; the pipeline keeps status and generation by itself where `status` is served
    prepare_status(obj, old)     what a write to /status gets from the old object where the client leaves it out
    validate(obj, old)           all faults of spec and of the kind's own metadata rules; old is None on create. ObjectMeta itself is validated by the pipeline
    validate_status(obj, old)    faults of a write to /status
    validate_subresource         sub-resource ("ephemeralcontainers", "binding") → what takes the place of validate(obj, old) for writes to it
    validate_name(name)          messages for metadata.name (default: DNS subdomain)
    warnings(obj, old)           texts for Warning headers
    deprecated                   the text of the Warning header that every request for the kind gets, reads and refused writes too
    selectable                   field selectors beside metadata.name and metadata.namespace: name → path or function of the object
    generation                   changes of anything but metadata and status raise metadata.generation
    row_conditions(obj)          conditions of its row in a Table ("Completed")
    counted(obj)                 what else raises metadata.generation when it changes (annotations of Deployments)
    orphans                      a delete that names no propagation policy leaves the dependents; orphan_warning is what it warns of then
    status_on_create             a new object may bring its status along (nodes); else the pipeline drops it before prepare_create
    grace(obj, options)          seconds a delete waits for (pods), 0 deletes at once
    reset                        sub-resource ("" for none) → the fields (in the form of FieldsV1) that a write to it cannot set; None: by the schema
    hidden_annotation            an annotation that upstream's inner form keeps elsewhere: metadata alone do not show it
    going(obj, now)              marks an object that is deleted and stays for a while in a way of its own; False where it goes at once
    describe(obj, ask)           lines of `kubectl describe` (see kk.kinds.describing); None: the generic layout
    """

    api_version: str
    kind: str
    default: Callable[[Obj], None] | None = None
    prepare_create: Callable[[Obj], None] | None = None
    prepare_update: Callable[[Obj, Obj], None] | None = None
    prepare_status: Callable[[Obj, Obj], None] | None = None
    validate: Callable[[Obj, Obj | None], Errors] = _nothing
    validate_status: Callable[[Obj, Obj], Errors] = _nothing
    validate_subresource: "dict[str, Callable[[Obj, Obj], Errors]]" = field(default_factory=dict)
    validate_name: "Callable[[str], Iterable[str]] | None" = None
    warnings: Callable[[Obj, Obj | None], Iterable[str]] = _nothing
    deprecated: str = ""
    columns: tuple[Column, ...] | None = None
    selectable: "dict[str, str | Callable[[Obj], str]]" = field(default_factory=dict)
    scale: Scale | None = None
    status: bool | None = None
    generation: bool = True
    status_on_create: bool = False
    counted: "Callable[[Obj], Any] | None" = None
    orphans: bool = False
    orphan_warning: str = ""
    row_conditions: "Callable[[Obj], list[Obj]] | None" = None
    create_on_update: bool = False
    unconditional_update: bool = True
    grace: Callable[[Obj, Obj], int] | None = None
    conversions: tuple[Conversion, ...] = ()
    describe: Callable[[Obj, Any], Iterable[str]] | None = None
    reset: "dict[str, dict[str, Any]] | None" = None
    hidden_annotation: str = ""
    going: "Callable[[Obj, str], bool] | None" = None

    @property
    def group(self) -> str:
        """The API group, "" for the core one."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version without the group."""
        return self.api_version.rpartition("/")[2]


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One served resource of one version: what routes, discovery, OpenAPI, tables and the command line derive from.

    Built by kk.kinds.registry from the schema's facts and the Kind; custom resources make theirs from their definition.
    `storage_version` is the api_version in which objects are kept; `subresources` are names such as "status", "scale", "log".
    """

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    subresources: tuple[str, ...]
    storage_version: str
    strategy: Kind
    schema: Any  # kk.base.schema.Node of the whole object
    decode: Callable[[bytes], Obj]  # strict, typed; raises msgspec.ValidationError or DecodeError
    list_kind: str = ""
    #: made from a CustomResourceDefinition
    custom: ClassVar[bool] = False

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> tuple[str, str, str]:
        """(group, version, plural)."""
        return (self.group, self.version, self.plural)
