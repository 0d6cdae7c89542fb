"""Secret: small secret data by key. Pods read it through kk.agent; kk.control.serviceaccount fills tokens."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from kk.base import gojson
from kk.base.errors import invalid_value, required
from kk.kinds._checks import Errors, fill
from kk.kinds._keyed import check_data
from kk.kinds._later import later
from kk.kinds.kind import AGE, Column, Kind

Obj = dict[str, Any]


def default(obj: Obj) -> None:
    """Opaque where no type is told; stringData goes into data, which wins over what was there."""
    fill(obj, "type", "Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        data = obj.setdefault("data", {})
        for key, value in plain.items():
            data[key] = base64.b64encode(value.encode()).decode()


#: type → keys that must be there; of a set in a tuple one is enough
_NEEDED: dict[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_ACCOUNT = "kubernetes.io/service-account.name"
_REDACTED = "<secret contents redacted>"


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Keys, size, what the type asks for; the type stays."""
    if old is not None and obj.get("type") != old.get("type"):
        yield invalid_value("type", obj.get("type") or "", "field is immutable")
    yield from check_data(obj, old, ("data",), ("data",))
    yield from _typed(obj)


def _typed(obj: Obj) -> Errors:
    kind, data = obj.get("type") or "", obj.get("data") or {}
    for key in _NEEDED.get(kind, ()):
        if key not in data:
            yield required(f"data[{key}]")
        elif kind.startswith("kubernetes.io/docker"):
            yield from _json(key, data[key])
    if kind == "kubernetes.io/basic-auth" and "username" not in data and "password" not in data:
        yield required("data[username]")
        yield required("data[password]")
    if kind == "kubernetes.io/ssh-auth" and not data.get("ssh-privatekey"):
        yield required("data[ssh-privatekey]")
    if kind == "kubernetes.io/service-account-token":
        if not (obj["metadata"].get("annotations") or {}).get(_ACCOUNT):
            yield required(f"metadata.annotations[{_ACCOUNT}]")


def _json(key: str, value: str) -> Errors:
    raw = base64.b64decode(value)
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        yield invalid_value(f"data[{key}]", _REDACTED, gojson.words(raw))
        return
    if not isinstance(found, (dict, type(None))):
        kind = {str: "string", list: "array", bool: "bool"}.get(type(found), "number")
        detail = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        yield invalid_value(f"data[{key}]", _REDACTED, detail)


def warnings(obj: Obj, old: Obj | None) -> Iterator[str]:
    """A TLS pair that holds no PEM, where it is new or changed."""
    if obj.get("type") != "kubernetes.io/tls" or (old is not None and old.get("data") == obj.get("data")):
        return
    for key, word in (("tls.crt", "certificate"), ("tls.key", "key")):
        if b"-----BEGIN " not in base64.b64decode((obj.get("data") or {}).get(key) or ""):
            yield f"tls: failed to find any PEM data in {word} input"
            return


KIND = Kind(
    "v1",
    "Secret",
    describe=later("_describe_core", "secret"),
    default=default,
    validate=validate,
    warnings=warnings,
    columns=(
        Column("Type", ".type"),
        Column("Data", lambda obj: len(obj.get("data") or ()), describes=".data"),
        AGE,
    ),
    selectable={"type": ".type"},
    generation=False,
)
