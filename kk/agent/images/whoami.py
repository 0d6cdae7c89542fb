"""whoami: a page that tells its host name and repeats the request."""

from kk.agent.images._image import VERSION, Image, python_program


def _server() -> list[str]:
    return python_program("web", "whoami")


IMAGE = Image(("traefik/whoami", "containous/whoami"), command=_server, tags=rf"latest|{VERSION}", ports=(80,))
