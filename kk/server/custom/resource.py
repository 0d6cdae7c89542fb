"""One version of a custom resource as a Resource: what a definition says of it, and its strategy, made when first asked for.

Of a definition only the few facts that routing and discovery need are held; its schema is read from the stored definition and compiled
when the first object of that version is looked at. What brings resources in and out is kk.server.custom.definitions.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from kk.base.errors import FieldError
from kk.kinds.kind import Kind, Resource, Scale
from kk.server.custom import nodes
from kk.server.custom.schema import Schema

if TYPE_CHECKING:
    from kk.server.custom.strategy import Strategy

Obj = dict[str, Any]
VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
#: what is still listed in discovery while a definition goes
LAST_VERBS = ("delete", "deletecollection", "get", "list", "watch")
_LAZY = ("strategy", "schema", "decode", "compiled", "judge")


class Names(msgspec.Struct):
    """spec.names and status.acceptedNames."""

    plural: str = ""
    singular: str = ""
    kind: str = ""
    listKind: str = ""
    shortNames: list[str] = []
    categories: list[str] = []


class Version(msgspec.Struct):
    """What is held of one of spec.versions."""

    name: str
    served: bool = False
    storage: bool = False
    deprecated: bool = False
    deprecationWarning: str | None = None
    subresources: dict[str, Any] | None = None
    additionalPrinterColumns: list[dict[str, Any]] | None = None
    selectableFields: list[dict[str, str]] | None = None


class Custom(Resource):
    """See the module's docstring. `read` gives the version's entry of spec.versions, whole, from the stored definition."""

    __slots__ = ("facts", "deprecation", "terminating", "read", "raw_scale", "mark", "compiled", "judge", "siblings")
    custom: ClassVar[bool] = True
    facts: Version
    compiled: Schema
    judge: "Strategy"

    def __init__(
        self, group: str, names: Names, namespaced: bool, version: Version, storage: str, read: Callable[[], Obj]
    ):
        parts = version.subresources or {}
        values: dict[str, Any] = {
            "group": group,
            "version": version.name,
            "plural": names.plural,
            "singular": names.singular,
            "kind": names.kind,
            "namespaced": namespaced,
            "verbs": VERBS,
            "short_names": tuple(names.shortNames),
            "categories": tuple(names.categories),
            "subresources": tuple(name for name in ("status", "scale") if parts.get(name) is not None),
            "storage_version": f"{group}/{storage}",
            "list_kind": names.listKind,
            "facts": version,
            "terminating": False,
            "deprecation": "",
            "read": read,
            "raw_scale": parts.get("scale"),
            "siblings": {},
            "mark": "",
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        # called only for slots that are not set yet
        if name not in _LAZY:
            raise AttributeError(name)
        value = getattr(self, f"_make_{name}")()
        object.__setattr__(self, name, value)
        return value

    def raw_schema(self) -> Obj:
        """openAPIV3Schema as it is stored."""
        found: Obj = (self.read().get("schema") or {}).get("openAPIV3Schema") or {}
        return found

    def _make_compiled(self) -> Schema:
        return Schema(self.raw_schema())

    def _make_schema(self) -> Any:
        return nodes.root(self.compiled)

    def _make_decode(self) -> Any:
        from kk.server.custom.bodies import decode

        return lambda data: decode(self, data, "Strict")[0]

    def _make_judge(self) -> "Strategy":
        from kk.server.custom.strategy import Strategy

        return Strategy(self)

    def _make_strategy(self) -> Kind:
        from kk.server.custom.columns import columns

        scale = self.raw_scale
        status = "status" in self.subresources
        return Kind(
            self.api_version,
            self.kind,
            default=self._default,
            validate=self._validate,
            validate_status=self._validate_status,
            warnings=self._warnings,
            columns=columns(self.facts.additionalPrinterColumns),
            selectable=self.selectable(),
            scale=Scale(
                scale.get("specReplicasPath") or "",
                scale.get("statusReplicasPath") or "",
                scale.get("labelSelectorPath") or "",
            )
            if scale
            else None,
            status=status,
            unconditional_update=False,
            reset={"": {"f:status": {}} if status else {}, "status": {"f:spec": {}}, "scale": {}},
        )

    def selectable(self) -> "dict[str, str | Callable[[Obj], str]]":
        """Field selectors: name → path."""
        return {f["jsonPath"].removeprefix("."): f["jsonPath"] for f in self.facts.selectableFields or ()}

    # the strategy's functions, by way of what is made on first use

    def _default(self, obj: Obj) -> None:
        self.judge.default(obj)

    def _validate(self, obj: Obj, old: Obj | None) -> list[FieldError]:
        return self.judge.validate(obj, old)

    def _validate_status(self, obj: Obj, old: Obj) -> list[FieldError]:
        return self.judge.validate_status(obj, old)

    def _warnings(self, obj: Obj, old: Obj | None) -> Iterator[str]:
        return self.judge.warnings(obj, old)
