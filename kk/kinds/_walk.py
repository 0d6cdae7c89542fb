"""The slow walk of an object along its schema: unknown fields, nulls as upstream tolerates them, and type errors in upstream's words.

kk.kinds.types comes here only where the compiled decoder refused an object. It neither validates values nor knows kinds.
"""

from collections.abc import Callable
from typing import Any

from kk.kinds import schema
from kk.kinds._scalars import json_name, read_bytes, read_int_or_string, read_micro_time, read_quantity, read_time

Field = tuple[str, str]  # (Go's struct name, dotted path of the field)

#: scalars with a reader of their own: whose fault ends the decoding at once, as a custom unmarshaller's does
READERS: dict[str, Callable[[Any], Any]] = {
    "q": read_quantity,
    "t": read_time,
    "m": read_micro_time,
    "o": read_int_or_string,
}
_GO = {
    "s": "string",
    "i": "int32",
    "l": "int64",
    "b": "bool",
    "n": "float64",
    "q": "resource.Quantity",
    "o": "intstr.IntOrString",
    "t": "v1.Time",
    "m": "v1.MicroTime",
    "y": "[]uint8",
    "a": "runtime.RawExtension",
}
_ZERO: dict[str, Any] = {"s": "", "i": 0, "l": 0, "n": 0, "b": False, "q": "0", "o": 0, "y": ""}


class TypeFault(Exception):
    """A value of a wrong type; the text is what follows "cannot be handled as a X: "."""


def go_type(code: str) -> str:
    """Go's name of a type, as its decoder prints it."""
    if code[0] == "[":
        return "[]" + go_type(code[1:])
    if code[0] == "{":
        return "map[string]" + go_type(code[1:])
    if code[0] == "#":
        pieces = code.split(".")
        return f"{pieces[-2]}.{pieces[-1]}"
    return _GO[code]


class Walk:
    """One walk. `unknown` are the paths of unknown fields in order; `fault` the first type error that Go's decoder would tell."""

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.fault = ""

    def clean(self, code: str, value: Any, path: str = "", field: Field | None = None) -> Any:
        """A copy without unknown fields and nulls. Raises TypeFault where a custom reader refuses."""
        if value is None:
            return self._zero(code)
        if code == "a":
            return value
        if code[0] == "#":
            return self._struct(code, value, path, field)
        if code[0] == "[":
            return self._list(code, value, path, field)
        if code[0] == "{":
            return self._map(code, value, path, field)
        return self._scalar(code, value, field)

    @staticmethod
    def _zero(code: str) -> Any:
        if code[0] in "#{":
            return {}
        return [] if code[0] == "[" else _ZERO.get(code)

    def _wrong(self, code: str, value: Any, field: Field | None, shown: str = "") -> None:
        place = f"struct field {field[0]}.{field[1]} of" if field else "value of"
        if not self.fault:
            self.fault = f"json: cannot unmarshal {shown or json_name(value)} into Go {place} type {go_type(code)}"

    def _struct(self, code: str, value: Any, path: str, field: Field | None) -> Any:
        if not isinstance(value, dict):
            return self._wrong(code, value, field)
        fields = schema.definition(code[1:]).f
        owner, base = code.rpartition(".")[2], f"{field[1]}." if field else ""
        made = {}
        for key, item in value.items():
            place = f"{path}.{key}" if path else key
            if key not in fields:
                self.unknown.append(place)
            else:
                flags, code, _ = schema.place(fields[key])
                if item is not None:
                    made[key] = self.clean(code, item, place, (owner, base + key))
                elif "?" in flags:
                    made[key] = None
        return made

    def _list(self, code: str, value: Any, path: str, field: Field | None) -> Any:
        if not isinstance(value, list):
            return self._wrong(code, value, field)
        return [self.clean(code[1:], item, f"{path}[{at}]", field) for at, item in enumerate(value)]

    def _map(self, code: str, value: Any, path: str, field: Field | None) -> Any:
        if not isinstance(value, dict):
            return self._wrong(code, value, field)
        return {key: self.clean(code[1:], item, f"{path}.{key}", field) for key, item in value.items()}

    def _scalar(self, code: str, value: Any, field: Field | None) -> Any:
        reader = READERS.get(code)
        if reader:
            try:
                return reader(value)
            except ValueError as error:
                raise TypeFault(str(error)) from None
        if code == "y":
            return self._bytes(value, field)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if code in "il":
            return self._integer(code, value, field, number)
        if (code == "s" and isinstance(value, str)) or (code == "b" and isinstance(value, bool)):
            return value
        if code == "n" and number:
            return value
        return self._wrong(code, value, field)

    def _integer(self, code: str, value: Any, field: Field | None, number: bool) -> Any:
        if not number:
            return self._wrong(code, value, field)
        bound = 2**31 if code == "i" else 2**63
        if isinstance(value, float) or not -bound <= value < bound:
            return self._wrong(code, value, field, f"number {value}")
        return value

    def _bytes(self, value: Any, field: Field | None) -> Any:
        try:
            return read_bytes(value)
        except TypeError:
            return self._wrong("y", value, field)
        except ValueError as error:
            self.fault = self.fault or str(error)
            return ""
