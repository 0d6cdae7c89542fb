"""What the agent asks of the API server, in one place: objects that pods refer to, tokens, status writes, deletes. No decisions."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import parse_time
from kk.client.http import Client, Unreachable

Obj = dict[str, Any]
log = logging.getLogger("kk.agent")
REMEMBERED = 256


class NodeAPI:
    """The agent's requests; the client is shared and thread-safe."""

    def __init__(self, client: Client):
        self.client = client
        self._seen: OrderedDict[tuple[str, str, str], Any] = OrderedDict()

    def _remembered(self, key: tuple[str, str, str], ask: Callable[[], Any]) -> Any:
        """An answer; while the API server is away the last one, so that containers restart without it."""
        try:
            answer = ask()
        except Unreachable:
            if key in self._seen:
                return self._seen[key]
            raise
        self._seen[key] = answer
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return answer

    def _get(self, plural: str, namespace: str, name: str) -> Obj | None:
        def ask() -> Obj | None:
            try:
                found: Obj = self.client.resource("v1", plural, namespace).get(name)
                return found
            except StatusError as error:
                if error.code == 404:
                    return None
                raise

        answer: Obj | None = self._remembered((plural, namespace, name), ask)
        return answer

    def config_map(self, namespace: str, name: str) -> Obj | None:
        """A ConfigMap, None when there is none."""
        return self._get("configmaps", namespace, name)

    def secret(self, namespace: str, name: str) -> Obj | None:
        """A Secret, None when there is none."""
        return self._get("secrets", namespace, name)

    def services(self, namespace: str) -> list[Obj]:
        """The services of a namespace."""
        services = self.client.resource("v1", "services", namespace)
        answer = self._remembered(("services", namespace, ""), lambda: services.list(resourceVersion="0"))
        return answer.get("items") or []

    def token(self, pod: Obj, audience: str, seconds: int) -> tuple[str, float]:
        """A token of the pod's service account, bound to the pod: (token, expiry as POSIX seconds)."""
        meta, spec = pod["metadata"], pod["spec"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        body: Obj = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {"name": spec.get("serviceAccountName") or "default", "namespace": meta["namespace"]},
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": seconds,
                "boundObjectRef": bound,
            },
        }
        answer = self.client.resource("v1", "serviceaccounts", meta["namespace"]).create(body, subresource="token")
        status = answer.get("status") or {}
        expires = status.get("expirationTimestamp")
        return status.get("token", ""), parse_time(expires).timestamp() if expires else time.time() + seconds

    def patch_pod_status(self, pod: Obj, patch: Obj) -> Obj | None:
        """Write a pod's status; None when the pod is gone (or another has its name)."""
        meta = pod["metadata"]
        try:
            resource = self.client.resource("v1", "pods", meta["namespace"])
            answer: Obj = resource.patch(meta["name"], patch, "merge", subresource="status")
            return answer
        except StatusError as error:
            if error.code == 422:  # asked again it would be refused again
                log.warning("status of pod %s/%s is refused: %s", meta["namespace"], meta["name"], error)
            if error.code in (404, 409, 422):
                return None
            raise

    def delete_pod(self, pod: Obj) -> None:
        """Remove the object of a pod whose programs are gone."""
        meta = pod["metadata"]
        try:
            self.client.resource("v1", "pods", meta["namespace"]).delete(
                meta["name"], gracePeriodSeconds=0, preconditions={"uid": meta["uid"]}
            )
        except StatusError as error:
            if error.code not in (404, 409):
                raise
