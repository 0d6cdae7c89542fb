"""`kk config set-cluster NAME`: make or change a cluster."""

from __future__ import annotations

import base64

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files, changed_flags, one


def run(env: Env, options: Options) -> None:
    """Set what the flags say; the rest of the entry stays."""
    name = one(env, options.args, "config set-cluster")
    files = Files(env)
    before = files.entry("clusters", name)
    entry = dict(before or {})
    given = changed_flags(options, ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"))
    for key, value in given.items():
        if value in ("", False):
            entry.pop(key, None)
        else:
            entry[key] = value
    if entry.get("insecure-skip-tls-verify") and "insecure-skip-tls-verify" in given:
        entry.pop("certificate-authority", None)
        entry.pop("certificate-authority-data", None)
    if "certificate-authority" in options.changed:
        embed(entry, "certificate-authority", options.certificate_authority, options.embed_certs)
        entry.pop("insecure-skip-tls-verify", None)
    elif options.embed_certs:
        raise CommandError("you must specify a --certificate-authority to embed")
    files.put("clusters", name, entry)
    files.save()
    env.out(f'Cluster "{name}" set.')


def embed(entry: dict[str, object], field: str, path: str, inline: bool) -> None:
    """Put a file into the entry, by its path or (inline) with its content.

    Raises CommandError for a file that cannot be read.
    """
    entry.pop(field, None)
    entry.pop(f"{field}-data", None)
    if not path:
        return
    if not inline:
        import os

        entry[field] = os.path.abspath(path)
        return
    try:
        with open(path, "rb") as file:
            entry[f"{field}-data"] = base64.b64encode(file.read()).decode()
    except OSError as error:
        raise CommandError(
            f"could not read {field} data from {path}: open {path}: {(error.strerror or str(error)).lower()}"
        ) from None


COMMAND = Command(
    "config set-cluster",
    "Make or change a cluster",
    run,
    usage="NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] "
    "[--tls-server-name=example.com]",
    examples="""# Where a cluster is
kk config set-cluster lab --server=https://1.2.3.4

# Its CA, put into the file
kk config set-cluster lab --embed-certs --certificate-authority=ca.crt""",
    flags=(
        Flag("certificate-authority", help="File with the CA's certificates."),
        Flag("embed-certs", type="bool", help="Put the certificates themselves into the kubeconfig."),
        Flag("insecure-skip-tls-verify", type="bool", help="Accept any certificate of this cluster."),
        Flag("proxy-url", help="Proxy on the way to this cluster."),
        Flag("server", help="Address of the API server."),
        Flag("tls-server-name", help="Name that the server's certificate must be for."),
    ),
    complete="clusters",
)
