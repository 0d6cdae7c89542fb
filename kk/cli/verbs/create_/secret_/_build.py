"""What all kinds of secrets end with."""

from __future__ import annotations

import base64

from ....command import Options
from ....context import Env
from ...create import build
from .._data import hashed


def build_secret(env: Env, options: Options, name: str, kind: str, data: dict[str, bytes]) -> None:
    """Create a secret of a type ("" is left to the server) with this content."""
    obj: dict = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}}
    if data:
        obj["data"] = {key: base64.b64encode(data[key]).decode() for key in sorted(data)}
    if kind:
        obj["type"] = kind
    if options.append_hash:
        obj["metadata"]["name"] = f"{name}-{hashed('Secret', obj, ('data', 'type'))}"
    build(env, options, "secrets", obj, failing="failed to create secret", joint=" ")
