"""An HTTPS client for webhooks: JSON there, JSON back, over connections that are kept, with upstream's words for what went wrong.

    answer = await call(server, hook["clientConfig"], review, timeout=10)

Used by the admission webhooks and by the conversion of custom resources. Knows no review and decides nothing: who calls wraps a
CallError into words of its own. Requests and connections are those of kk.server.backend; names are resolved here
by kk.server.hooks.services. The words follow Go's `net/http`, `crypto/x509` and k8s.io/client-go `rest/request.go`.
"""

import asyncio
import base64
import errno
import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httptools
import msgspec

from kk.base.errors import StatusError
from kk.server import backend
from kk.server.context import Server
from kk.server.encoding import decode, encode
from kk.server.hooks import services

Obj = dict[str, Any]
Streams = backend.Streams
#: bytes of an answer that are read at most: an object may be three million bytes, a list of them many more
LIMIT = 64 * 1024 * 1024
#: connections kept per server when nobody uses them, and for how many seconds
_KEPT, _KEPT_FOR = 25, 90
#: TLS set-ups kept
_CONTEXTS = 64
#: texts of a code whose answer is no Status, as k8s.io/apimachinery `NewGenericServerResponse` has them
_TEXTS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    409: "the server reported a conflict",
    410: "the server no longer has the requested resource",
    413: "the request is too large",
    415: "the server was unable to process the request",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


class CallError(ValueError):
    """A call that brought no JSON object. `code` is the answer's HTTP status, 0 where there was none; `status` a Status that came."""

    def __init__(self, text: str, code: int = 0, status: "Obj | None" = None):
        super().__init__(text)
        self.code, self.status = code, status


class _Dial(Exception):
    """No connection, in Go's words."""


@dataclass(slots=True)
class _Where:
    """Where a webhook listens: the URL as messages show it, the name in its certificate, and how to find its address."""

    url: str
    path: str
    authority: str
    server_name: str
    host: str
    port: int
    service: tuple[str, str] | None = None  # (namespace, name)


@dataclass(slots=True)
class _State:
    contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)
    idle: "dict[tuple[str, int, str, str], list[Streams]]" = field(default_factory=dict)


async def call(
    server: Server,
    client_config: Obj,
    body: Obj,
    timeout: float,
    *,
    agent: str = "kube-apiserver-admission",
    tell_timeout: bool = True,
) -> Obj:
    """POST a JSON object to a webhook and return the one that it answers with. Raises CallError, in time.

    client_config    a WebhookClientConfig: `url` or `service`, and `caBundle` (base64)
    timeout          seconds for all of it; told to the webhook as `?timeout=10s` where `tell_timeout` is set
    """
    state: _State = server.state.setdefault(__name__, _State())
    where = _where(client_config, timeout if tell_timeout else 0)
    bundle = client_config.get("caBundle") or ""
    try:
        async with asyncio.timeout(timeout):
            code, media, answer = await _post(server, state, where, bundle, encode(body), agent)
    except TimeoutError:
        raise CallError(f'Post "{where.url}": context deadline exceeded') from None
    except _Dial as error:
        raise CallError(f'Post "{where.url}": {error}') from None
    return _read(code, media, answer)


def service_name(namespace: str, name: str) -> str:
    """The name that the certificate of a Service's server must bear."""
    return f"{name}.{namespace}.svc"


def context_of(
    server: Server, bundle: str, skip: bool = False, pair: str = "apiserver-kubelet-client"
) -> ssl.SSLContext:
    """TLS with a CA bundle (base64 of PEM; "" for the system's) and a client certificate of this server's pki/. Kept. Raises ValueError."""
    state: _State = server.state.setdefault(__name__, _State())
    key = f"{hashlib.sha256(bundle.encode()).hexdigest()}/{skip}/{pair}"
    context = state.contexts.get(key)
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if skip:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif bundle:
            _trust(context, bundle)
        else:
            context.load_default_certs()
        pki = Path(server.config.data_dir) / "pki"
        context.load_cert_chain(pki / f"{pair}.crt", pki / f"{pair}.key")
        while len(state.contexts) >= _CONTEXTS:
            del state.contexts[next(iter(state.contexts))]
        state.contexts[key] = context
    return context


def _trust(context: ssl.SSLContext, bundle: str) -> None:
    try:
        context.load_verify_locations(cadata=base64.b64decode(bundle).decode("ascii"))
    except (ValueError, ssl.SSLError):
        raise ValueError("unable to load root certificates: unable to parse bytes as PEM block") from None


def _where(config: Obj, seconds: float) -> _Where:
    """Where a client configuration leads."""
    query = f"?timeout={seconds:g}s" if seconds else ""
    service = config.get("service")
    if service is not None:
        namespace, name, port = service["namespace"], service["name"], int(service.get("port") or 443)
        host = service_name(namespace, name)
        path = "/" + (service.get("path") or "").removeprefix("/") + query
        authority = f"{host}:{port}"
        return _Where(f"https://{authority}{path}", path, authority, host, "", port, (namespace, name))
    url = urlsplit(config.get("url") or "")
    path = (url.path or "/") + query
    host = url.hostname or ""
    return _Where(f"https://{url.netloc}{path}", path, url.netloc, host, host, url.port or 443)


async def _post(
    server: Server, state: _State, where: _Where, bundle: str, body: bytes, agent: str
) -> tuple[int, str, bytes]:
    """(status, media type, body) of an answer; a kept connection that turns out to be closed is replaced."""
    host, port = where.host, where.port
    if where.service is not None:
        try:
            host, port = services.resolve(server, *where.service, where.port)
        except StatusError as error:
            raise _Dial(error.message) from None
    key = (host, port, where.server_name, bundle)
    while True:
        streams, kept = _kept(state, key), True
        if streams is None:
            streams, kept = await _connect(server, key), False
        answer = await _exchange(state, key, streams, where, body, agent, kept)
        if answer is not None:
            return answer


async def _exchange(
    state: _State,
    key: tuple[str, int, str, str],
    streams: Streams,
    where: _Where,
    body: bytes,
    agent: str,
    kept: bool,
) -> tuple[int, str, bytes] | None:
    """One request on a connection. None where the other side had closed a kept one."""
    found, whole = backend.Exchange(*streams), False
    headers = [
        (b"Host", where.authority.encode("latin-1")),
        (b"User-Agent", agent.encode()),
        (b"Accept", b"application/json, */*"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(body)),
    ]
    try:
        if not await found.ask_plainly("POST", where.path, headers, _once(body)):
            if kept:
                return None
            raise _Dial("EOF")
        data = b"".join([piece async for piece in _bounded(found)])
        whole = True
    except (OSError, httptools.HttpParserError) as error:
        if kept and not found.status:
            return None
        raise _Dial(words(error, *key[:3])) from None
    finally:
        if whole and found.reusable:
            _keep(state, key, streams)
        else:
            found.close()
    media = next((v.decode("latin-1") for k, v in found.headers if k.lower() == b"content-type"), "")
    return found.status, media, data


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _bounded(found: backend.Exchange) -> AsyncIterator[bytes]:
    size = 0
    async for piece in found.pieces():
        size += len(piece)
        if size > LIMIT:
            raise OSError(f"the answer is longer than {LIMIT} bytes")
        yield piece


async def _connect(server: Server, key: tuple[str, int, str, str]) -> Streams:
    host, port, server_name, bundle = key
    try:
        context = context_of(server, bundle)
    except ValueError as error:
        raise _Dial(str(error)) from None
    try:
        return await backend.dial(host, port, context, server_name)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _OTHER_NAME:
            raise _Dial(await _names(server, key)) from None
        raise _Dial(words(error, *key[:3])) from None
    except OSError as error:
        raise _Dial(words(error, *key[:3])) from None


async def _names(server: Server, key: tuple[str, int, str, str]) -> str:
    """What a certificate is valid for, told when it is not for the name that was asked: one more connection tells it."""
    from cryptography import x509

    host, port, server_name, _ = key
    prefix = "tls: failed to verify certificate: x509: certificate"
    try:
        _, writer = await backend.dial(host, port, context_of(server, "", True), server_name)
    except OSError as error:
        return words(error, host, port, server_name)
    data = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    try:
        found = x509.load_der_x509_certificate(data).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        addresses = [str(a) for a in found.value.get_values_for_type(x509.IPAddress)]
        names = found.value.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound):
        return f"{prefix} is not valid for any names, but wanted to match {server_name}"
    if _is_address(server_name):
        if not addresses:
            text = f"cannot validate certificate for {server_name} because it doesn't contain any IP SANs"
            return f"tls: failed to verify certificate: x509: {text}"
        return f"{prefix} is valid for {', '.join(addresses)}, not {server_name}"
    if not names:
        return f"{prefix} is not valid for any names, but wanted to match {server_name}"
    return f"{prefix} is valid for {', '.join(names)}, not {server_name}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


# connections that wait for the next call


def _kept(state: _State, key: tuple[str, int, str, str]) -> Streams | None:
    waiting = state.idle.get(key)
    while waiting:
        streams = waiting.pop()
        if not streams[0].at_eof() and not streams[1].is_closing():
            return streams
        streams[1].close()
    return None


def _keep(state: _State, key: tuple[str, int, str, str], streams: Streams) -> None:
    waiting = state.idle.setdefault(key, [])
    if len(waiting) >= _KEPT:
        streams[1].close()
        return
    waiting.append(streams)
    asyncio.get_running_loop().call_later(_KEPT_FOR, _drop, state, key, streams)


def _drop(state: _State, key: tuple[str, int, str, str], streams: Streams) -> None:
    """Close a connection that nobody asked for since; one that is in use now is kept anew afterwards."""
    waiting = state.idle.get(key)
    if waiting is not None and streams in waiting:
        waiting.remove(streams)
        streams[1].close()
        if not waiting:
            del state.idle[key]


# answers and words


def _read(code: int, media: str, data: bytes) -> Obj:
    """The JSON object of a good answer. Raises CallError."""
    value: Any = None
    fault = ""
    try:
        value = decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fault = _unreadable(data)
    if isinstance(value, dict) and value.get("kind") == "Status" and value.get("status", "Failure") != "Success":
        raise CallError(value.get("message") or "unknown", int(value.get("code") or code), value)
    if not 200 <= code <= 206:
        raise CallError(_refused(code, data), code)
    if fault or not isinstance(value, dict):
        raise CallError(fault or _unreadable(data), code)
    return value


def _refused(code: int, data: bytes) -> str:
    shown = data[:2000].decode("utf-8", "replace").strip()
    if code == 403:
        return shown or "forbidden"
    if code in _TEXTS:
        return _TEXTS[code]
    if code >= 500:
        return f'an error on the server ("{shown or "unknown"}") has prevented the request from succeeding'
    return f"the server responded with the status code {code} but did not return more details"


def _unreadable(data: bytes) -> str:
    from kk.base import gojson

    return f"couldn't get version/kind; json parse error: {gojson.words(data)}"


_CERTIFICATE = {
    18: "certificate signed by unknown authority",
    19: "certificate signed by unknown authority",
    20: "certificate signed by unknown authority",
    21: "certificate signed by unknown authority",
    9: "certificate has expired or is not yet valid",
    10: "certificate has expired or is not yet valid",
}
#: OpenSSL's codes for a name, or an address, that is another one
_OTHER_NAME = (62, 64)
_SYSTEM = {
    errno.ECONNREFUSED: "connect: connection refused",
    errno.EHOSTUNREACH: "connect: no route to host",
    errno.ENETUNREACH: "connect: network is unreachable",
    errno.ETIMEDOUT: "i/o timeout",
}


def words(error: BaseException, host: str, port: int, server_name: str = "") -> str:
    """A fault of a connection as Go words it."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _CERTIFICATE.get(error.verify_code)
        if text is None:
            text = (
                f"certificate is not valid for {server_name}"
                if error.verify_code in _OTHER_NAME
                else error.verify_message
            )
        return f"tls: failed to verify certificate: x509: {text}"
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            return "http: server gave HTTP response to HTTPS client"
        return (
            "EOF"
            if "EOF" in str(error.reason)
            else f"remote error: tls: {(error.reason or 'failure').lower().replace('_', ' ')}"
        )
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(error, httptools.HttpParserError):
        return f"net/http: HTTP/1.x transport connection broken: {error}"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return f"read tcp {where}: read: connection reset by peer" if not isinstance(error, BrokenPipeError) else "EOF"
    if isinstance(error, TimeoutError) and not error.errno:
        return f"dial tcp {where}: i/o timeout"
    number = getattr(error, "errno", None)
    if number in _SYSTEM:
        return f"dial tcp {where}: {_SYSTEM[number]}"
    return f"dial tcp {where}: {os.strerror(number).lower()}" if number else str(error) or type(error).__name__
