"""The image catalog of level `host`: which local program stands for an image reference.

One file an image, found by its name, each with `IMAGE`; users add theirs in `$KK_HOME/images.yaml` (`kk image add`). catalog.py looks them up.
An image here is a program with its defaults, not a file system: nothing is pulled.
"""

from kk.agent.images._catalog import Catalog, Found, PullError, add, entries, read_user, remove, user_file
from kk.agent.images._image import Image, Reference, parse

__all__ = [
    "Catalog",
    "Found",
    "Image",
    "PullError",
    "Reference",
    "add",
    "entries",
    "parse",
    "read_user",
    "remove",
    "user_file",
]
