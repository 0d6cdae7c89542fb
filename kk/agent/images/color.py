"""color and its like: a page that answers with its pod's name, its namespace and the address it was asked from."""

from kk.agent.images._image import VERSION, Image, python_program


def _server() -> list[str]:
    return python_program("web", "color")


IMAGE = Image(
    ("jpetazzo/color", "kk/hello"),
    command=_server,
    tags=rf"latest|{VERSION}",
    ports=(80,),
)
