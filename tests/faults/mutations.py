"""Valid objects made wrong, and bytes that are no objects at all. Pure: all chance comes from the Random that is handed in."""

import copy
import json
import random
import struct
from collections.abc import Iterator
from typing import Any

from kk.base.schema import Node

TEXTS = [
    "", "a", "A_B", "x/y", "a/b/c", "*", "-1", "..", ".", "%", "%zz", "\x00", "\ud800", "\u202e", "é" * 40, "a" * 300, "a" * 70_000, "0", "1Gi",
    "1e400", "9" * 400, "-0", "+1", "0x10", "1_000", "NaN", "Infinity", "null", "true", "10.0.0.1", "::ffff:10.0.0.1", "fd00::/999", "10.0.0.0/33",
    "2024-02-30T25:61:61Z", "0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "*/0 * * * *", "1-0/99999999999 * * * *",
    "TZ=../../etc/passwd * * * * *", "((((((((a*)*)*)*)*)*)*)*)b", "$(date)", "${{x}}", "{{.a}}", "a=b,c!=d", "in (", "\n", "\r\n\r\n", "a\tb",
    "http://[::1", "https://user:pw@h:99999/", "{.a[?(@.b", "object.spec.x >", "/" * 50, "kubernetes.io/" + "a" * 64, "-", "a-", "é", "𝒳",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, 1, -1, 80, 65535, 65536, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320,
]  # fmt: skip
OTHERS: list[Any] = [
    None, True, False, [], {}, [None], [[]], [{}], {"": None}, {"a": {"b": {"c": [1, "x", None]}}}, ["a", "a"], [1, "a", {}], {"$patch": "delete"},
    {"$patch": "x"}, {"$retainKeys": ["a"]}, {"kind": "List", "apiVersion": "v1", "items": [None]}, [{"name": "a"}, {"name": "a"}], {"matchExpressions": [{}]},
]  # fmt: skip


def wild(rng: random.Random) -> Any:
    """Any JSON value."""
    return copy.deepcopy(rng.choice(rng.choice((TEXTS, NUMBERS, OTHERS))))


def near(node: Node, rng: random.Random, depth: int = 0) -> Any:
    """A value that fits a type, or nearly."""
    if rng.random() < 0.1:
        return wild(rng)
    kind = node.type
    if kind == "object":
        keep = (0.5, 0.4, 0.3, 0.15)[min(depth, 3)] if depth < 6 else 0
        return {
            name: near(child, rng, depth + 1)
            for name, child in node.fields.items()
            if rng.random() < keep or name in node.required
        }
    if kind == "map":
        return {rng.choice(TEXTS): near(node.items, rng, depth + 1) for _ in range(rng.randrange(3))}
    if kind == "list":
        return [near(node.items, rng, depth + 1) for _ in range(rng.randrange(4))]
    if node.enum and rng.random() < 0.5:
        return rng.choice(node.enum)
    if kind in ("integer", "number"):
        return rng.choice(NUMBERS)
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "quantity":
        return rng.choice(
            ["0", "1", "-1", "500m", "1Gi", "1e3", "1E", "1e400", ".5", "1.0000000001", "9" * 30, 0.1, 7, "", "1 Gi"]
        )
    if kind == "int-or-string":
        return rng.choice([0, 80, "50%", "http", "x y", "-5%", "101%", 2**31, "1" * 50 + "%"])
    if kind in ("time", "micro-time"):
        return rng.choice(
            [
                "2024-01-02T03:04:05Z",
                "2024-01-02T03:04:05.000006Z",
                "2024-02-30T00:00:00Z",
                "9999-12-31T23:59:59+14:00",
                "",
                None,
                "0001-01-01T00:00:00Z",
            ]
        )
    if kind == "bytes":
        return rng.choice(["", "eA==", "LS0t", "!!", "eA=", "é", "AAAA" * 1000])
    return rng.choice(TEXTS)


def places(value: Any, node: Node | None, where: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Node | None]]:
    """Every place of an object that could hold something: what is there, and fields that are not."""
    yield where, node
    if isinstance(value, dict):
        for key, held in value.items():
            yield from places(held, node.child(key) if node is not None else None, (*where, key))
        if node is not None and node.type == "object":
            for name, child in node.fields.items():
                if name not in value:
                    yield (*where, name), child
    elif isinstance(value, list):
        for at, held in enumerate(value):
            yield from places(held, node.items if node is not None and node.type == "list" else None, (*where, at))


def put(obj: Any, where: tuple[Any, ...], value: Any) -> Any:
    """The object with a value at a place."""
    if not where:
        return value
    here = obj
    for step in where[:-1]:
        here = here[step]
    here[where[-1]] = value
    return obj


def mutated(obj: dict[str, Any], node: Node | None, rng: random.Random, times: int = 1) -> Any:
    """A copy with wrong or odd values at some places."""
    obj = copy.deepcopy(obj)
    for _ in range(times):
        found = list(places(obj, node))
        if not found:
            return obj
        where, child = rng.choice(found)
        chance = rng.random()
        if chance < 0.45 and child is not None:
            value = near(child, rng, len(where))
        elif chance < 0.9:
            value = wild(rng)
        else:
            where, value = (*where, "surprise") if isinstance(_at(obj, where), dict) else where, wild(rng)
        obj = put(obj, where, value)
    return obj


def _at(obj: Any, where: tuple[Any, ...]) -> Any:
    for step in where:
        if isinstance(obj, dict):
            obj = obj.get(step)
        elif isinstance(obj, list) and isinstance(step, int) and step < len(obj):
            obj = obj[step]
        else:
            return None
    return obj


# bytes


def json_bytes(value: Any) -> bytes:
    """JSON, lone surrogates written as escapes."""
    return json.dumps(value, ensure_ascii=True).encode()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Text that was valid once."""
    at = rng.randrange(len(data) + 1)
    how = rng.randrange(10)
    if how == 0:
        return data[:at]
    if how == 1 and data:
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    if how == 2:
        return (
            data[:at]
            + rng.choice((b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x00", b"\xef\xbb\xbf"))
            + data[at:]
        )
    if how == 3:
        return (
            data[:at]
            + rng.choice((b"NaN", b"1e999", b"-", b"01", b"9" * 5000, b"\\u12", b'"', b"{", b"]", b",", b"/*x*/"))
            + data[at:]
        )
    if how == 4:
        return data[:1] + b'"kind":"X","kind":"Y",' + data[1:]
    if how == 5:
        deep = rng.choice((50, 1000, 10_001, 60_000))
        opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return b'{"metadata":{"name":"a"},"spec":' + opening * deep + b"1" + closing * deep + b"}"
    if how == 6:
        return data + data
    if how == 7:
        return rng.choice(
            (
                b"",
                b"null",
                b"[]",
                b'"x"',
                b"1",
                b"true",
                b" ",
                b"---\n",
                b"\x00" * 100,
                b"k8s\x00",
                b"- a",
                b"!!python/object:os.system x",
            )
        )
    if how == 8:
        return rng.randbytes(rng.randrange(200))
    return b"\xff\xfe" + data.decode("utf-8", "replace").encode("utf-16-le")


YAML_BOMB = b"\n".join(
    [
        b"a0: &a0 [x,x,x,x,x,x,x,x,x]",
        *(b"a%d: &a%d [%b]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)),
    ]
)
YAMLS = [
    YAML_BOMB, b"&a [*a]", b"a: &a {b: *a}", b"? [1,2]\n: x", b"? {a: b}\n: x", b"<<: [{a: 1}, x]", b"a: !!binary x", b"a: !!set {x}", b"a: !!timestamp x", b"a: 0o17",
    b"a: .nan", b"a: .inf", b"a: 1:30:00", b"%YAML 9.9\n---\na: b", b"a: b\n...\n...", b"--- a\n--- b", b"a: |\n  b\n c", b"\ta: b", b"a: *b", b"[" * 3000, b"{a: " * 3000,
    b"- - - - - - -", b"a: 2024-02-30", b"a: !x y", b"a: !!int x", b"a: !!float x", b"a: !!null x", b"1: 2\ntrue: false\nnull: ~", b"a: 1e999", b"a: 0x" + b"f" * 400,
]  # fmt: skip


def yaml_bytes(obj: Any, rng: random.Random) -> bytes:
    """YAML: of an object, or one of the traps of the language."""
    if rng.random() < 0.4:
        trap = rng.choice(YAMLS)
        return (
            trap
            if rng.random() < 0.5
            else b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  " + trap.replace(b"\n", b"\n  ")
        )
    return json_bytes(obj)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def protobuf_bytes(api_version: str, kind: str, rng: random.Random) -> bytes:
    """An enveloped message of random fields, nested by chance."""
    name = _field(1, _field(1, b"p%d" % rng.randrange(1000)))
    whole = _field(1, api_version.encode()) + _field(2, kind.encode())
    data = b"k8s\x00" + _field(1, whole) + _field(2, name + _message(rng, 0))
    return damaged(data, rng) if rng.random() < 0.3 else data


def _message(rng: random.Random, depth: int) -> bytes:
    out = b""
    for _ in range(rng.randrange(1, 5)):
        number, how = rng.choice((1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 17, 40, 2**28)), rng.randrange(7)
        if how < 3 and depth < 8:
            out += _field(number, _message(rng, depth + 1))
        elif how == 3:
            out += _field(number, rng.choice((0, 1, 2**31, 2**63, 2**64 - 1, 5)))
        elif how == 4:
            out += _varint(number << 3 | 1) + struct.pack("<d", rng.choice((0.0, float("nan"), float("inf"), 1e300)))
        elif how == 5:
            out += _field(number, rng.choice(TEXTS).encode("utf-8", "surrogatepass")[:200])
        else:
            out += rng.choice(
                (_varint(number << 3 | 3), _varint(number << 3 | 5) + b"abc", b"\xff" * 11, _field(number, b"{}"))
            )
    return out
