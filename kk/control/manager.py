"""Runs controllers: informers shared by all, one queue, a handful of workers; idle, all of them sleep.

The queue's keys are (controller, key), so that one key of one controller is worked on once at a time, whoever has a free hand.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from kk.base.errors import StatusError
from kk.base.times import SYSTEM, Clock
from kk.client.discovery import Discovery
from kk.client.events import Recorder
from kk.client.http import Client
from kk.client.informer import Informer, InformerFactory
from kk.client.transport import Unreachable
from kk.client.workqueue import WorkQueue

from .controller import Controller, Watch

log = logging.getLogger(__name__)

Obj = dict[str, Any]
WORKERS = 8


@dataclass
class Context:
    """What a reconcile works with.

    state     the controller's own memory, made by its setup(); lost at a restart, and no decision may need more than the cluster has
    enqueue   wakes this controller for a key, after some seconds
    """

    name: str
    client: Client
    factory: InformerFactory
    recorder: Recorder
    discovery: Discovery
    pool: ThreadPoolExecutor
    enqueue: Callable[..., None]
    clock: Clock = SYSTEM
    options: Any = None
    component: str = ""
    state: dict[str, Any] = field(default_factory=dict)

    def informer(self, api_version: str, plural: str) -> Informer:
        """The shared informer of a resource."""
        return self.factory.informer(api_version, plural)

    def event(self, obj: Obj, type: str, reason: str, message: str) -> None:
        """Tell an event as this controller."""
        self.recorder.event(obj, type, reason, message, component=self.component)

    def resource(self, api_version: str, plural: str, namespace: str | None = None) -> Any:
        """Requests to a resource."""
        return self.client.resource(api_version, plural, namespace)

    def parallel(self, calls: Sequence[Callable[[], Any]]) -> list[Exception | None]:
        """Make some requests at once: for each, the StatusError or Unreachable it ended with, or None."""
        if len(calls) == 1:
            return [_caught(calls[0])]
        return list(self.pool.map(_caught, calls))


def _caught(call: Callable[[], Any]) -> Exception | None:
    try:
        call()
    except (StatusError, Unreachable) as error:
        return error
    return None


class Manager:
    """Some controllers on one client; start(), then stop() from any thread."""

    def __init__(
        self,
        client: Client,
        controllers: Iterable[Controller],
        factory: InformerFactory | None = None,
        options: Any = None,
        clock: Clock = SYSTEM,
        workers: int = WORKERS,
    ):
        self.client = client
        self.factory = factory or InformerFactory(client)
        self._own_factory = factory is None
        self.queue = WorkQueue()
        self.recorder = Recorder(client, "kube-controller-manager")
        self._pool = ThreadPoolExecutor(16, "control-requests")
        self._workers = workers
        self._threads: list[threading.Thread] = []
        discovery = Discovery(client, cache_dir=None)
        self._runs: dict[str, tuple[Controller, Context]] = {}
        for controller in controllers:
            ctx = Context(
                controller.name,
                client,
                self.factory,
                self.recorder,
                discovery,
                self._pool,
                self._enqueuer(controller.name),
                clock,
                options,
                controller.component or controller.name,
            )
            self._runs[controller.name] = (controller, ctx)
        for controller, ctx in self._runs.values():
            self._watch(controller, ctx)

    def context(self, name: str) -> Context:
        """The context of a controller."""
        return self._runs[name][1]

    def _enqueuer(self, name: str) -> Callable[..., None]:
        def enqueue(key: Any, after: float = 0.0) -> None:
            self.queue.add_after((name, key), after)

        return enqueue

    def _watch(self, controller: Controller, ctx: Context) -> None:
        informers = [ctx.informer(w.api_version, w.plural) for w in controller.watches]
        if controller.setup is not None:
            controller.setup(ctx)
        for watch, informer in zip(controller.watches, informers, strict=True):
            informer.add_handler(self._handler(watch, ctx))

    @staticmethod
    def _handler(watch: Watch, ctx: Context) -> Callable[[str, Obj, Obj | None], None]:
        def handle(event: str, obj: Obj, old: Obj | None) -> None:
            for key in watch.keys(ctx, event, obj, old):
                ctx.enqueue(key)

        return handle

    def start(self) -> None:
        """Begin to watch; workers begin when everything is synced. Returns at once."""
        if self._own_factory:
            self.factory.start()
        thread = threading.Thread(target=self._begin, name="control-start", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _begin(self) -> None:
        needed = {
            id(i): i
            for c, ctx in self._runs.values()
            for i in (ctx.informer(w.api_version, w.plural) for w in c.watches)
        }
        if not all(informer.wait_synced() for informer in needed.values()):
            return  # stopped before it began
        for controller, ctx in self._runs.values():
            if controller.started is not None:
                controller.started(ctx)
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, name=f"control-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (item := self.queue.get()) is not None:
            name, key = item
            controller, ctx = self._runs[name]
            try:
                again = controller.reconcile(ctx, key)
            except (StatusError, Unreachable) as error:
                self._retry(item, error)
            except Exception:  # a fault in one reconcile must not end the worker of all others
                log.exception("%s failed on %s", name, key)
                self.queue.add_rate_limited(item)
            else:
                self.queue.forget(item)
                if again is not None:
                    self.queue.add_after(item, again)
            finally:
                self.queue.done(item)

    def _retry(self, item: Any, error: Exception) -> None:
        quiet = isinstance(error, StatusError) and error.code in (404, 409)
        log.log(logging.DEBUG if quiet else logging.WARNING, "%s on %s: %s", *item, error)
        self.queue.add_rate_limited(item)

    def stop(self) -> None:
        """End the workers and, where it is ours, the informers."""
        self.queue.shutdown()
        if self._own_factory:
            self.factory.stop()
        self.recorder.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(5)
