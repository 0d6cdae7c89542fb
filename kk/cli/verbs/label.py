"""`kk label`: set, change and remove labels."""

from __future__ import annotations

from .. import labelling
from ..command import Command, Flag, Options
from ..common import ALL, ALL_NAMESPACES, DRY_RUN, FIELD_SELECTOR, SELECTOR, field_manager, filename, output
from ..context import Env
from ..errors import CommandError

WORDS = labelling.Words("label", "labels", "labeled", "unlabeled", "not labeled")


def run(env: Env, options: Options) -> None:
    """Change labels."""
    labelling.run(env, options, WORDS, _check)


def _check(pair: str, key: str, value: str) -> None:
    from kk.base.names import label_value

    if "=" in value:
        raise CommandError(f"invalid label spec: {pair}")
    faults = list(label_value(value))
    if faults:
        raise CommandError(f'invalid label value: "{pair}": {";".join(faults)}')


METADATA_FLAGS = (
    ALL,
    ALL_NAMESPACES,
    *output(),
    DRY_RUN,
    FIELD_SELECTOR,
    *filename("that names the objects"),
    Flag("list", type="bool", help="Show what is set instead."),
    Flag("local", type="bool", help="Change the content of the file, without the server."),
    Flag("overwrite", type="bool", help="Allow other values for keys that are set already."),
    Flag("resource-version", help="Change the object only if it has this version."),
    SELECTOR,
)

COMMAND = Command(
    "label",
    "Set, change or remove labels",
    run,
    section="Settings Commands",
    usage="[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    text="Set labels with KEY=VALUE and remove them with KEY-. A label that has another value is changed only with --overwrite.",
    examples="""# Set a label
kk label namespace hello color=purple

# Change it
kk label --overwrite namespace hello color=green

# Remove it
kk label namespace hello color-

# Label all pods of the namespace
kk label pods --all tier=test""",
    flags=(*METADATA_FLAGS, field_manager("kubectl-label")),
    complete="resources",
)
