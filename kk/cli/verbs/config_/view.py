"""`kk config view`: the merged kubeconfig, without secrets unless --raw."""

from __future__ import annotations

import base64
import copy
import os

from ...command import Command, Flag, Options
from ...common import FORMATS, output
from ...context import Env
from ...errors import CommandError
from ...printers import printer
from ._files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DATA = ("certificate-authority", "client-certificate", "client-key")


def merged(files: Files, context: str = "") -> dict[str, Any]:
    """One Config of all files."""
    found: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": context or files.current}
    for section, word in (("clusters", "cluster"), ("contexts", "context"), ("users", "user")):
        names = files.names(section)
        found[section] = [{"name": n, word: copy.deepcopy(files.entry(section, n))} for n in names] or None
    preferences = next((c["preferences"] for c in files.content.values() if c.get("preferences")), None)
    if preferences:
        found["preferences"] = preferences
    return found


def minified(config: dict[str, Any]) -> dict[str, Any]:
    """Only what the current context uses.

    Raises CommandError where there is none.
    """
    current = config["current-context"]
    context = next((c for c in config["contexts"] or () if c["name"] == current), None)
    if not current:
        raise CommandError("current-context must exist in order to minify")
    if context is None:
        raise CommandError(f"cannot locate context {current}")
    inner = context["context"]
    return {
        **config,
        "contexts": [context],
        "clusters": [c for c in config["clusters"] or () if c["name"] == inner.get("cluster")] or None,
        "users": [u for u in config["users"] or () if u["name"] == inner.get("user")] or None,
    }


def redacted(config: dict[str, Any]) -> dict[str, Any]:
    """Data and secrets left out."""
    for entry in (*(config["clusters"] or ()), *(config["users"] or ())):
        inner = entry.get("cluster") or entry.get("user") or {}
        for key in list(inner):
            if key.endswith("-data"):
                inner[key] = "DATA+OMITTED" if key != "certificate-authority-data" else "DATA+OMITTED"
            elif key in ("token", "password"):
                inner[key] = "REDACTED"
    return config


def flattened(config: dict[str, Any], files: Files) -> dict[str, Any]:
    """Files put into the config."""
    for section, word in (("clusters", "cluster"), ("users", "user")):
        for entry in config[section] or ():
            inner = entry[word]
            for field in _DATA:
                path = inner.pop(field, None)
                if path:
                    folder = os.path.dirname(os.path.abspath(files.file_of(section, entry["name"])))
                    with open(os.path.join(folder, path), "rb") as file:
                        inner[f"{field}-data"] = base64.b64encode(file.read()).decode()
    return config


def run(env: Env, options: Options) -> None:
    """Print it."""
    files = Files(env)
    context = options.context
    config = merged(files, context)
    if options.minify:
        config = minified(config)
    if options.flatten:
        config = flattened(config, files)
    if not options.raw:
        redacted(config)
    found = printer(env, FORMATS)
    assert found is not None
    found.show(config)


COMMAND = Command(
    "config view",
    "Show the merged kubeconfig",
    run,
    usage="[flags]",
    text="Show the settings that count, from all files; certificates and secrets are left out unless --raw.",
    examples="""# What counts
kk config view

# With everything in it, for another machine
kk config view --minify --flatten --raw

# The password of a user
kk config view -o jsonpath='{.users[?(@.name == "e2e")].user.password}' --raw""",
    flags=(
        *(
            f if f.name != "output" else Flag("output", "o", default="yaml", help=f.help, values=FORMATS)
            for f in output()
        ),
        Flag("flatten", type="bool", help="Put the content of certificate files into the output."),
        Flag("merge", type="bool", default=True, hidden=True, help="Accepted for compatibility."),
        Flag("minify", type="bool", help="Only what the current context uses."),
        Flag("raw", type="bool", help="Show data and secrets."),
    ),
)
