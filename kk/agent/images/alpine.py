"""alpine: a shell with $RANDOM and the node's own small tools."""

from kk.agent.images._image import VERSION, Image, instead, shell

IMAGE = Image(
    ("alpine",),
    command=shell,
    tags=rf"latest|edge|{VERSION}(_\w+)?|\d{{8}}",
    programs={"sh": instead(shell), "ash": instead(shell)},
)
