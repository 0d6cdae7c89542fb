"""`kk create secret tls NAME --cert=FILE --key=FILE`."""

from __future__ import annotations

from ....command import Command, Flag, Options
from ....context import Env, one_name
from ....errors import CommandError
from ...create import GENERATOR_FLAGS
from .._data import FLAGS
from ._build import build_secret


def run(env: Env, options: Options) -> None:
    """Create the secret."""
    name = one_name(env, options.args, "create secret tls")
    if not options.key or not options.cert:
        raise CommandError("key and cert must be specified")
    build_secret(env, options, name, "kubernetes.io/tls", {"tls.crt": _pem(options.cert), "tls.key": _pem(options.key)})


def _pem(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise CommandError(f"Cannot read file {path}, open {path}: {(error.strerror or str(error)).lower()}") from None
    if b"-----BEGIN " not in data:
        raise CommandError("tls: failed to find any PEM data in certificate input")
    return data


COMMAND = Command(
    "create secret tls",
    "Create a TLS secret from a certificate and its key",
    run,
    usage="NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
    examples="# A secret with a certificate and its key\nkk create secret tls web --cert=web.crt --key=web.key",
    flags=(
        *GENERATOR_FLAGS,
        FLAGS[0],
        Flag("cert", help="File with the certificate, PEM."),
        Flag("key", help="File with the key, PEM."),
    ),
)
