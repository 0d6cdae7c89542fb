"""What an authenticator is: a function over a connection's certificate or over a token, made once per server; and what it answers.

Holds no secrets and checks nothing by itself.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kk.server.context import Server, User

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
CREDENTIAL = "authentication.kubernetes.io/credential-id"


class NotOurs(Exception):
    """No credential of this kind: another authenticator may know it."""


class Refused(Exception):
    """A credential of this kind that does not hold; the text says why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A credential that holds.

    audiences  for whom the token is; empty: for whoever the server is
    until      POSIX time after which it is looked at again
    rests      (items of a shelf, key, item): while each is the same item, the answer stays the same
    notes      audit annotations, worked out per request: (time) -> pairs
    """

    user: "User"
    audiences: tuple[str, ...] = ()
    until: float = math.inf
    rests: tuple[tuple[Mapping[str, Any], str, Any], ...] = ()
    notes: "Callable[[float], list[tuple[str, str]]] | None" = None

    def holds(self, now: float) -> bool:
        """Whether it needs no second look."""
        if now >= self.until:
            return False
        return not self.rests or all(items.get(key) is item for items, key, item in self.rests)


#: (token, audiences asked for) -> Taken, perhaps later; raises NotOurs or Refused
TokenCheck = Callable[[str, Sequence[str]], "Taken | Awaitable[Taken]"]
#: (connection, all header pairs) -> Taken; raises NotOurs or Refused
RequestCheck = "Callable[[Connection, Sequence[tuple[bytes, bytes]]], Taken]"


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A unit of kk.server.authenticators. The makers are called once per server and answer None where it is turned off.

    request    makes a check of connections with a client certificate
    token      makes a check of bearer tokens
    audiences  whether the token check itself looks at audiences; else it answers for the API's alone
    sticky     whether what `request` answered holds for the whole connection
    Lower `order` is asked first.
    """

    name: str
    order: int
    request: "Callable[[Server], Any] | None" = None
    token: "Callable[[Server], TokenCheck | None] | None" = None
    audiences: bool = False
    sticky: bool = False


def with_group(groups: Sequence[str]) -> tuple[str, ...]:
    """Groups with system:authenticated, which everybody is in who proved who he is."""
    if AUTHENTICATED in groups or UNAUTHENTICATED in groups:
        return tuple(groups)
    return (*groups, AUTHENTICATED)
