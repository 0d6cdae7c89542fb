"""`kk image`: a group; its verbs are in kk.cli.verbs.image_."""

from __future__ import annotations

from kk.cli.cluster.flags import SECTION

from ..command import Command

COMMAND = Command(
    "image",
    "List, add and remove the images that nodes of this machine know",
    section=SECTION,
    usage="SUBCOMMAND",
    text="""Manage the image catalog of local clusters.

At isolation level host nothing is pulled: an image name stands for a program of this machine. The catalog says which. A name that is
not in it fails as a registry without that image would, unless the container brings its own command.""",
    examples="""# What there is
kk image ls

# Let an image stand for a program of this machine
kk image add my/app -- python3 -m http.server 8080

# Forget it again
kk image rm my/app""",
    package="kk.cli.verbs.image_",
)
