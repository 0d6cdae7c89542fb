"""Events of the agent: about pods and their containers (fieldPath `spec.containers{NAME}`), as kubelet's."""

from typing import Any

from kk.client.events import Recorder, reference
from kk.client.http import Client

Obj = dict[str, Any]


class PodEvents:
    """Records with the source `kubelet` and the node as host."""

    def __init__(self, client: Client, node_name: str):
        self._recorder = Recorder(client, "kubelet", node_name)

    def event(self, pod: Obj, kind: str, reason: str, message: str, container: str = "") -> None:
        """Tell something about a pod, or about one of its containers; kind is Normal or Warning."""
        path = ""
        if container:
            path = f"spec.{_part(pod, container)}{{{container}}}"
        about = reference({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}, path)
        self._recorder.event(about, kind, reason, message[:1024])

    def node(self, name: str, reason: str, message: str) -> None:
        """Tell something about the node; kubelet refers to it by its name in place of its uid."""
        about = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": name}
        self._recorder.event(about, "Normal", reason, message)

    def close(self) -> None:
        """Write what waits."""
        self._recorder.stop()


def _part(pod: Obj, name: str) -> str:
    """Which list of the spec a container stands in."""
    for part in ("initContainers", "ephemeralContainers"):
        if any(c["name"] == name for c in pod["spec"].get(part) or ()):
            return part
    return "containers"
