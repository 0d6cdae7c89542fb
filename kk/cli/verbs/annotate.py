"""`kk annotate`: set, change and remove annotations."""

from __future__ import annotations

from .. import labelling
from ..command import Command, Options
from ..common import field_manager
from ..context import Env
from .label import METADATA_FLAGS

WORDS = labelling.Words("annotation", "annotations", "annotated", "", "annotated")


def run(env: Env, options: Options) -> None:
    """Change annotations."""
    labelling.run(env, options, WORDS, lambda pair, key, value: None)


COMMAND = Command(
    "annotate",
    "Set, change or remove annotations",
    run,
    section="Settings Commands",
    usage="[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    text="Set annotations with KEY=VALUE and remove them with KEY-. Their values may be any text; one that is set already is changed "
    "only with --overwrite.",
    examples="""# Say what a pod is
kk annotate pod web-1 description='my front end'

# Remove it again
kk annotate pod web-1 description-""",
    flags=(*METADATA_FLAGS, field_manager("kubectl-annotate")),
    complete="resources",
)
