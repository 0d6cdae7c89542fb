"""`kk create secret`: a group; its kinds are in kk.cli.verbs.create_.secret_."""

from __future__ import annotations

from ...command import Command

COMMAND = Command(
    "create secret",
    "Create a secret of one of the common kinds",
    usage="(docker-registry | generic | tls)",
    text="Create a secret: generic for values of any kind, docker-registry for a registry's credentials, tls for a certificate and its key.",
    package="kk.cli.verbs.create_.secret_",
)
