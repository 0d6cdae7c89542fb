"""Runtime level `host`: a container is a plain process under a shim, a sandbox is a folder and a loopback address.

No isolation: programs see the host's files, network and processes. What it keeps is life: start, stop, exit codes, logs, exec, attach.
Everything is on disk below `<root>/pods/<uid>/`, so that a new agent finds its pods again:
  sandbox.json · containers/<name>/<attempt>/{container,spec,state,exit}.json, sock, log · volumes/ (kk.agent.volumes)
"""

import json
import os
import secrets
import selectors
import shutil
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kk.agent.runtime.addresses import Addresses
from kk.agent.runtime.api import Container, ContainerConfig, RuntimeFault, Sandbox
from kk.agent.runtime.shim_client import Channel, ShimGone, ShimProcess, ShimStream, Zygote, connect, tell

#: in every container's environment: finds what is left of a container whose shim was killed
MARK = "KK_CONTAINER_ID"


def write_json(path: Path, value: Any) -> None:
    """All or nothing, for the owner alone."""
    temporary = path.with_name(path.name + ".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(value, file)
    os.replace(temporary, path)


def read_json(path: Path) -> "dict[str, Any] | None":
    """The object of a file, None when there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    except (FileNotFoundError, ValueError):
        return None


def load(folder: Path, uid: str) -> Container | None:
    """A container from its folder; running means: it was when its files were written."""
    kept = read_json(folder / "container.json")
    if kept is None:
        return None
    config = dict(kept["config"])
    config["args"] = tuple(config["args"])
    config["mounts"] = tuple((a, b) for a, b in config["mounts"])
    container = Container(kept["id"], uid, ContainerConfig(**config), folder, kept["createdAt"])
    if state := read_json(folder / "state.json"):
        container.state, container.pid = "running", state["pid"]
        container.started_at = state["startedAt"] / 1e9
    read_end(container)
    return container


def read_end(container: Container) -> bool:
    """Take over how it ended, if it has."""
    end = read_json(container.path / "exit.json")
    if end is None:
        return False
    container.exit_code, container.signal = end["code"], end.get("signal", 0)
    container.finished_at = end["finishedAt"] / 1e9
    container.reason = end.get("reason", "")
    if error := end.get("error"):
        container.reason, container.message = "StartError", start_error(error)
    container.state = "exited"
    return True


def settle(container: Container) -> bool:
    """Whether a container that was being started when the agent died was, or is, started; if not, it never will be."""
    if container.state != "created":
        return True
    try:
        os.close(os.open(container.path / "claimed", os.O_CREAT | os.O_EXCL, 0o600))
        (container.path / "container.json").unlink(missing_ok=True)  # there never was such an attempt
        return False
    except OSError:
        pass
    try:  # its shim answers once the program runs
        container.pid = tell(container.path, "watch")["pid"]
    except ShimGone:
        pass
    container.state = "running"
    if state := read_json(container.path / "state.json"):
        container.started_at = state["startedAt"] / 1e9
    read_end(container)
    return True


def start_error(why: str) -> str:
    """A program that could not start, worded as containerd and runc do: tools look for these words."""
    return f"failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: {why}: unknown"


def sweep(ids: "set[str]") -> int:
    """Kill every process that carries the mark of one of these containers, again until there is none; how many there were."""
    import psutil

    killed = 0
    while found := _marked(ids):
        for process in found:
            try:
                process.kill()
                killed += 1
            except psutil.Error:
                continue
        if psutil.wait_procs(found, timeout=5)[1]:
            break  # not even SIGKILL ends them now: they hang in the kernel
    return killed


def _marked(ids: "set[str]") -> list[Any]:
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) in ids and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


class HostRuntime:
    """See the module; the protocol is kk.agent.runtime.api.Runtime."""

    level = "host"
    reason = "HostProcesses"

    def __init__(self, root: Path):
        self.root = root
        self.pods = root / "pods"
        self.pods.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._addresses = Addresses(root)
        self._zygote = Zygote()
        self._lock = threading.RLock()
        self._sandboxes: dict[str, Sandbox] = {}
        self._containers: dict[str, list[Container]] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._lost: set[str] = set()
        self._on_change: Callable[[str], None] = lambda uid: None

    # life of the runtime

    def start(self, on_change: Callable[[str], None]) -> None:
        """Find pods that run already, then watch for ends in a thread."""
        self._addresses.open()
        self._on_change = on_change
        self._selector.register(self._wake_r, selectors.EVENT_READ, None)
        for folder in sorted(self.pods.iterdir()):
            self._recover(folder)
        if self._lost:
            sweep(self._lost)  # what is left of containers whose shims were killed meanwhile
        self._zygote.start()
        self._thread = threading.Thread(target=self._watch_ends, name="ends", daemon=True)
        self._thread.start()

    def _recover(self, folder: Path) -> None:
        uid = folder.name
        kept = read_json(folder / "sandbox.json")
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
            return
        ip = kept["ip"]
        if self._addresses.block and not ip.startswith(self._addresses.block + "."):
            ip = self._addresses.assign(uid)
        self._addresses.taken[uid] = ip
        self._sandboxes[uid] = Sandbox(uid, ip, folder, kept["createdAt"])
        found = [load(path, uid) for path in (folder / "containers").glob("*/*")]
        containers = sorted((c for c in found if c and settle(c)), key=lambda c: (c.config.name, c.config.attempt))
        self._containers[uid] = containers
        for container in containers:
            if container.state == "running":
                self._watch(container)

    def close(self) -> None:
        """Stop watching; containers go on."""
        self._closing = True
        self._wake_w.send(b".")
        if self._thread is not None:
            self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self._wake_w.close()
        self._zygote.close()
        self._addresses.close()

    # ends of containers

    def _watch(self, container: Container) -> None:
        """Have the end of a running container told; it may be gone already."""
        try:
            channel = Channel(container.path)
            channel.send(b"R", b'{"op":"watch"}')
        except ShimGone:
            self._ended(container)
            return
        with self._lock:
            self._selector.register(channel.sock, selectors.EVENT_READ, container)
        if threading.current_thread() is not self._thread and self._thread is not None:
            self._wake_w.send(b".")  # a selector that waits may not see a new registration everywhere

    def _watch_ends(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if key.data is None:
                    sock.recv(4096)
                    continue
                try:
                    data = sock.recv(65536)
                except OSError:
                    data = b""
                if not data:  # what it sends before is for people; the files are the truth
                    with self._lock:
                        self._selector.unregister(sock)
                    sock.close()
                    self._ended(key.data)
                    self._on_change(key.data.pod_uid)

    def _ended(self, container: Container) -> None:
        if not read_end(container):
            # killed shim, or a machine that went down: the program died with it, nobody saw how
            if self._thread is None:
                self._lost.add(container.id)
            else:
                sweep({container.id})
            end = {"code": 255, "signal": 0, "finishedAt": time.time_ns(), "reason": "Unknown"}
            if container.path.exists():
                write_json(container.path / "exit.json", end)
                read_end(container)

    # sandboxes

    def run_sandbox(self, uid: str, name: str, namespace: str) -> Sandbox:
        """The pod's folder and address."""
        with self._lock:
            if uid in self._sandboxes:
                return self._sandboxes[uid]
            path = self.pods / uid
            (path / "containers").mkdir(parents=True, exist_ok=True, mode=0o700)
            sandbox = Sandbox(uid, self._addresses.assign(uid), path, time.time())
            kept = {"ip": sandbox.ip, "name": name, "namespace": namespace, "createdAt": sandbox.created_at}
            write_json(path / "sandbox.json", kept)
            self._sandboxes[uid] = sandbox
            self._containers[uid] = []
            return sandbox

    def sandboxes(self) -> dict[str, Sandbox]:
        """All of them by pod uid."""
        with self._lock:
            return dict(self._sandboxes)

    def remove_sandbox(self, uid: str) -> None:
        """Kill what is left, remove the folder, free the address."""
        for container in self.containers(uid):
            if container.state == "running":
                self.stop(container, 0)
        with self._lock:
            self._sandboxes.pop(uid, None)
            self._containers.pop(uid, None)
        shutil.rmtree(self.pods / uid, ignore_errors=True)
        self._addresses.release(uid)

    # containers

    def containers(self, uid: str) -> list[Container]:
        """The pod's containers by name, oldest attempt first."""
        with self._lock:
            return list(self._containers.get(uid, ()))

    def create(self, uid: str, config: ContainerConfig) -> Container:
        """Write the container's folder."""
        path = self.pods / uid / "containers" / config.name / str(config.attempt)
        container = Container(secrets.token_hex(32), uid, config, path, time.time())
        try:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True, mode=0o700)
            write_json(path / "spec.json", self._spec(container))
            kept = {"id": container.id, "createdAt": container.created_at, "config": asdict(config)}
            write_json(path / "container.json", kept)
        except OSError as error:
            raise RuntimeFault("CreateContainerError", str(error)) from None
        with self._lock:
            self._containers.setdefault(uid, []).append(container)
        return container

    def _spec(self, container: Container) -> dict[str, Any]:
        config = container.config
        return {
            "args": config.args,
            "env": {**config.env, MARK: container.id},
            "cwd": config.cwd,
            "tty": config.tty,
            "stdin": config.stdin,
            "stdinOnce": config.stdin_once,
            "user": config.user,
            "log": str(container.log_path),
        }

    def launch(self, container: Container) -> None:
        """Start it through the zygote; RuntimeFault RunContainerError when the program cannot run."""
        report = self._zygote.fork(container.path / "spec.json")
        if "error" in report:
            if not read_end(container):
                container.state, container.reason, container.exit_code = "exited", "StartError", 128
                container.finished_at, container.message = time.time(), start_error(report["error"])
            raise RuntimeFault("RunContainerError", container.message)
        container.pid, container.started_at = report["pid"], report["startedAt"] / 1e9
        container.state = "running"
        self._watch(container)

    def stop(self, container: Container, grace: float) -> None:
        """Ask the shim; it keeps the deadline even if the agent dies meanwhile."""
        try:
            tell(container.path, "stop", grace=grace, signal=container.config.stop_signal)
        except ShimGone:
            pass

    def remove(self, container: Container) -> None:
        """Forget an ended container and its logs."""
        with self._lock:
            known = self._containers.get(container.pod_uid, [])
            if container in known:
                known.remove(container)
        shutil.rmtree(container.path, ignore_errors=True)

    # into a container

    def exec(
        self,
        container: Container,
        args: list[str],
        fds: list[int],
        tty: bool = False,
        kill_on_close: bool = False,
    ) -> ShimProcess:
        """Have the shim start a program beside the container's own."""
        try:
            channel = Channel(container.path)
        except ShimGone:
            raise RuntimeFault("ContainerNotRunning", f"container {container.config.name} is not running") from None
        env = {**container.config.env, MARK: container.id}
        if tty:
            env.setdefault("TERM", "xterm")
        answer = channel.request("exec", fds, args=args, env=env, tty=tty, killOnClose=kill_on_close)
        if "error" in answer:
            channel.close()
            raise RuntimeFault("ExecError", f"OCI runtime exec failed: exec failed: {answer['error']}: unknown")
        return ShimProcess(channel)

    def attach(self, container: Container, stdin: bool, stdout: bool, stderr: bool) -> ShimStream:
        """The container's own streams."""
        try:
            channel = Channel(container.path)
            answer = channel.request("attach", stdin=stdin, stdout=stdout, stderr=stderr)
        except ShimGone:
            raise RuntimeFault("ContainerNotRunning", f"container {container.config.name} is not running") from None
        return ShimStream(channel, answer["tty"])

    def log_feed(self, container: Container) -> "socket.socket | None":
        """Readable when the log has grown, at its end when the container has ended."""
        try:
            sock = connect(container.path)
            request = b'{"op":"logs"}'
            sock.sendall(b"R" + len(request).to_bytes(4, "big") + request)
        except OSError:
            return None
        return sock


def stop_all(root: Path, grace: float, clock: Callable[[], float] = time.monotonic) -> int:
    """Stop every container below an agent's folder, without an agent; returns how many ran. Nothing of them is left afterwards.

    All get the stop signal at once; after `grace` seconds (a container's own grace period, if that is shorter) they are killed.
    """
    found = [load(path, path.parents[2].name) for path in (root / "pods").glob("*/containers/*/*")]
    running = [c for c in found if c and settle(c) and c.state == "running"]
    shims = [shim for c in running if (shim := _shim(c)) is not None]
    deadline = clock() + grace + 5
    for channel in [_ask_to_stop(c, grace) for c in running]:
        if channel is None:
            continue
        try:
            channel.sock.settimeout(max(0.1, deadline - clock()))
            while channel.receive():
                pass
        except TimeoutError:
            pass
        channel.close()
    left = [c for c in running if not read_end(c)]
    for container in left:
        if shim := _shim(container):
            shim.kill()
    if left:
        sweep({c.id for c in left})
    _await_end(shims, clock() + 5, clock)  # they have said goodbye; now they are gone
    return len(running)


def _await_end(processes: list[Any], deadline: float, clock: Callable[[], float]) -> None:
    """Wait until processes have ended. Not until they are reaped, which is for whoever adopted them and may take that one a second."""
    if not hasattr(os, "pidfd_open"):
        import psutil

        psutil.wait_procs(processes, timeout=max(0.0, deadline - clock()))
        return
    for process in processes:
        try:
            handle = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(handle, selectors.EVENT_READ)
                selector.select(max(0.0, deadline - clock()))
        finally:
            os.close(handle)


def _ask_to_stop(container: Container, grace: float) -> Channel | None:
    own = float(container.config.notes.get("grace", grace))
    try:
        channel = Channel(container.path)
        channel.request("stop", grace=max(0.0, min(grace, own)), signal=container.config.stop_signal)
        return channel
    except ShimGone:
        return None


def _shim(container: Container) -> Any:
    """The shim's process (psutil), None when its pid is no longer one of ours."""
    import psutil

    state = read_json(container.path / "state.json")
    try:
        process = psutil.Process(state["shim"] if state else -1)
        return process if "shim.py" in " ".join(process.cmdline()) else None
    except (psutil.Error, ValueError):
        return None
