"""A real runtime in a temporary folder; whatever a test leaves running is stopped with it."""

import select
import threading

import pytest

from kk.agent.runtime.api import ContainerConfig
from kk.agent.runtime.host import HostRuntime, stop_all

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Changes:
    """Collects on_change calls; `wait(check)` blocks until a condition holds."""

    def __init__(self):
        self.uids = []
        self.condition = threading.Condition()

    def __call__(self, uid):
        with self.condition:
            self.uids.append(uid)
            self.condition.notify_all()

    def wait(self, check, timeout=20):
        with self.condition:
            assert self.condition.wait_for(check, timeout), "the condition did not come true"


@pytest.fixture
def root(tmp_path):
    yield tmp_path
    stop_all(tmp_path, 0)


@pytest.fixture
def changes():
    return Changes()


@pytest.fixture
def runtime(root, changes):
    made = HostRuntime(root)
    made.start(changes)
    yield made
    made.close()


def config(*args, name="main", attempt=0, env=None, **more):
    """A container's config with a usual environment."""
    return ContainerConfig(name, attempt, tuple(args), {"PATH": PATH, **(env or {})}, "/", "busybox", "id", **more)


def wait_for_output(runtime, container, text):
    """Blocks until the log holds `text`, woken by the shim."""
    feed = runtime.log_feed(container)
    with feed:
        while text not in container.log_path.read_text():
            assert select.select([feed], [], [], 20)[0], "no output came"
            assert feed.recv(4096), "the container ended without it"
