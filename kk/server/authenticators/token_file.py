"""The static token file, token,user,uid,"group1,group2" a line: --token-auth-file, and tokens.csv in the data directory."""

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

from kk.server.authenticators._types import Authenticator, NotOurs, Taken, TokenCheck, with_group
from kk.server.context import Server, User

log = logging.getLogger("kk.server.authn")

#: the file below the data directory that needs no flag
FILE = "tokens.csv"


def make(server: Server) -> TokenCheck | None:
    """The check of this server; none where there is no file. Raises ValueError for lines that are none of it."""
    known: dict[str, User] = {}
    given, own = server.config.flag("token-auth-file"), Path(server.config.data_dir) / FILE
    if own.exists():
        known |= read(own)
    if given:
        known |= read(Path(given))
    if not known:
        return None

    def check(token: str, audiences: Sequence[str]) -> Taken:
        user = known.get(token)
        if user is None:
            raise NotOurs
        return Taken(user)

    return check


def read(path: Path) -> dict[str, User]:
    """token → user. Raises ValueError for a line of less than three columns, OSError where it cannot be read."""
    found: dict[str, User] = {}
    with path.open(newline="") as lines:
        for row in csv.reader(lines, skipinitialspace=True):
            if not row or row[0].startswith("#"):
                continue
            if len(row) < 3:
                raise ValueError(
                    f"token file '{path}' must have at least 3 columns (token, user name, user uid), found {len(row)}"
                )
            if not row[0]:
                log.warning("empty token has been found in token file '%s'", path)
                continue
            if row[0] in found:
                log.warning("duplicate token has been found in token file '%s'", path)
            groups = [g.strip() for g in row[3].split(",")] if len(row) > 3 and row[3] else []
            found[row[0]] = User(row[1], row[2], with_group(groups))
    return found


AUTHENTICATOR = Authenticator("token-file", 30, token=make)
