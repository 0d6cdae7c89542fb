"""ServiceAccount: an identity for pods. kk.control makes the default one of each namespace."""

from collections.abc import Iterator
from typing import Any

from kk.kinds._later import later
from kk.kinds.kind import AGE, Kind

Obj = dict[str, Any]


def prepare_create(obj: Obj) -> None:
    """Of its secrets an account keeps the names alone: they are of its namespace."""
    for at, secret in enumerate(secrets := obj.get("secrets") or []):
        secrets[at] = {"name": secret["name"]} if secret.get("name") else {}


def prepare_update(obj: Obj, old: Obj) -> None:
    """As on create."""
    prepare_create(obj)


_ENFORCE = "kubernetes.io/enforce-mountable-secrets"


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """A retired annotation, where it is new."""
    before = ((old or {}).get("metadata") or {}).get("annotations") or {}
    if _ENFORCE in (obj["metadata"].get("annotations") or {}) and _ENFORCE not in before:
        yield (
            f"metadata.annotations[{_ENFORCE}]: deprecated in v1.32+; "
            "prefer separate namespaces to isolate access to mounted secrets"
        )


KIND = Kind(
    "v1",
    "ServiceAccount",
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    warnings=warnings,
    describe=later("_describe_core", "service_account"),
    columns=(AGE,),
    generation=False,
)
