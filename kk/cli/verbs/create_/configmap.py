"""`kk create configmap NAME`."""

from __future__ import annotations

from ...command import Command, Options
from ...context import Env, one_name
from ..create import GENERATOR_FLAGS, build
from ._data import FLAGS, collect, hashed


def run(env: Env, options: Options) -> None:
    """Create the config map."""
    name = one_name(env, options.args, "create configmap")
    text, binary = {}, {}
    for key, value in collect(env, options, "ConfigMap").items():
        try:
            text[key] = value.decode()
        except UnicodeDecodeError:
            import base64

            binary[key] = base64.b64encode(value).decode()
    obj: dict = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}}
    if text:
        obj["data"] = dict(sorted(text.items()))
    if binary:
        obj["binaryData"] = dict(sorted(binary.items()))
    if options.append_hash:
        obj["metadata"]["name"] = f"{name}-{hashed('ConfigMap', obj, ('data', 'binaryData'))}"
    build(env, options, "configmaps", obj, failing="failed to create configmap")


COMMAND = Command(
    "create configmap",
    "Create a config map from files, folders or literal values",
    run,
    usage="NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    examples="""# From literal values
kk create configmap settings --from-literal=color=blue --from-literal=size=3

# The files of a folder
kk create configmap settings --from-file=config/

# One file under another key
kk create configmap settings --from-file=app.conf=./dev.conf""",
    flags=(*GENERATOR_FLAGS, *FLAGS),
    aliases=("cm",),
)
