"""Reads the protobuf field numbers of Kubernetes' types out of Go binaries and writes kk/server/protobuf.gz.

    python -m kk.server.generate PATH/TO/kubectl PATH/TO/helm

The first binary that knows a type tells it (helm knows CustomResourceDefinitions, kubectl does not); what no binary knows stands in _TOLD.
A development tool: the numbers are facts of the wire format, which stand in the binary as the tags of its Go types; nothing else is taken.
Never imported by the server.
"""

import gzip
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_ROOTS = re.compile(
    r"k8s\.io/(api/\w+/v\d|api/extensions/v1beta1|apimachinery/pkg/apis/meta/v1|kube-aggregator/pkg/apis/apiregistration/v1|apiextensions-apiserver/pkg/apis/apiextensions/v1)$"
)
_SPECIAL = {
    ("k8s.io/apimachinery/pkg/api/resource", "Quantity"): "q",
    ("k8s.io/apimachinery/pkg/util/intstr", "IntOrString"): "o",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "Time"): "t",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "MicroTime"): "m",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "Duration"): "u",
    ("k8s.io/apimachinery/pkg/apis/meta/v1", "FieldsV1"): "a",
    ("k8s.io/apimachinery/pkg/runtime", "RawExtension"): "a",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSON"): "a",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSONSchemaPropsOrArray"): "A",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSONSchemaPropsOrBool"): "B",
    ("k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", "JSONSchemaPropsOrStringArray"): "S",
}
_META, _AGGREGATOR = "apimachinery/pkg/apis/meta/v1", "kube-aggregator/pkg/apis/apiregistration/v1"
#: types that neither binary holds
_TOLD = {
    "APIService": f"metadata=1#{_META}.ObjectMeta spec=2#{_AGGREGATOR}.APIServiceSpec status=3#{_AGGREGATOR}.APIServiceStatus",
    "APIServiceList": f"metadata=1#{_META}.ListMeta items=2[#{_AGGREGATOR}.APIService",
    "APIServiceSpec": f"service=1#{_AGGREGATOR}.ServiceReference group=2s version=3s insecureSkipTLSVerify=4b caBundle=5y "
    "groupPriorityMinimum=7i versionPriority=8i",
    "APIServiceStatus": f"conditions=1[#{_AGGREGATOR}.APIServiceCondition",
    "APIServiceCondition": "type=1s status=2s lastTransitionTime=3t reason=4s message=5s",
    "ServiceReference": "namespace=1s name=2s port=3i",
}
_SCALARS = {1: "b", 24: "s", 13: "d", 14: "d", **dict.fromkeys((2, 3, 4, 5, 6, 7, 8, 9, 10, 11), "i")}
_POINTER, _MAP, _SLICE, _STRUCT = 22, 21, 23, 25


class Binary:
    """Go's type information in an ELF file; layouts as in Go's internal/abi."""

    def __init__(self, path: Path):
        self.data = path.read_bytes()
        start = struct.unpack_from("<Q", self.data, 40)[0]
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        headers = [struct.unpack_from("<IIQQQQ", self.data, start + i * size) for i in range(count)]
        text = headers[names][4]
        self.sections: dict[str, tuple[int, int, int]] = {}
        for header in headers:
            at = text + header[0]
            self.sections[self.data[at : self.data.index(b"\0", at)].decode()] = (header[3], header[4], header[5])
        self.base = self.sections[".rodata"][0]

    def offset(self, address: int) -> int:
        """Where an address lies in the file."""
        for start, offset, size in self.sections.values():
            if start and start <= address < start + size:
                return offset + address - start
        raise ValueError(f"no section holds {address:#x}")

    def word(self, address: int) -> int:
        """A pointer-sized word."""
        return int(struct.unpack_from("<Q", self.data, self.offset(address))[0])

    def name(self, address: int) -> tuple[str, str]:
        """(name, tag) of a name record."""
        at = self.offset(address)
        flags = self.data[at]
        name, at = self._text(at + 1)
        return name, self._text(at)[0] if flags & 2 else ""

    def _text(self, at: int) -> tuple[str, int]:
        length = shift = 0
        while True:
            byte = self.data[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return self.data[at : at + length].decode(), at + length

    def kind(self, address: int) -> int:
        """The kind of a type."""
        return self.data[self.offset(address) + 23] & 31

    def element(self, address: int) -> int:
        """What a pointer, slice or map is of; a map's key is one word before."""
        return self.word(address + (56 if self.kind(address) == _MAP else 48))

    def called(self, address: int) -> tuple[str, str]:
        """(package, name) of a type; the package only of structs."""
        at = self.offset(address)
        flags, text = self.data[at + 20], struct.unpack_from("<i", self.data, at + 40)[0]
        name = self.name(self.base + text)[0]
        name = name[1:] if flags & 2 else name
        package = ""
        if flags & 1 and self.kind(address) == _STRUCT:
            where = struct.unpack_from("<i", self.data, at + 80)[0]
            package = self.name(self.base + where)[0] if where else ""
        return package, name

    def fields(self, address: int) -> Iterator[tuple[str, str, int]]:
        """(name, tag, type) of a struct's fields."""
        start, count = self.word(address + 56), self.word(address + 64)
        for i in range(count):
            named, kind, _ = struct.unpack_from("<QQQ", self.data, self.offset(start) + 24 * i)
            yield (*self.name(named), kind)

    def structs(self) -> Iterator[int]:
        """Structs that the binary has a pointer type for."""
        _, offset, size = self.sections[".typelink"]
        for i in range(size // 4):
            address = self.base + struct.unpack_from("<i", self.data, offset + 4 * i)[0]
            if self.kind(address) == _POINTER and self.kind(self.element(address)) == _STRUCT:
                yield self.element(address)


class Numbers:
    """Walks the types that the roots reach."""

    def __init__(self, binary: Binary):
        self.binary = binary
        self.lines: dict[str, str] = {}

    def take(self, address: int) -> str:
        """The name of a struct, described once."""
        package, name = self.binary.called(address)
        key = f"{package.removeprefix('k8s.io/')}.{name.rpartition('.')[2]}"
        if key not in self.lines:
            self.lines[key] = ""
            self.lines[key] = " ".join(self._fields(address))
        return key

    def _fields(self, address: int) -> Iterator[str]:
        for _, tag, kind in self.binary.fields(address):
            number = re.search(r'protobuf:"\w+,(\d+),', tag)
            said = re.search(r'json:"([^"]*)"', tag)
            if number and said:
                name, _, rest = said[1].partition(",")
                shown = "~" if "inline" in rest or not name else name
                if name != "-":
                    code = self._code(kind)
                    if code[0] == "L" and ",rep," in tag:  # a named slice that is no message of its own
                        code = "[" + code[1:]
                    yield f"{shown}={number[1]}{code}"

    def _code(self, address: int) -> str:
        kind, binary = self.binary.kind(address), self.binary
        if kind == _POINTER:
            return self._code(binary.element(address))
        if kind in _SCALARS:
            return _SCALARS[kind]
        if kind == _MAP:
            return "{" + self._code(binary.element(address))
        package, name = binary.called(address)
        if kind == _SLICE:
            inner = binary.element(address)
            if binary.kind(inner) == 8:
                return "y"
            return ("[" if name.startswith("[") else "L") + self._code(inner)
        special = _SPECIAL.get((package, name.rpartition(".")[2]))
        return special or "#" + self.take(address)


def main(arguments: list[str]) -> int:
    """Write the table."""
    lines: dict[str, str] = {f"{_AGGREGATOR}.{name}": line for name, line in _TOLD.items()}
    for path in arguments:
        binary = Binary(Path(path))
        numbers = Numbers(binary)
        for address in binary.structs():
            package, _ = binary.called(address)
            if _ROOTS.match(package):
                numbers.take(address)
        lines = {**numbers.lines, **lines}
    kept = sorted((k, v) for k, v in lines.items() if v)
    text = "\n".join(f"{key} {line}" for key, line in kept) + "\n"
    target = Path(__file__).with_name("protobuf.gz")
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    sys.stderr.write(f"{len(kept)} types, {len(text)} characters, {target.stat().st_size} bytes compressed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
