"""containerLogs: a container's CRI log files as text: tail, since, timestamps, limits, previous, and following without polling."""

import os
import select
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kk.agent.runtime.api import Container, Runtime
from kk.agent.server.listener import Refusal, Request
from kk.base.times import parse_time

Obj = dict[str, Any]
BLOCK = 256 * 1024


def serve(request: Request, pod: Obj, name: str, runtime: Runtime) -> None:
    """Answer one request for logs; Refusal."""
    container = _attempt(pod, name, request.flag("previous"), runtime)
    try:
        tail = int(request.param("tailLines")) if request.param("tailLines") else -1
        limit = int(request.param("limitBytes")) if request.param("limitBytes") else -1
        since = _since(request)
    except ValueError as error:
        raise Refusal(400, str(error)) from None
    stream = request.param("stream")
    wanted = b"" if stream in ("", "All") else stream.lower().encode()
    feed = runtime.log_feed(container) if request.flag("follow") and container.state == "running" else None
    try:
        lines = read(container.log_path, tail, feed, request.stream)
        text = render(lines, since, request.flag("timestamps"), wanted)
        request.chunks(limited(text, limit))
    finally:
        if feed is not None:
            feed.close()


def _attempt(pod: Obj, name: str, previous: bool, runtime: Runtime) -> Container:
    pod_name = pod["metadata"]["name"]
    every = [c for c in runtime.containers(pod["metadata"]["uid"]) if c.config.name == name]
    begun = [c for c in every if c.log_path.exists()]
    if previous:
        ended = [c for c in every if c.state == "exited" and c.log_path.exists()]
        waits = bool(every) and every[-1].state == "exited"
        chosen = ended[:-1] if waits and not _waiting(pod, name) else ended
        if not chosen:
            raise Refusal(400, f'previous terminated container "{name}" in pod "{pod_name}" not found')
        return chosen[-1]
    if begun:
        return begun[-1]
    status = pod.get("status") or {}
    for known in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        if known["name"] == name and (waiting := known.get("state", {}).get("waiting")):
            reason = waiting.get("reason", "")
            if reason in ("ErrImagePull", "ImagePullBackOff"):
                reason = "trying and failing to pull image" if reason == "ImagePullBackOff" else "image can't be pulled"
            raise Refusal(400, f'container "{name}" in pod "{pod_name}" is waiting to start: {reason}')
    raise Refusal(400, f'container "{name}" in pod "{pod_name}" is not available')


def _waiting(pod: Obj, name: str) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(s["name"] == name and s.get("state", {}).get("waiting") for s in statuses)


def _since(request: Request) -> bytes:
    """The earliest time stamp to show, in the form of the log's own; b"" for all."""
    if text := request.param("sinceSeconds"):
        at = time.time() - int(text)
    elif text := request.param("sinceTime"):
        at = parse_time(text).timestamp()
    else:
        return b""
    whole, part = divmod(at, 1)
    return (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int(part * 1e9):09d}Z").encode()


def files(path: Path) -> list[Path]:
    """The log's files, oldest first."""
    older = [p for p in path.parent.glob(path.name + ".*") if p.suffix[1:].isdigit()]
    return [*sorted(older, key=lambda p: -int(p.suffix[1:])), path]


def start_of_tail(path: Path, count: int) -> tuple[int, int]:
    """(offset of the first of the last `count` lines, how many of them the file has)."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        found, at = 0, end
        while at > 0:
            size = min(BLOCK, at)
            at -= size
            file.seek(at)
            block = file.read(size)
            stop = len(block)
            while (cut := block.rfind(b"\n", 0, stop)) >= 0:
                if at + cut != end - 1:
                    found += 1
                    if found == count:
                        return at + cut + 1, count
                stop = cut
        return 0, found + (1 if end else 0)


def read(path: Path, tail: int, feed: "socket.socket | None", client: Any) -> Iterator[list[bytes]]:
    """Whole log lines, many at a time; with a feed also those that come, until the container ends or the client leaves."""
    plan: list[tuple[Path, int]] = []
    every = files(path)
    if tail < 0:
        plan = [(p, 0) for p in every]
    else:
        missing = tail
        for one in reversed(every):
            if missing <= 0 and one != path:
                break
            offset, has = start_of_tail(one, missing) if missing > 0 else (one.stat().st_size, 0)
            plan.insert(0, (one, offset))
            missing -= has
    for one, offset in plan[:-1]:
        with open(one, "rb") as file:
            file.seek(offset)
            while batch := file.readlines(BLOCK):
                yield batch
    yield from _current(path, plan[-1][1], feed, client)


def _current(path: Path, offset: int, feed: "socket.socket | None", client: Any) -> Iterator[list[bytes]]:
    file = open(path, "rb")  # noqa: SIM115 (replaced when the log rotates)
    try:
        file.seek(offset)
        rest = b""
        while True:
            while data := file.read(BLOCK):
                *lines, rest = (rest + data).split(b"\n")
                yield [line + b"\n" for line in lines]
            if _rotated(path, file.fileno()):
                file.close()
                file = open(path, "rb")  # noqa: SIM115
                continue
            if feed is None:
                return
            if not _more(feed, client):
                if client.left:
                    return
                feed = None  # one last look
    finally:
        file.close()


def _rotated(path: Path, fd: int) -> bool:
    try:
        return os.stat(path).st_ino != os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def _more(feed: socket.socket, client: Any) -> bool:
    """Wait for news of the log; False at its end or when the client left."""
    while True:
        ready, _, _ = select.select([feed, client], [], [])
        if client in ready and client.gone():
            return False
        if feed in ready:
            return bool(feed.recv(65536))


def render(batches: Iterable[list[bytes]], since: bytes, timestamps: bool, stream: bytes) -> Iterator[bytes]:
    """Log lines as they are shown."""
    partial = False
    for batch in batches:
        shown = []
        for line in batch:
            parts = line.split(b" ", 3)
            if len(parts) < 4:
                continue
            stamp, source, tag, message = parts
            if (since and stamp < since) or (stream and source != stream):
                continue
            if tag.startswith(b"P"):
                message = message.removesuffix(b"\n")
            shown.append((stamp + b" " + message) if timestamps and not partial else message)
            partial = tag.startswith(b"P")
        yield b"".join(shown)


def limited(parts: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """At most `limit` bytes (negative: all)."""
    for part in parts:
        if limit < 0:
            yield part
            continue
        yield part[:limit]
        limit -= len(part)
        if limit <= 0:
            return
