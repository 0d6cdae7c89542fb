"""`kk config set PROPERTY VALUE`: one value of a kubeconfig, by its path."""

from __future__ import annotations

import base64

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._files import SINGULAR, Files


def steps(files: Files, path: str) -> list[str]:
    """The steps of a property; names of entries may hold dots, known ones are found first."""
    section, dot, rest = path.partition(".")
    if section not in SINGULAR or not dot:
        return path.split(".")
    for name in sorted(files.names(section), key=len, reverse=True):
        if rest == name:
            return [section, name]
        if rest.startswith(name + "."):
            return [section, name, *rest[len(name) + 1 :].split(".")]
    return [section, *rest.split(".")]


def run(env: Env, options: Options) -> None:
    """Set it."""
    if len(options.args) != 2:
        raise env.usage(f"unexpected args: [{' '.join(options.args)}]", "config set")
    path, value = options.args
    files = Files(env)
    parts = steps(files, path)
    if parts == ["current-context"]:
        files.use(value)
    elif parts[0] in SINGULAR and len(parts) >= 3:
        entry = dict(files.entry(parts[0], parts[1]) or {})
        here = entry
        for part in parts[2:-1]:
            here[part] = dict(here.get(part) or {})
            here = here[part]
        here[parts[-1]] = _value(parts[-1], value, options)
        files.put(parts[0], parts[1], entry)
    elif parts[0] == "preferences" and len(parts) == 2:
        content = files.touch(files.main)
        content["preferences"] = {**(content.get("preferences") or {}), parts[1]: value}
    else:
        raise CommandError(f'unable to parse path "{path}": unknown property')
    files.save()
    env.out(f'Property "{path}" set.')


def _value(field: str, text: str, options: Options) -> object:
    if field == "insecure-skip-tls-verify":
        if text not in ("true", "false"):
            raise CommandError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
        return text == "true"
    if field.endswith("-data") and options.set_raw_bytes:
        return base64.b64encode(text.encode()).decode()
    return text


COMMAND = Command(
    "config set",
    "Set one value of a kubeconfig",
    run,
    usage="PROPERTY_NAME PROPERTY_VALUE",
    text="The property is a path, such as clusters.lab.server or current-context.",
    examples="""# The address of a cluster
kk config set clusters.lab.server https://1.2.3.4""",
    flags=(Flag("set-raw-bytes", type="bool", help="The value of a …-data property is not base64 yet."),),
)
