"""Quantities, times, names, paths, hashes and backoff, as tables."""

from datetime import UTC, datetime

import pytest

from kk.base import hashing, names, paths, times
from kk.base.backoff import Backoff
from kk.base.quantity import Quantity


@pytest.mark.parametrize(
    ("text", "canonical", "milli"),
    [
        ("1.5", "1500m", 1500),
        ("100m", "100m", 100),
        ("1.5Gi", "1536Mi", 1610612736000),
        ("1024Ki", "1Mi", 1048576000),
        ("0.5Ki", "512", 512000),
        ("1e3", "1e3", 1000000),
        ("1000", "1k", 1000000),
        ("0", "0", 0),
        (2, "2", 2000),
        (0.25, "250m", 250),
        ("0.0001", "100u", 1),
        ("-1.5", "-1500m", -1500),
        ("1000m", "1", 1000),
        ("1E", "1E", 10**21),
    ],
)
def test_quantities(text, canonical, milli):
    parsed = Quantity.parse(text)
    assert (parsed.canonical(), parsed.milli()) == (canonical, milli)


@pytest.mark.parametrize("text", ["", "x", "1x", "1 Gi", "1.2.3", "1ee", True, None, "1Kib"])
def test_no_quantities(text):
    with pytest.raises(ValueError):
        Quantity.parse(text)


def test_quantity_arithmetic():
    one, half = Quantity.parse("1"), Quantity.parse("500m")
    assert (one + half).canonical() == "1500m"
    assert (Quantity() + Quantity.parse("1Gi") * 2 - Quantity.parse("512Mi")).canonical() == "1536Mi"
    assert half < one and one == Quantity.parse("1000m") and half.value() == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (5.9, "5s"),
        (119, "119s"),
        (120, "2m"),
        (303, "5m3s"),
        (660, "11m"),
        (3 * 3600, "3h"),
        (4 * 3600 + 60, "4h1m"),
    ]
    + [(30 * 3600, "30h"), (50 * 3600, "2d2h"), (9 * 86400, "9d"), (800 * 86400, "2y70d"), (9 * 365 * 86400, "9y")],
)
def test_human_duration(seconds, text):
    assert times.human_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds", "back"),
    [
        ("1h5m", 3900, "1h5m0s"),
        ("300ms", 0.3, "300ms"),
        ("0", 0, "0s"),
        ("-1.5s", -1.5, "-1.5s"),
        ("1m0.25s", 60.25, "1m0.25s"),
    ],
)
def test_durations(text, seconds, back):
    assert times.parse_duration(text) == pytest.approx(seconds)
    assert times.format_duration(seconds) == back


@pytest.mark.parametrize(
    ("text", "words"), [("5", "missing unit"), ("5d", "unknown unit"), ("", "invalid"), ("x", "invalid")]
)
def test_no_durations(text, words):
    with pytest.raises(ValueError, match=words):
        times.parse_duration(text)


def test_times():
    moment = times.parse_time("2024-02-03T04:05:06.123456789+01:00")
    assert moment == datetime(2024, 2, 3, 3, 5, 6, 123456, UTC)
    assert times.format_time(moment) == "2024-02-03T03:05:06Z"
    assert times.format_micro(moment) == "2024-02-03T03:05:06.123456Z"
    with pytest.raises(ValueError):
        times.parse_time("yesterday")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.dns_label, ["a", "a-1", "1a"], ["", "A", "a.b", "-a", "a" * 64]),
        (names.dns1035_label, ["a1"], ["1a"]),
        (names.dns_subdomain, ["a.b-c", "x"], ["a..b", "a_b", "a" * 254]),
        (names.qualified_name, ["a", "x.y/A_b.c"], ["", "/a", "a/", "a/b/c", "A/b c", "_a"]),
        (names.label_value, ["", "A_b.c"], ["_a", "a b", "a" * 64]),
        (names.path_segment, ["system:x"], [".", "..", "a/b", "a%b"]),
        (names.port_name, ["http", "a-1"], ["1", "a--b", "-a", "A", "a" * 16, ""]),
        (names.ip, ["10.0.0.1", "::1"], ["", "10.0.0", "fe80::1%eth0", "256.1.1.1", "010.0.0.1"]),
        (names.cidr, ["10.0.0.0/8", "::/0"], ["10.0.0.0", "10.0.0.0/33", "x/1"]),
        (names.env_var_name, ["A", "a.b-c"], ["1a", "..", "a b"]),
        (names.config_map_key, ["a.b", ".x"], ["", "..", "a/b"]),
    ],
)
def test_names(check, good, bad):
    assert [value for value in good if check(value)] == []
    assert [value for value in bad if not check(value)] == []


def test_name_words():
    assert names.dns_label("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
        "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]


def test_generated_names():
    made = names.generate_name("a" * 70)
    assert len(made) == 63 and set(made[-5:]) <= set(names.ALPHABET)
    assert names.safe_encode(1234567890) == "".join(names.ALPHABET[ord(c) % 27] for c in "1234567890")


def test_paths():
    obj = {"a": [{"b": 1}], "m": {"x.y": 2}}
    assert paths.get(obj, ".a[0].b") == 1
    assert paths.get(obj, "m.x\\.y") == paths.get(obj, '.m["x.y"]') == 2
    assert paths.get(obj, ".a[1].b", "none") == "none"
    paths.set_in(obj, ".n.o", 3)
    assert obj["n"] == {"o": 3} and paths.delete_in(obj, ".n.o") and not paths.delete_in(obj, ".n.o")


def test_hashes():
    assert hashing.fnv1a_32(b"hello") == 0x4F9F2CAB
    assert hashing.fnv1a_64(b"hello") == 0xA430D84680AABD0B


def test_backoff():
    backoff = Backoff(1, 5)
    assert [backoff.next("k") for _ in range(4)] == [1, 2, 4, 5]
    backoff.forget("k")
    assert backoff.next("k") == 1
