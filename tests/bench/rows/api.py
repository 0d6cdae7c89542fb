"""The API server's rows: GET, LIST and durable POST against the empty application, memory of objects, fan-out to watchers."""

import asyncio
import http.client
import json
import threading
import time
import urllib.request

from tests.bench import cluster, load

OBJECTS = 10_000


def ROWS() -> list[list[str]]:
    """Measured on one server each after the other, the reference in between."""
    with cluster.api() as one:
        try:
            token = one.token()
            rows = _rates(one, token)
        except load.NoTool as missing:
            rows = [["GET, LIST, POST", "", "", "", "", str(missing)]]
        rows += [_fan_out(one, 100, "p99 ≤ 20 ms"), _fan_out(one, 1000, "p99 ≤ 250 ms")]
    return rows


def _row(what: str, measured: float, against: float, goal: str) -> list[str]:
    return [what, f"{measured:,.0f}/s", f"{against:,.0f}/s", f"{measured / against:.2f}", goal, ""]


def _rates(one: cluster.Api, token: str) -> list[list[str]]:
    path = "/api/v1/namespaces/default/configmaps"
    before = one.pss()
    fill(one, path, 0, OBJECTS)
    grown = one.pss() - before
    size = _size(one, path)
    with cluster.reference(one, size) as url:
        get = load.rate(f"{one.url}{path}/object-00001", token=token)
        empty = load.rate(f"{url}/")
        listed = load.rate(f"{one.url}{path}", token=token)
        static = load.rate(f"{url}/static")
        # by turns, twice: what else the machine does disturbs both
        posted = empty_post = 0.0
        for turn in ("v", "w"):
            script = load.posts("/api/v1/namespaces/kube-public/configmaps", turn)
            posted = max(posted, load.rate(f"{one.url}/", token=token, script=script, folder=one.folder))
            script = load.posts("/", turn)
            empty_post = max(empty_post, load.rate(f"{url}/", script=script, folder=one.folder))
        script = load.patches(path, "object-00001", "p")
        patched = load.rate(f"{one.url}/", token=token, script=script, folder=one.folder)
    return [
        _row("GET one object, TLS, 16 connections", get, empty, "≥ 0.6"),
        _row(f"LIST {OBJECTS} ConfigMaps ({size / 1e6:.1f} MB)", listed, static, "≥ 0.7"),
        _row("durable POST of a ConfigMap", posted, empty_post, "≥ 0.2"),
        _row("durable PATCH (merge) of one ConfigMap by 16 writers", patched, empty_post, ""),
        [f"memory of {OBJECTS} more objects", f"{grown:.0f} MiB", "", "", "≤ 60 MB", ""],
    ]


def fill(one: cluster.Api, path: str, first: int, end: int) -> None:
    """Objects object-FIRST to object-END from a few threads of this process; the client is the slow part."""
    threads = [threading.Thread(target=_fill_some, args=(one, path, first + n, end)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _fill_some(one: cluster.Api, path: str, first: int, end: int) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", one.port, context=one.context)
    for n in range(first, end, 8):
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"object-{n:05}"},
            "data": {"a": "1", "b": "some text"},
        }
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201
    connection.close()


def _size(one: cluster.Api, path: str) -> int:
    with urllib.request.urlopen(one.url + path, context=one.context, timeout=60) as answer:
        return len(answer.read())


def _fan_out(one: cluster.Api, watchers: int, goal: str) -> list[str]:
    """One object is changed 20 times; how long until each watcher has each event. The watchers are one asyncio process of this machine."""
    delays = asyncio.run(_watch(one, watchers))
    delays.sort()
    p99 = delays[int(len(delays) * 0.99)] * 1000
    return [
        f"watch event, commit → {watchers} watchers",
        f"p99 {p99:.0f} ms",
        "",
        "",
        goal,
        f"p50 {delays[len(delays) // 2] * 1000:.0f} ms",
    ]


async def _watch(one: cluster.Api, watchers: int) -> list[float]:
    name = f"watched-{watchers}"
    path = "/api/v1/namespaces/kube-node-lease/configmaps"
    sent: dict[str, float] = {}
    delays: list[float] = []
    ready = asyncio.Semaphore(0)
    changes = 20

    async def watcher() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port, ssl=one.context)
        query = f"watch=true&fieldSelector=metadata.name%3D{name}&resourceVersion=0"
        writer.write(f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        ready.release()
        seen = 0
        while seen < changes:
            line = await reader.readline()
            arrived = time.perf_counter()
            mark = line.find(b'"stamp":"')
            if mark > 0:
                stamp = line[mark + 9 :].split(b'"', 1)[0].decode()
                if stamp in sent:
                    delays.append(arrived - sent[stamp])
                    seen += 1
        writer.close()

    tasks = [asyncio.create_task(watcher()) for _ in range(watchers)]
    for _ in tasks:
        await ready.acquire()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"stamp": "none"}}
    await asyncio.to_thread(one.ask, "POST", path, body)
    for n in range(changes):
        body["data"] = {"stamp": str(n)}

        def change(stamp: str = str(n), body: dict = body) -> None:
            one.ask("PUT", f"{path}/{name}", body)
            sent.setdefault(stamp, time.perf_counter())

        sent[str(n)] = time.perf_counter()
        await asyncio.to_thread(change)
        await asyncio.sleep(0.1)
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    return delays
