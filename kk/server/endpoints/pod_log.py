"""pods/NAME/log: a container's output, streamed from its kubelet."""

from urllib.parse import quote, urlencode

from kk.base.errors import FieldError, bad_request, invalid, invalid_value, no_such_path, not_supported
from kk.base.times import parse_time
from kk.server import backend, relay
from kk.server.context import Endpoint, Request, RequestInfo, Response
from kk.server.endpoints._answers import not_allowed
from kk.server.endpoints._pods import container_of, kubelet_of, pod_of
from kk.server.routing import truth

_FLAGS = ("follow", "previous", "timestamps")
#: numbers and the least that each may be
_NUMBERS = {"tailLines": 0, "limitBytes": 1, "sinceSeconds": 1}
_STREAMS = ("All", "Stdout", "Stderr")
_TYPE = (b"content-type", b"text/plain")


async def handle(request: Request) -> Response | None:
    """Answer one request for logs."""
    info = request.info
    if len(info.parts) > 3:
        raise no_such_path()
    if request.method not in ("GET", "HEAD"):
        raise not_allowed()
    query = options_of(info)
    pod = pod_of(request)
    container = container_of(pod, info.param("container"))
    node = pod["spec"].get("nodeName")
    if not node:
        return Response(b"", 204, b"text/plain")
    path = f"/containerLogs/{quote(info.namespace)}/{quote(info.name)}/{quote(container)}"
    path += f"?{urlencode(query)}" if query else ""
    found = await backend.exchange(request.server, kubelet_of(request.server, node), "GET", path)
    try:
        if found.status >= 300:
            raise backend.told(found.status, await found.text(), "pods/log", info.name)
        await relay.stream(request, found, [_TYPE, (b"cache-control", b"no-cache, private")], 200)
    finally:
        found.close()
    return None


def options_of(info: RequestInfo) -> dict[str, str]:
    """PodLogOptions as the kubelet takes them. Raises StatusError 400 or 422."""
    query: dict[str, str] = {}
    faults: list[FieldError] = []
    for name in _FLAGS:
        if name in info.query and truth(info.param(name)):
            query[name] = "true"
    for name, least in _NUMBERS.items():
        text = info.param(name)
        if text:
            number = _number(text)
            if number < least:
                words = "must be greater than or equal to 0" if least == 0 else "must be greater than 0"
                faults.append(invalid_value(name, number, words))
            query[name] = str(number)
    since = info.param("sinceTime")
    if since:
        try:
            parse_time(since)
        except ValueError:
            raise bad_request(f'parsing time "{since}" as RFC3339 failed') from None
        query["sinceTime"] = since
        if "sinceSeconds" in query:
            text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
            faults.append(FieldError("FieldValueForbidden", "", None, text))
    stream = info.param("stream")
    if stream:
        if stream not in _STREAMS:
            faults.append(not_supported("stream", stream, _STREAMS))
        elif "tailLines" in query and stream != "All":
            text = "`tailLines` and specific `stream` are mutually exclusive for now"
            faults.append(FieldError("FieldValueForbidden", "", None, text))
        query["stream"] = stream
    if faults:
        raise invalid("PodLogOptions", "", info.name, faults)
    return query


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


ENDPOINT = Endpoint(handle, subresources=(("", "pods", "log"),))
