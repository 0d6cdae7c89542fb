"""`kk create secret docker-registry NAME`."""

from __future__ import annotations

import base64
import json

from ....command import Command, Flag, Options
from ....context import Env, one_name
from ....errors import CommandError
from ...create import GENERATOR_FLAGS
from .._data import FLAGS, collect
from ._build import build_secret


def run(env: Env, options: Options) -> None:
    """Create the secret."""
    name = one_name(env, options.args, "create secret docker-registry")
    if options.from_file:
        options.from_literal, options.from_env_file = [], []
        sources = [s if "=" in s else f".dockerconfigjson={s}" for s in options.from_file]
        options.from_file = sources
        data = collect(env, options, "Secret")
    else:
        if not options.docker_username or not options.docker_password:
            raise CommandError(
                "either --from-file or the combination of --docker-username, --docker-password and --docker-server "
                "is required"
            )
        data = {".dockerconfigjson": _config(options)}
    build_secret(env, options, name, "kubernetes.io/dockerconfigjson", data)


def _config(options: Options) -> bytes:
    pair = f"{options.docker_username}:{options.docker_password}".encode()
    entry = {"username": options.docker_username, "password": options.docker_password}
    if options.docker_email:
        entry["email"] = options.docker_email
    entry["auth"] = base64.b64encode(pair).decode()
    return json.dumps({"auths": {options.docker_server: entry}}, separators=(",", ":")).encode()


COMMAND = Command(
    "create secret docker-registry",
    "Create a secret with the credentials of a container registry",
    run,
    usage="NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string]",
    examples="# Credentials of a registry\nkk create secret docker-registry reg --docker-server=registry.example --docker-username=me --docker-password=s3cret",
    flags=(
        *GENERATOR_FLAGS,
        FLAGS[0],
        Flag("docker-email", help="Mail address for the registry."),
        Flag("docker-password", help="Password for the registry."),
        Flag("docker-server", default="https://index.docker.io/v1/", help="The registry."),
        Flag("docker-username", help="User name for the registry."),
        FLAGS[2],
    ),
)
