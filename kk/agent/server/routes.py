"""Which path of the kubelet's API is answered by whom."""

import json
from collections.abc import Callable
from typing import Any

from kk.agent.images import Catalog, parse
from kk.agent.pods.workers import Workers
from kk.agent.runtime.api import Container, Runtime
from kk.agent.server.listener import Refusal, Request

Obj = dict[str, Any]


class Routes:
    """The API of one node."""

    def __init__(self, workers: Workers, runtime: Runtime, catalog: Catalog, node_name: str, ip: str):
        self.workers, self.runtime, self.catalog = workers, runtime, catalog
        self.node_name, self.ip = node_name, ip

    def __call__(self, request: Request) -> None:
        """Answer one request; Refusal."""
        parts = request.path.strip("/").split("/")
        known: dict[tuple[str, int], Callable[[Request, list[str]], None]] = {
            ("healthz", 1): self._healthz,
            ("pods", 1): self._pods,
            ("runningpods", 1): self._pods,
            ("stats", 2): self._stats,
            ("containerLogs", 4): self._logs,
            ("exec", 4): self._exec,
            ("attach", 4): self._attach,
            ("portForward", 3): self._forward,
        }
        handler = known.get((parts[0], len(parts)))
        if handler is None:
            raise Refusal(404, "404 page not found")
        handler(request, parts[1:])

    def _healthz(self, request: Request, _: list[str]) -> None:
        request.answer(200, b"ok")

    def _pods(self, request: Request, _: list[str]) -> None:
        body = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self.workers.pods()}
        request.answer(200, json.dumps(body).encode(), "application/json")

    def _stats(self, request: Request, parts: list[str]) -> None:
        if parts != ["summary"]:
            raise Refusal(404, "404 page not found")
        from kk.agent.server.stats import summary

        body = summary(self.node_name, self.workers.pods(), self.runtime)
        request.answer(200, json.dumps(body).encode(), "application/json")

    def _logs(self, request: Request, parts: list[str]) -> None:
        from kk.agent.server.logs import serve

        serve(request, self.pod(*parts[:2]), parts[2], self.runtime)

    def _exec(self, request: Request, parts: list[str]) -> None:
        from kk.agent.server.streams import refuse, serve_exec

        try:
            container = self.running(self.pod(*parts[:2]), parts[2])
        except Refusal as refusal:
            refuse(request, refusal)
            return
        command = request.query.get("command") or []
        if not command:
            raise Refusal(400, "you must specify a command")
        if (reference := parse(container.config.image)) and (image := self.catalog.find(reference)):
            command = image.translate(command)
        serve_exec(request, self.runtime, container, command)

    def _attach(self, request: Request, parts: list[str]) -> None:
        from kk.agent.server.streams import refuse, serve_attach

        try:
            serve_attach(request, self.runtime, self.running(self.pod(*parts[:2]), parts[2]))
        except Refusal as refusal:
            if request.answered:
                raise
            refuse(request, refusal)

    def _forward(self, request: Request, parts: list[str]) -> None:
        from kk.agent.server.forward import serve

        pod = self.pod(*parts[:2])
        sandbox = self.runtime.sandboxes().get(pod["metadata"]["uid"])
        if sandbox is None:
            raise Refusal(500, f'pod not found ("{pod["metadata"]["name"]}_{pod["metadata"]["namespace"]}")')
        serve(request, pod, self.ip if pod["spec"].get("hostNetwork") else sandbox.ip)

    def pod(self, namespace: str, name: str) -> Obj:
        """A pod of this node; Refusal 404."""
        found = self.workers.find(namespace, name)
        if found is None:
            raise Refusal(404, f'pod "{name}" not found')
        return found

    def running(self, pod: Obj, name: str) -> Container:
        """The running attempt of a container; Refusal 404."""
        every = [c for c in self.runtime.containers(pod["metadata"]["uid"]) if c.config.name == name]
        if not every or every[-1].state != "running":
            raise Refusal(404, f'container not found ("{name}")')
        return every[-1]
