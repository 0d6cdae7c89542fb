"""The API server's process: open the store, fill the cache, listen over TLS, make the bootstrap objects, stop on SIGTERM.

`serve(Config(…))` is what `kk api` runs; `python -m kk.server` is the same on its own. Prints only log lines, on stderr.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from kk.base import discover
from kk.base.errors import StatusError
from kk.base.times import parse_duration
from kk.kinds.registry import optional, registry
from kk.server import authn, pki, runtime_config
from kk.server.aggregation import aggregator
from kk.server.app import App
from kk.server.bootstrap import bootstrap
from kk.server.cache import Cache
from kk.server.context import Config, Server
from kk.server.custom import definitions
from kk.server.encoding import RECURSION
from kk.server.flags import FLAGS, given
from kk.server.limits import raise_open_files
from kk.server.pipeline import Pipeline
from kk.server.protocol import HTTPProtocol, WebSocketProtocol
from kk.server.views import Views
from kk.server.watching import Watching
from kk.store.api import Result, Store
from kk.store.sqlite import SQLiteStore

__all__ = ["Config", "main", "serve"]

log = logging.getLogger("kk.server")

#: seconds that running requests get when the server stops
_GRACE = 3


def serve(config: Config, open_store: Callable[[Path], Store] = SQLiteStore) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION))
    data = Path(config.data_dir)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        pki.ensure(data, config.host, config.port)
        store = open_store(data / "store.db")
    except OSError as error:
        log.error("%s", error)
        return 1
    return run(config, store)


def run(config: Config, store: Store) -> int:
    """Serve what a store holds; the loop is uvloop's where it is there."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(_run(config, store))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(config, store))


async def _run(config: Config, store: Store) -> int:
    loop = asyncio.get_running_loop()
    try:
        server = assemble(config, store, loop)
        authn.chain(server)  # flags that cannot be are told before anything starts
        store.start(_Hand(loop, server.cache))
    except (OSError, ValueError) as error:
        log.error("%s", error)
        return 1
    try:
        _load(server)
        definitions.start(server)
        aggregator.start(server)
        server.cache.settled()
        server.write.ready()
        _calm_collector()
        return await _listen(server)
    except (OSError, StatusError) as error:  # a StatusError: what every cluster has could not be made
        log.error("%s", error)
        return 1
    finally:
        server.stopping = True
        server.write.stop()
        for task in list(server.tasks):
            task.cancel()
        audit = server.state.get("kk.server.audit")
        if audit is not None:
            audit.close()
        await loop.run_in_executor(None, store.close)


def _load(server: Server) -> None:
    """Fill the cache. Raises OSError where the store holds what no server wrote."""
    try:
        server.cache.load()
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"the store holds what cannot be read, and was left as it is: {error}") from None


def _calm_collector() -> None:
    """What is cached lives long and holds no cycles: looking through it again and again costs a third of a write."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


class _Hand:
    """Takes committed batches from the writer's thread into the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, cache: Cache):
        self._loop, self._cache = loop, cache

    def __call__(self, results: list[Result]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._cache.apply, results)
        except RuntimeError:  # the loop is closed: nobody waits any more, and the rows are on disk
            return


def assemble(config: Config, store: Store, loop: asyncio.AbstractEventLoop) -> Server:
    """A server with all its parts, not yet started."""
    known = registry().resources
    resources = runtime_config.served(known, optional().resources, config.flag("runtime-config"))
    cache = Cache(store, known.values())
    server = Server(config=config, resources=resources, cache=cache, loop=loop)
    server.views = Views(resources, cache)
    server.write = Pipeline(server)
    server.watching = Watching(server)
    server.state["kk.server.audit"] = _audit(server)
    server.endpoints = discover.load_all("kk.server.endpoints", "ENDPOINT")
    return server


def _audit(server: Server) -> Any:
    """The audit log, where a policy asks for one: nothing of it is imported otherwise."""
    if not (server.config.flag("audit-policy-file") and server.config.flag("audit-log-path")):
        return None
    from kk.server.audit.trail import audit

    return audit(server)


async def _listen(server: Server) -> int:
    config = server.config
    HTTPProtocol.limits, HTTPProtocol.most_connections = config.limits, raise_open_files()
    listening = socket.create_server((config.host, config.port), backlog=1024, reuse_port=False)
    settings = uvicorn.Config(
        App(server),
        http=HTTPProtocol,
        ws=WebSocketProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=16 * 1024 * 1024,
        timeout_keep_alive=config.limits.idle,  # type: ignore[arg-type]
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=None,
    )
    settings.load()
    settings.ssl = _tls(server)
    web = _Web(settings, server)
    serving = asyncio.ensure_future(web.serve(sockets=[listening]))
    await web.listening.wait()
    if not serving.done():
        await _started(server)
    await serving
    return 0


async def _started(server: Server) -> None:
    fresh = server.cache.revision == 0
    await bootstrap(server)
    definitions.of(server).resume()
    await aggregator.of(server).resume()
    if fresh:  # nobody has seen the versions before this one, and nobody shall resume from them
        server.write.compact(server.cache.revision)
    server.started = True
    if server.config.ready_fd is not None:
        os.write(server.config.ready_fd, b"1")
        os.close(server.config.ready_fd)
    log.info("serving on https://%s:%d", server.config.host, server.config.port)


class _Web(uvicorn.Server):
    """uvicorn's server without its ten wake-ups a second: it waits for a signal instead."""

    def __init__(self, config: uvicorn.Config, server: Server):
        super().__init__(config)
        self._kk = server
        self.listening = asyncio.Event()
        self._stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so. As uvicorn's, with bounds on handshakes."""
        try:
            await self.lifespan.startup()
            loop, limits = asyncio.get_running_loop(), self._kk.config.limits
            self.servers = [
                await loop.create_server(
                    self._protocol,
                    sock=found,
                    ssl=self.config.ssl,
                    backlog=1024,
                    ssl_handshake_timeout=limits.handshake,
                    ssl_shutdown_timeout=min(limits.header, 5.0),
                )
                for found in sockets or ()
            ]
            self.started = True
        finally:
            self.listening.set()

    def _protocol(self) -> asyncio.Protocol:
        return HTTPProtocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def main_loop(self) -> None:
        """Until a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self._stop.wait()
        self._kk.stopping = True
        self._kk.watching.end()

    def capture_signals(self) -> Any:
        """Signals are the loop's; see main_loop."""
        from contextlib import nullcontext

        return nullcontext()


def _tls(server: Server) -> ssl.SSLContext:
    directory = Path(server.config.data_dir) / "pki"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(directory / "apiserver.crt", directory / "apiserver.key")
    for bundle in authn.client_authorities(server):
        context.load_verify_locations(bundle)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "t", "f", "1", "0"):
        raise argparse.ArgumentTypeError(f'"{text}" is neither true nor false')
    return text.lower() in ("true", "t", "1")


class _Extend(argparse.Action):
    """A list: commas split it, and it may be given again."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        """Add what was given."""
        held = getattr(namespace, self.dest, [])
        setattr(namespace, self.dest, [*held, *(v for v in values.split(",") if v)])


#: how argparse reads each type of flag
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "string": {},
    "int": {"type": int},
    "bool": {"type": _truth, "nargs": "?", "const": True},
    "duration": {"type": parse_duration},
    "list": {"action": _Extend},
    "array": {"action": "append"},
}


def main(argv: list[str] | None = None) -> int:
    """`python -m kk.server`."""
    parser = argparse.ArgumentParser(prog="kk.server", description="Serve the Kubernetes API from a data directory.")
    parser.add_argument("--data-dir", required=True, type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6443)
    parser.add_argument("--ready-fd", type=int, help="a file descriptor to which a byte is written when it serves")
    parser.add_argument("--history", type=float, default=300.0, help="seconds that old versions are kept for watches")
    for flag in FLAGS:
        parser.add_argument(f"--{flag.name}", default=argparse.SUPPRESS, help=flag.help, **_ARGUMENTS[flag.type])
    options = parser.parse_args(argv)
    flags = given(options, [f.name for f in FLAGS if hasattr(options, f.name.replace("-", "_"))])
    return serve(
        Config(options.data_dir, options.host, options.port, options.ready_fd, history=options.history, flags=flags)
    )
