"""Steps from the format of one version of the file to the next, run once when an older file is opened, in the transaction that opens it.

A change of the format raises `VERSION` and adds the step that leads there: STEPS[n] makes a file of format n + 1 out of one of format n.
Statements here are written out, never taken from the tables of today: those may change again. A file of a newer format is refused.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

#: kept in the file's user_version
VERSION = 2
#: in every file's application_id: "kkDB"
APPLICATION = 0x6B6B4442

Step = Callable[[Connection], None]


def _named(connection: Connection) -> None:
    """1 → 2: the file says whose it is, so that other programs' databases are told from it."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")


STEPS: Mapping[int, Step] = {1: _named}


def migrate(connection: Connection, found: int, steps: Mapping[int, Step] = STEPS, wanted: int = VERSION) -> list[int]:
    """Bring a file of format `found` (not 0, which is a new file) up to `wanted`; returns the formats it went through."""
    passed = []
    for version in range(found, wanted):
        steps[version](connection)
        passed.append(version + 1)
    return passed
