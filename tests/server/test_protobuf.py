"""Bodies in protobuf, as Go clients send them."""

import pytest

from kk.server import protobuf
from kk.server.encoding import encode
from tests.server.conftest import Space


def field(number: int, value: bytes | str | int) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    """An enveloped message."""
    return b"k8s\x00" + field(1, field(1, api_version) + field(2, kind)) + field(2, raw)


def metadata(name: str) -> bytes:
    """ObjectMeta as Go writes it: strings that are empty too, and a zero time."""
    return field(1, name) + field(2, "") + field(3, "") + field(8, b"") + field(11, field(1, "x") + field(2, "1"))


def test_scalars_maps_and_what_is_spread_into_its_parent() -> None:
    probe = field(1, field(2, field(1, "/") + field(2, field(1, 1) + field(3, "http")))) + field(2, 3)
    container = field(1, "c") + field(2, "i") + field(10, probe)
    limits = field(1, field(1, "cpu") + field(2, field(1, "1")))
    pod = field(1, metadata("p")) + field(2, field(2, container + field(8, limits)) + field(4, -1) + field(11, 1))
    found = protobuf.decode(body("v1", "Pod", pod), ("v1", "Pod"))
    assert found["metadata"]["labels"] == {"x": "1"}
    assert found["metadata"]["creationTimestamp"] is None
    spec = found["spec"]
    assert (spec["terminationGracePeriodSeconds"], spec["hostNetwork"]) == (-1, True)
    assert spec["containers"][0]["livenessProbe"] == {
        "httpGet": {"path": "/", "port": "http"},
        "initialDelaySeconds": 3,
    }
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"kind":"Pod"}',
        b"k8s\x00\xff",
        body("v1", "Pod", b"\x0a\xff"),
        body("v1", "Nope", b""),
        body("v1", "Pod", field(1, 5)),
        body("v1", "Pod", field(1, field(1, b"\xff\xfe"))),
    ],
)
def test_what_is_no_message_is_told(data: bytes) -> None:
    with pytest.raises(protobuf.Malformed):
        protobuf.decode(data, ("v1", "Pod"))


def test_every_served_kind_has_its_numbers() -> None:
    from kk.kinds.registry import registry

    missing = []
    for resource in registry().resources.values():
        try:
            protobuf.type_of(resource.api_version, resource.kind)
        except protobuf.Malformed:
            missing.append(f"{resource.group}/{resource.kind}")
    assert not missing


def test_a_create_in_protobuf_is_like_one_in_json(ns: Space) -> None:
    raw = field(1, metadata("a")) + field(2, field(1, "k") + field(2, "v")) + field(4, 0)
    media = {"Content-Type": protobuf.MEDIA}
    status, _, data = ns.api.raw("POST", ns.where("configmaps"), body("v1", "ConfigMap", raw), media)
    assert status == 201, data
    _, obj = ns("GET", "configmaps/a")
    assert (obj["data"], obj["metadata"]["labels"]) == ({"k": "v"}, {"x": "1"})
    options = body("v1", "DeleteOptions", field(2, field(1, "other")))
    assert ns.api.raw("DELETE", ns.where("configmaps/a"), options, media)[0] == 409
    assert ns.api.raw("DELETE", ns.where("configmaps/a"), body("v1", "DeleteOptions", b""), media)[0] == 200
    assert ns.api.raw("POST", ns.where("configmaps"), encode({}), media)[0] == 400
