"""Sub-resources of stored objects that this server answers itself: one file each, `SUBRESOURCE = {method: handler}`.

Those that lead elsewhere (log, exec, proxy, token) are in kk.server.endpoints.
"""

from collections.abc import Awaitable, Callable
from functools import cache

from kk.base import discover
from kk.server.context import Request, Response
from kk.server.views import View

Handler = Callable[[Request, View], Awaitable[Response]]


@cache
def _all() -> dict[str, dict[str, Handler]]:
    return discover.load_all("kk.server.subresources", "SUBRESOURCE")


def find(name: str, method: str) -> Handler | None:
    """The handler of a method; None where the sub-resource does not have it."""
    return _all().get(name, {}).get(method)
