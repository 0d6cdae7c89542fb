"""`kk set`: a group; what can be set is in kk.cli.verbs.set_."""

from __future__ import annotations

from ..command import Command

COMMAND = Command(
    "set",
    "Set one feature of objects",
    section="Basic Commands (Intermediate)",
    usage="SUBCOMMAND",
    text="Change images, variables, resources and more of existing objects without a manifest.",
    package="kk.cli.verbs.set_",
)
