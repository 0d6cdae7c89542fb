"""Which answers a Kubernetes API server may give to nonsense. Pure."""

import json
import re
from typing import Any

import yaml

from kk.server import protobuf
from tests.faults.traffic import Sent
from tests.faults.wire import Answer

#: 500s that kube-apiserver gives as well, by their messages
UPSTREAM_500 = [
    r'^strconv\.ParseUint: parsing ".*": (invalid syntax|value out of range)$',
    r"^resourceVersion should not be set on objects to be created$",
    # a binding's faults are joined to one error without a code
    r"^\[?target\.(kind: Unsupported value: |name: Required value)",
    r"^failed to create typed patch object \(",
    # strategic merge patches that cannot be merged: apiserver's interpretStrategicMergePatchError tells them as they are
    r"^unable to find api field in struct \w+ for the json field ",
    r"^expected a .+, but received a ",
    r"^map: .* does not contain declared merge key: ",
    r"^unknown patch type: .* in map: ",
    r"^(lists of lists are not supported|list element types are not identical: .*|no elements in any of the given slices)$",
    r"^The order in patch list:\n.*doesn't match \$setElementOrder list:\n",
    r"^(cannot merge lists without merge key for type struct|merging lists cannot yet be specified in the patch)$",
]
_TRACES = (b"Traceback (most recent", b'File "', b"goroutine ")


def fault(sent: Sent, answer: Answer) -> str:
    """What is wrong with an answer, or ""."""
    status, body = answer.status, answer.body
    if not status:
        return "no answer"
    if any(trace in body for trace in _TRACES):
        return "a stack trace"
    if status < 400 or sent.method == "HEAD" or (not body and sent.stream):
        return ""
    if answer.headers.get("content-type", "").startswith("text/plain"):
        return "" if status < 500 else f"{status} in plain text"
    try:
        told = _read(body, answer.headers.get("content-type", ""))
    except (ValueError, yaml.YAMLError):
        return f"{status} that is no Status"
    if (
        told.get("kind") != "Status"
        or told.get("code") != status
        or told.get("status") != "Failure"
        or not told.get("message")
    ):
        return f"{status} without a whole Status"
    if status == 500 and not any(re.search(known, told["message"], re.S) for known in UPSTREAM_500):
        return "500"
    if status > 500 and not allowed(sent, status):
        return str(status)
    return ""


def _read(body: bytes, media: str) -> dict[str, Any]:
    if "protobuf" in media:
        return protobuf.decode(body, ("v1", "Status"))
    found = yaml.safe_load(body) if "yaml" in media else json.loads(body)
    return found if isinstance(found, dict) else {}


def allowed(sent: Sent, status: int) -> bool:
    """5xx that say what is so: a version that has not come, a backend that is not there."""
    if status == 504:
        return "resourceVersion=" in sent.path or "continue=" in sent.path
    return status in (502, 503) and "/proxy" in sent.path
