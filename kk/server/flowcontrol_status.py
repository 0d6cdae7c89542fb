"""Tells of each FlowSchema whether its priority level is there: the condition Dangling, as kube-apiserver keeps it itself.

Follows both kinds in the cache and writes by server-side apply under kube-apiserver's manager name. Nothing else of flow control runs.
"""

from typing import Any

from kk.base import times
from kk.base.errors import StatusError
from kk.server.cache import Change
from kk.server.context import LOOPBACK, Server

GROUP = "flowcontrol.apiserver.k8s.io"
MANAGER = "api-priority-and-fairness-config-consumer-v1"
Obj = dict[str, Any]


def condition(schema: Obj, exists: bool) -> Obj:
    """The condition that a schema should bear, without its time."""
    level = (schema.get("spec") or {}).get("priorityLevelConfiguration", {}).get("name", "")
    head = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    if exists:
        return {"type": "Dangling", "status": "False", "reason": "Found", "message": f"{head} and it exists"}
    message = f"{head} but there is no such object"
    return {"type": "Dangling", "status": "True", "reason": "NotFound", "message": message}


def due(schema: Obj, exists: bool) -> Obj | None:
    """The condition to write, or None where it stands already."""
    wanted = condition(schema, exists)
    for held in (schema.get("status") or {}).get("conditions") or ():
        if held.get("type") == "Dangling" and all(held.get(k) == v for k, v in wanted.items()):
            return None
    return wanted


class Follower:
    """Brings the condition of schemas up to date, of all at first and then of those that change."""

    def __init__(self, server: Server):
        self._server = server
        self._busy: set[str] = set()

    def start(self) -> None:
        """Follow from now on."""
        shelves = self._server.cache.shelves
        schemas, levels = shelves.get((GROUP, "flowschemas")), shelves.get((GROUP, "prioritylevelconfigurations"))
        if schemas is None or levels is None:
            return
        schemas.listeners.append(self._schema)
        levels.listeners.append(self._level)
        self._all()

    def _schema(self, change: Change) -> None:
        if not change.deleted:
            self._look(change.item.key)

    def _level(self, change: Change) -> None:
        if change.deleted or change.old is None:
            self._all()

    def _all(self) -> None:
        for name in list(self._server.cache.shelves[(GROUP, "flowschemas")].items):
            self._look(name)

    def _look(self, name: str) -> None:
        if name not in self._busy:
            self._busy.add(name)
            self._server.spawn(self._bring(name))

    async def _bring(self, name: str) -> None:
        try:
            while True:
                schema = self._server.cache.get(GROUP, "flowschemas", "", name)
                if schema is None:
                    return
                level = (schema.get("spec") or {}).get("priorityLevelConfiguration", {}).get("name", "")
                exists = self._server.cache.item(GROUP, "prioritylevelconfigurations", "", level) is not None
                wanted = due(schema, exists)
                if wanted is None:
                    return
                await self._write(name, schema, wanted)
        except StatusError:
            return  # it went, or somebody holds the field; the next change asks again
        finally:
            self._busy.discard(name)

    async def _write(self, name: str, schema: Obj, wanted: Obj) -> None:
        from kk.server.writes.patch import apply_object
        from kk.server.writes.write import Write

        view = self._server.views.get((GROUP, "v1", "flowschemas"))
        if view is None:
            return
        moment = times.format_time(times.SYSTEM.now())
        for held in (schema.get("status") or {}).get("conditions") or ():
            if held.get("type") == "Dangling" and held.get("status") == wanted["status"]:
                moment = held.get("lastTransitionTime") or moment
        write = Write.inside(self._server, view, "UPDATE", LOOPBACK, "", name, "status", MANAGER)
        write.options.force = True
        applied = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "FlowSchema",
            "metadata": {"name": name},
            "status": {"conditions": [{**wanted, "lastTransitionTime": moment}]},
        }
        await apply_object(write, applied)


def follow(server: Server) -> None:
    """Start following."""
    Follower(server).start()
