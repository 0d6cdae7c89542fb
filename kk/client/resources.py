"""Access to the objects of one resource, as plain dicts in wire form.

Paths only: what a resource is called and whether it has a namespace comes from the caller or from kk.client.discovery.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from . import codec

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any

    from .http import Client

    Obj = dict[str, Any]

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
#: list and watch answers with metadata only
METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
_PAGE = 500


def base_path(api_version: str, plural: str, namespace: str | None) -> str:
    """The path of a collection."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


class ResourceClient:
    """The objects of one resource, in one namespace or (None) in all or without one.

    Every method raises StatusError for an answer that is not a success and Unreachable without one. Keyword parameters are query
    parameters by their wire name (labelSelector, fieldSelector, dryRun, fieldManager, …).
    """

    def __init__(self, client: Client, api_version: str, plural: str, namespace: str | None = None):
        self.client = client
        self.api_version = api_version
        self.plural = plural
        self.namespace = namespace
        self.path = base_path(api_version, plural, namespace)

    def _at(self, name: str, subresource: str | None = None) -> str:
        from .http import path_segment

        full = f"{self.path}/{path_segment(name)}"
        return f"{full}/{subresource}" if subresource else full

    def within(self, namespace: str | None) -> ResourceClient:
        """The same resource in another namespace."""
        return ResourceClient(self.client, self.api_version, self.plural, namespace)

    def get(self, name: str, subresource: str | None = None, **params: Any) -> Obj:
        """One object."""
        return self.client.request("GET", self._at(name, subresource), query=params).json()

    def list(self, **params: Any) -> Obj:
        """One answer of a list, with its items and metadata (resourceVersion, continue)."""
        return self.client.request("GET", self.path, query=params).json()

    def list_all(self, **params: Any) -> Iterator[Obj]:
        """The items of a list, fetched page by page."""
        query = {"limit": _PAGE, **params}
        while True:
            page = self.list(**query)
            yield from page.get("items") or ()
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            query["continue"] = token

    def create(self, obj: Obj, subresource: str | None = None, **params: Any) -> Obj:
        """Create; with a subresource (binding, eviction, token) it is posted there, on metadata.name."""
        path = self._at(obj["metadata"]["name"], subresource) if subresource else self.path
        return self.client.request("POST", path, query=params, body=obj).json()

    def update(self, obj: Obj, subresource: str | None = None, **params: Any) -> Obj:
        """Replace; a resourceVersion in it is a precondition."""
        path = self._at(obj["metadata"]["name"], subresource)
        return self.client.request("PUT", path, query=params, body=obj).json()

    def update_status(self, obj: Obj, **params: Any) -> Obj:
        """Replace the status only."""
        return self.update(obj, "status", **params)

    def patch(
        self, name: str, patch: Any, type: str = "strategic", subresource: str | None = None, **params: Any
    ) -> Obj:
        """Patch; type is json, merge, strategic, apply, or a content type."""
        return self.client.request(
            "PATCH",
            self._at(name, subresource),
            query=params,
            body=patch,
            content_type=PATCH_TYPES.get(type, type),
        ).json()

    def delete(self, name: str, **options: Any) -> Obj:
        """Delete; options are fields of DeleteOptions (propagationPolicy, gracePeriodSeconds, preconditions, dryRun …)."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None
        return self.client.request("DELETE", self._at(name), body=body).json()

    def delete_collection(self, options: Obj | None = None, **params: Any) -> Obj:
        """Delete all that the selectors in the parameters choose."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options} if options else None
        return self.client.request("DELETE", self.path, query=params, body=body).json()

    def watch(
        self, resource_version: str = "", timeout: float | None = None, **params: Any
    ) -> Iterator[tuple[str, Obj]]:
        """(type, object) of each change after a version, until the server ends the watch; ERROR events are raised as StatusError.

        `timeout` limits the wait between events; close the iterator to end the watch.
        """
        from kk.base.errors import StatusError

        query = {"watch": True, "resourceVersion": resource_version or None, "allowWatchBookmarks": True, **params}
        stream = self.client.stream("GET", self.path, query=query, timeout=timeout)
        with contextlib.closing(stream):
            for line in stream.lines():
                if not line:
                    continue
                event = codec.loads(line)
                if event["type"] == "ERROR":
                    raise StatusError.from_status(event["object"])
                yield event["type"], event["object"]
