"""JSON to and from the wire: msgspec where a daemon has asked for speed, the standard library where start-up time counts more.

`fast()` is called once by long-lived processes; the command line never pays for the import.
"""

from __future__ import annotations

import json
from collections.abc import Callable

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any

#: JSON text → value; raises ValueError
loads: Callable[[bytes], Any] = json.loads
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _dumps(value: Any) -> bytes:
    return _compact(value).encode()


#: value → compact JSON
dumps: Callable[[Any], bytes] = _dumps


def fast() -> None:
    """Use msgspec from here on, in this whole process."""
    global loads, dumps
    import msgspec  # its DecodeError is a ValueError

    loads, dumps = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
