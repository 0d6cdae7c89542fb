"""How the API server's figures grow with what it holds: 1,000, 10,000 and 100,000 ConfigMaps, the same requests at each size."""

import os
import time

from tests.bench import cluster, load
from tests.bench.rows import api

SIZES = (1_000, 10_000, 100_000)
_PATH = "/api/v1/namespaces/default/configmaps"
#: how many objects one request for a page brings
_PAGE = 500
_EXACTLY = 10_000


def ROWS() -> list[list[str]]:
    """One server that is filled further and further; restarted at the end of each size to see how long its start takes."""
    with cluster.api() as one:
        try:
            token = one.token()
            before, held, rows = one.pss(), 0, []
            for size in SIZES:
                _fill(one, token, held, size)
                held = size
                rows += _measured(one, token, size, one.pss() - before)
        except load.NoTool as missing:
            return [["growth", "", "", "", "", str(missing)]]
    return rows


def _fill(one: cluster.Api, token: str, held: int, size: int) -> None:
    """A few exactly; many by wrk until there are enough, for a Python client would take minutes."""
    if size <= _EXACTLY:
        api.fill(one, _PATH, held, size)
        return
    while held < size:
        load.rate(f"{one.url}/", token=token, script=load.posts(_PATH, f"n{held}"), folder=one.folder, seconds=2)
        held = _count(one)


def _count(one: cluster.Api) -> int:
    page = one.ask("GET", f"{_PATH}?limit=1")
    return len(page["items"]) + page["metadata"].get("remainingItemCount", 0)


def _measured(one: cluster.Api, token: str, size: int, grown: float) -> list[list[str]]:
    count = _count(one)
    folder = one.folder
    name = one.ask("GET", f"{_PATH}?limit=1")["items"][0]["metadata"]["name"]
    get = load.rate(f"{one.url}{_PATH}/{name}", token=token, seconds=2)
    page = load.rate(f"{one.url}{_PATH}?limit={_PAGE}", token=token, seconds=2)
    patched = load.rate(
        f"{one.url}/", token=token, script=load.patches(_PATH, name, f"g{size}"), folder=folder, seconds=2
    )
    other = "/api/v1/namespaces/kube-public/configmaps"
    posted = load.rate(f"{one.url}/", token=token, script=load.posts(other, f"g{size}"), folder=folder, seconds=2)
    begun = time.perf_counter()
    one.restart()
    start = time.perf_counter() - begun
    rate = f"GET {get:,.0f}/s, page of {_PAGE} {page:,.0f}/s, PATCH {patched:,.0f}/s, POST {posted:,.0f}/s"
    told = f"memory +{grown:.0f} MiB, store {os.path.getsize(folder / 'store.db') / 2**20:.0f} MiB, start {start:.2f} s"
    return [[f"with {count:,} ConfigMaps", rate, "", "", "", told]]
