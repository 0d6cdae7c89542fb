"""Answers on the wire: compression, warnings, forms."""

import asyncio
import gzip
from typing import Any

import pytest

from kk.base.errors import StatusError
from kk.server.answers import send_response, warning_header
from kk.server.context import Request, RequestInfo, Response
from kk.server.negotiate import Form, body_media, dump, form_of, is_pretty


def _answered(client: str, body: bytes, **headers: str) -> tuple[dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "method": "GET",
        "client": (client, 1),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }
    request = Request(None, RequestInfo("get", "/"), scope, None, send)  # type: ignore[arg-type]
    asyncio.run(send_response(request, Response(body)))
    return dict(sent[0]["headers"]), sent[1]["body"]


def test_large_answers_are_compressed_for_who_is_far_away_and_asks() -> None:
    large = b'{"a":1}' * 40_000
    headers, body = _answered("10.0.0.9", large, accept_encoding="gzip, deflate")
    assert (headers[b"content-encoding"], gzip.decompress(body)) == (b"gzip", large)
    assert headers[b"content-length"] == str(len(body)).encode()
    for client, encoding in (("127.0.0.1", "gzip"), ("10.0.0.9", "br")):
        headers, body = _answered(client, large, accept_encoding=encoding)
        assert (b"content-encoding" in headers, body) == (False, large)
    assert _answered("10.0.0.9", b"{}", accept_encoding="gzip")[1] == b"{}"


def test_warnings_are_fit_for_a_header() -> None:
    assert warning_header('a "b"\r\nX: y') == b'299 - "a \\"b\\"X: y"'


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form()),
        ("*/*", Form()),
        ("application/vnd.kubernetes.protobuf,application/json", Form("application/vnd.kubernetes.protobuf")),
        ("application/yaml", Form("application/yaml")),
        ("application/json;q=0.1, application/yaml", Form("application/yaml")),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Form(kind="Table")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Form()),
        (
            "application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io",
            Form(kind="PartialObjectMetadata", version="v1beta1"),
        ),
    ],
)
def test_forms(accept: str, form: Form) -> None:
    assert form_of(accept.encode(), read=True) == form


@pytest.mark.parametrize("accept", ["text/html", "application/cbor", "application/json;as=Nope;v=v1;g=meta.k8s.io"])
def test_what_is_not_acceptable(accept: str) -> None:
    with pytest.raises(StatusError) as refused:
        form_of(accept.encode(), read=False)
    assert refused.value.code == 406


def test_bodies_and_people() -> None:
    assert body_media(b"application/json; charset=utf-8") == "application/json"
    with pytest.raises(StatusError) as refused:
        body_media(b"application/xml")
    assert refused.value.code == 415
    assert [is_pretty("", b"curl/8"), is_pretty("false", b"curl/8"), is_pretty("", b"kubectl/v1")] == [
        True,
        False,
        False,
    ]
    assert dump({"b": 1, "a": [None]}, Form("application/yaml"), False) == b"a:\n- null\nb: 1\n"
