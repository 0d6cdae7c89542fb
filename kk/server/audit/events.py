"""audit.k8s.io/v1 Events: who asked for what, and what came of it. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

from kk.server.context import RequestInfo

Obj = dict[str, Any]


def micro(moment: float) -> str:
    """A time as MicroTime."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def reference(info: RequestInfo, body: Any) -> Obj | None:
    """objectRef of a request on a resource; what the path does not say is read from the sent object."""
    if not info.is_resource:
        return None
    found = {
        "resource": info.resource,
        "namespace": info.namespace,
        "name": info.name,
        "apiGroup": info.group,
        "apiVersion": info.version,
        "subresource": info.subresource,
    }
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if isinstance(metadata, dict):
        found["name"] = found["name"] or str(metadata.get("name") or "")
        found["namespace"] = found["namespace"] or str(metadata.get("namespace") or "")
        found["uid"] = str(metadata.get("uid") or "")
        found["resourceVersion"] = str(metadata.get("resourceVersion") or "")
    order = ("resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource")
    return {k: found[k] for k in order if found.get(k)}


def status(code: int, body: Any) -> Obj:
    """responseStatus: a Status that was answered, else the code alone."""
    found: Obj = {"metadata": {}}
    if isinstance(body, dict) and body.get("kind") == "Status" and body.get("apiVersion") == "v1":
        found |= {k: body[k] for k in ("status", "message", "reason", "details") if body.get(k)}
    found["code"] = code
    return found


def without_managed(obj: Any) -> Any:
    """An object, or a list of them, without managedFields; the original stays as it is."""
    if not isinstance(obj, dict):
        return obj
    found = dict(obj)
    if isinstance(found.get("metadata"), dict):
        found["metadata"] = {k: v for k, v in found["metadata"].items() if k != "managedFields"}
    if isinstance(found.get("items"), list):
        found["items"] = [without_managed(item) for item in found["items"]]
    return found


def legacy(event: Obj) -> str:
    """An event as a line of text."""
    user = event.get("user") or {}
    groups = ",".join(f'"{g}"' for g in user.get("groups") or ())
    ref = event.get("objectRef") or {}
    other = event.get("impersonatedUser") or {}
    words = {
        "id": event["auditID"],
        "stage": event["stage"],
        "ip": (event.get("sourceIPs") or ["<unknown>"])[0],
        "method": event["verb"],
        "user": user.get("username") or "<none>",
    }
    head = " ".join(f"{k}={json.dumps(v)}" for k, v in words.items())
    code = (event.get("responseStatus") or {}).get("code")
    return (
        f"{event['stageTimestamp']} AUDIT: {head} groups={groups or json.dumps('<none>')} "
        f"as={json.dumps(other.get('username') or '<self>')} asgroups={json.dumps(','.join(other.get('groups') or ()) or '<lookup>')} "
        f"user-agent={json.dumps(event.get('userAgent', ''))} namespace={json.dumps(ref.get('namespace') or '<none>')} "
        f"uri={json.dumps(event['requestURI'])} response={json.dumps(str(code) if code else '<deferred>')}"
    )
