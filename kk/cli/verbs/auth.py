"""`kk auth`: a group; its sub-verbs are in kk.cli.verbs.auth_."""

from __future__ import annotations

from ..command import Command

COMMAND = Command(
    "auth",
    "Ask who one is and what one may do",
    section="Troubleshooting and Debugging Commands",
    text="Ask the server who it takes one for, and whether it would allow an action.",
    package="kk.cli.verbs.auth_",
)
