"""The shim: one small process beside each container; it owns the program's life so that the agent may die and come back.

Run as `python -I -S shim.py SPEC [FD]`, or forked from a warm single-threaded zygote (`python -I -S shim.py --zygote FD`).
It becomes a subreaper, starts the program in a session of its own, writes its output as a CRI log, serves a unix socket
(watch, stop, signal, exec, attach, resize, logs), and leaves the exit code in a file. When the program ends, everything that
descends from it ends too. It imports nothing of kk but its own parts (shim_log, shim_spawn), so that it stays small; it decides nothing about restarts.

Folder of a container: `spec.json` (read), `claimed` (whoever makes it decides: a shim starts, an agent gives up), `state.json` (pids, start), `sock`, `exit.json` (code, signal, finishedAt, error).
Frames on the socket: one type byte, four bytes of length (big endian), payload.
  to the shim:   R request (JSON, file descriptors beside it)   I input   C input ended
  from the shim: J answer or event (JSON)   O stdout   E stderr   L new log lines
"""

import _signal as signal
import _socket
import errno
import fcntl
import os
import select
import sys
import time
from json import dumps, loads

sys.path.insert(0, os.path.abspath(__file__).rsplit(os.sep, 4)[0])  # run with -I: the folder of kk is not on the path

from kk.agent.runtime.shim_log import Log
from kk.agent.runtime.shim_spawn import children, exit_code, kill, prctl, spawn

FRAME_LIMIT = 1 << 20
PENDING_LIMIT = 8 << 20  # an attached reader that is this far behind is dropped: it must not hold up the program
BACKLOG_LIMIT = 16 << 10  # output before the first attach that it still gets to see (a prompt, mostly)
SHIM_FD_LIMIT = 16


def frame(kind, payload=b""):
    """One frame: kind is a single byte."""
    return kind + len(payload).to_bytes(4, "big") + payload


def write_file(path, value):
    """JSON into a file, all or nothing, readable by its owner alone."""
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, dumps(value).encode())
    finally:
        os.close(fd)
    os.rename(path + ".new", path)


def read_file(path):
    """JSON of a file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        chunks = []
        while chunk := os.read(fd, 65536):
            chunks.append(chunk)
    finally:
        os.close(fd)
    return loads(b"".join(chunks))


class Connection:
    """One client on the socket; what it is for is told by its first request."""

    def __init__(self, sock):
        self.sock, self.fd = sock, sock.fileno()
        self.inbox, self.outbox, self.fds = b"", b"", []
        self.watching = self.logs = self.stdin = False
        self.streams: frozenset[str] = frozenset()
        self.exec_pid = 0
        self.kill_on_close = False

    def receive(self):
        """Frames that have arrived, or None when the client is gone."""
        size = _socket.CMSG_SPACE(4 * SHIM_FD_LIMIT)
        try:
            data, ancillary, _, _ = self.sock.recvmsg(65536, size)
        except BlockingIOError:
            return []
        except OSError:
            return None
        for level, kind, payload in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                for at in range(0, len(payload) - len(payload) % 4, 4):
                    fd = int.from_bytes(payload[at : at + 4], sys.byteorder)
                    os.set_inheritable(fd, False)
                    self.fds.append(fd)
        if not data:
            return None
        self.inbox += data
        frames = []
        while len(self.inbox) >= 5:
            end = 5 + int.from_bytes(self.inbox[1:5], "big")
            if end > FRAME_LIMIT:
                return None
            if len(self.inbox) < end:
                break
            frames.append((self.inbox[:1], self.inbox[5:end]))
            self.inbox = self.inbox[end:]
        return frames

    def flush(self):
        """Send what is waiting; False when the client is gone or too far behind."""
        while self.outbox:
            try:
                sent = self.sock.send(self.outbox)
            except BlockingIOError:
                return len(self.outbox) < PENDING_LIMIT
            except OSError:
                return False
            self.outbox = self.outbox[sent:]
        return True

    def take_fds(self):
        taken, self.fds = self.fds, []
        return taken


class Shim:
    """The loop: one poll over the program's output, the clients and the deaths of children."""

    def __init__(self, spec, listener):
        self.spec, self.listener = spec, listener
        self.log = Log(spec["log"], spec.get("logMaxSize", 10 << 20), spec.get("logMaxFiles", 5))
        self.connections = {}
        self.outputs = {}  # fd → stream name
        self.input = -1  # where the program's stdin is written
        self.input_buffer = b""
        self.input_ended = False
        self.master = -1
        self.pid = 0
        self.status = None
        self.deadline = None
        self.backlog: list | None = [] if spec.get("stdin") else None
        self.backlog_size = 0
        self.poll = select.poll()
        self.wake_r, self.wake_w = os.pipe()
        os.set_blocking(self.wake_r, False)
        os.set_blocking(self.wake_w, False)

    # starting

    def start(self):
        """Start the program; returns why it could not, or ""."""
        spec = self.spec
        tty = bool(spec.get("tty"))
        if tty:
            self.master, slave = os.openpty()
            fds, close = [slave] * 3, [slave]
            self.outputs[self.master] = "stdout"
            self.input = os.dup(self.master) if spec.get("stdin") else -1
        else:
            out_r, out_w = os.pipe()
            err_r, err_w = os.pipe()
            self.outputs = {out_r: "stdout", err_r: "stderr"}
            if spec.get("stdin"):
                in_r, self.input = os.pipe()
            else:
                in_r = os.open("/dev/null", os.O_RDONLY)
            fds, close = [in_r, out_w, err_w], [in_r, out_w, err_w]
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_w, warn_on_full_buffer=False)
        user = spec.get("user")
        self.pid, why = spawn(spec["args"], spec["env"], spec["cwd"], fds, tty, user, die_with_parent=True)
        for fd in close:
            os.close(fd)
        if self.input >= 0:
            os.set_blocking(self.input, False)
        for fd in (*self.outputs, self.wake_r, self.listener.fileno()):
            self.poll.register(fd, select.POLLIN)
        return why

    # the loop

    def run(self):
        """Until the program has ended and all that descends from it is gone."""
        while self.status is None:
            for fd, event in self.poll.poll(self.wait_ms()):
                self.handle(fd, event)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.deadline = None
                self.kill_tree()
        self.finish()

    def wait_ms(self):
        if self.deadline is None:
            return None
        return max(0, int((self.deadline - time.monotonic()) * 1000) + 1)

    def handle(self, fd, event):
        if fd == self.wake_r:
            self.drain_wakeups()
            self.reap()
        elif fd == self.listener.fileno():
            self.accept()
        elif fd in self.outputs:
            self.read_output(fd)
        elif fd == self.input:
            self.write_input()
        elif connection := self.connections.get(fd):
            if event & select.POLLOUT and not connection.flush():
                self.drop(connection)
                return
            if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self.serve(connection)
            if fd in self.connections:
                self.interest(connection)

    def drain_wakeups(self):
        try:
            while os.read(self.wake_r, 512):
                pass
        except BlockingIOError:
            pass

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.status = status
            for connection in list(self.connections.values()):
                if connection.exec_pid == pid:
                    connection.exec_pid = 0
                    code, number = exit_code(status)
                    self.send(connection, frame(b"J", dumps({"exit": code, "signal": number}).encode()))

    def read_output(self, fd):
        try:
            data = os.read(fd, 65536)
        except OSError as error:  # the other end of a pty is closed
            if error.errno != errno.EIO:
                raise
            data = b""
        stream = self.outputs[fd]
        if data:
            self.publish(stream, data)
        else:
            self.poll.unregister(fd)
            del self.outputs[fd]
            if fd != self.master:
                os.close(fd)
            self.publish(stream, b"", final=True)
        return data

    def publish(self, stream, data, final=False):
        logged = self.log.feed(stream, data, final)
        kind = b"O" if stream == "stdout" else b"E"
        for connection in list(self.connections.values()):
            if data and stream in connection.streams:
                self.send(connection, frame(kind, data))
            elif logged and connection.logs and not connection.outbox:
                self.send(connection, frame(b"L"))
        if data and self.backlog is not None and self.backlog_size < BACKLOG_LIMIT:
            self.backlog.append((stream, kind, data))
            self.backlog_size += len(data)

    # clients

    def accept(self):
        try:
            fd, _ = self.listener._accept()
        except OSError:
            return
        sock = _socket.socket(fileno=fd)
        sock.setblocking(False)
        connection = Connection(sock)
        self.connections[connection.fd] = connection
        self.poll.register(connection.fd, select.POLLIN)

    def interest(self, connection):
        self.poll.modify(connection.fd, select.POLLIN | (select.POLLOUT if connection.outbox else 0))

    def send(self, connection, data):
        connection.outbox += data
        if not connection.flush():
            self.drop(connection)
        elif connection.outbox:
            self.interest(connection)

    def drop(self, connection):
        if self.connections.pop(connection.fd, None) is None:
            return
        self.poll.unregister(connection.fd)
        connection.sock.close()
        for fd in connection.take_fds():
            os.close(fd)
        if connection.exec_pid and connection.kill_on_close:
            kill(-connection.exec_pid, signal.SIGKILL)
        if connection.stdin and self.spec.get("stdinOnce"):
            self.end_input()

    def serve(self, connection):
        frames = connection.receive()
        if frames is None:
            self.drop(connection)
            return
        for kind, payload in frames:
            if kind == b"I" and connection.stdin:
                self.input_buffer += payload
                self.write_input()
            elif kind == b"C" and connection.stdin:
                connection.stdin = False
                if self.spec.get("stdinOnce"):
                    self.end_input()
            elif kind == b"R":
                self.answer(connection, payload)

    def answer(self, connection, payload):
        """One request; a fault in it is the client's and must not end the program."""
        request = {}
        try:
            request = loads(payload)
            answer = getattr(self, "on_" + request["op"])(connection, request)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.send(connection, frame(b"J", dumps(answer).encode()))
        if request and request.get("op") == "attach":
            self.replay(connection)

    def write_input(self):
        """What waits for the program's stdin; a full pipe is waited for by poll."""
        if self.input < 0:
            self.input_buffer = b""
            return
        try:
            while self.input_buffer:
                written = os.write(self.input, self.input_buffer)
                self.input_buffer = self.input_buffer[written:]
        except BlockingIOError:
            self.poll.register(self.input, select.POLLOUT)
            return
        except OSError:
            self.input_buffer, self.input_ended = b"", True
        try:
            self.poll.unregister(self.input)
        except KeyError:
            pass
        if self.input_ended:
            self.close_input()

    def end_input(self):
        self.input_ended = True
        self.write_input()

    def close_input(self):
        if self.input < 0:
            return
        if self.master >= 0:
            try:
                os.write(self.input, b"\x04")  # a terminal's end of input
            except OSError:
                pass
        os.close(self.input)
        self.input = -1

    # requests

    def on_watch(self, connection, request):
        connection.watching = True
        return {"pid": self.pid, "shim": os.getpid()}

    def on_logs(self, connection, request):
        connection.logs = True
        return {}

    def on_signal(self, connection, request):
        kill(self.pid, request["signal"])
        return {}

    def on_stop(self, connection, request):
        """The stop signal now, everything killed after `grace` seconds; an earlier deadline stands."""
        connection.watching = True
        deadline = time.monotonic() + request["grace"]
        if self.deadline is None or deadline < self.deadline:
            self.deadline = deadline
        if request["grace"] > 0:
            kill(self.pid, request.get("signal", signal.SIGTERM))
            kill(self.pid, signal.SIGCONT)
        return {}

    def on_exec(self, connection, request):
        fds = connection.take_fds()
        tty = bool(request.get("tty"))
        handed = [fds[0]] * 3 if tty else fds[:3]
        env = request.get("env") or self.spec["env"]
        cwd = request.get("cwd") or self.spec["cwd"]
        pid, why = spawn(request["args"], env, cwd, handed, tty, self.spec.get("user"))
        for fd in fds:
            os.close(fd)
        if why:
            return {"error": why}
        connection.exec_pid, connection.kill_on_close = pid, bool(request.get("killOnClose"))
        return {"pid": pid}

    def on_attach(self, connection, request):
        connection.streams = frozenset(s for s in ("stdout", "stderr") if request.get(s))
        connection.stdin = bool(request.get("stdin")) and self.input >= 0
        return {"tty": self.master >= 0}

    def replay(self, connection):
        if self.backlog:
            for stream, kind, data in self.backlog:
                if stream in connection.streams:
                    self.send(connection, frame(kind, data))
        self.backlog = None

    def on_resize(self, connection, request):
        if self.master >= 0:
            import termios

            size = request["height"].to_bytes(2, sys.byteorder) + request["width"].to_bytes(2, sys.byteorder)
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size + bytes(4))
        return {}

    # the end

    def kill_tree(self):
        for pid in children():
            kill(pid, signal.SIGKILL)
        kill(self.pid, signal.SIGKILL)

    def finish(self):
        """End all descendants (each is ours once its parent is gone), read the rest of the output, tell how it ended."""
        finished = time.time_ns()
        while True:
            for pid in children():
                kill(pid, signal.SIGKILL)
            if not os.path.exists("/proc/self"):
                kill(-self.pid, signal.SIGKILL)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
        for fd in list(self.outputs):
            os.set_blocking(fd, False)
            try:
                while fd in self.outputs and self.read_output(fd):
                    pass
            except BlockingIOError:  # a descriptor that was handed to a stranger is still open
                self.publish(self.outputs[fd], b"", final=True)
        code, number = exit_code(self.status)
        end = {"code": code, "signal": number, "finishedAt": finished}
        write_file("exit.json", end)
        for connection in list(self.connections.values()):
            connection.sock.settimeout(5)
            if connection.watching:
                connection.outbox += frame(b"J", dumps({"exited": end}).encode())
            connection.flush()


def listen(path):
    """A listening unix socket in the current folder (a relative path: the absolute one may be too long)."""
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(16)
    listener.setblocking(False)
    return listener


def run(spec_path, report):
    """The life of one shim; `report` gets one JSON line when the program runs or could not start."""
    os.setsid()
    os.umask(0o077)
    if prctl is not None:
        prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        prctl(15, b"kk-shim", 0, 0, 0)  # PR_SET_NAME
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    os.chdir(os.path.dirname(os.path.abspath(spec_path)))
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):  # meant for a foreground agent, not for its pods
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    spec = read_file("spec.json")
    shim = Shim(spec, listen("sock"))
    try:  # an agent that came back before us may have given this start up
        os.close(os.open("claimed", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    started = time.time_ns()
    why = shim.start()
    if why:
        write_file("exit.json", {"code": 128, "signal": 0, "finishedAt": time.time_ns(), "error": why})
        os.write(report, dumps({"error": why}).encode() + b"\n")
        return
    write_file("state.json", {"shim": os.getpid(), "pid": shim.pid, "startedAt": started})
    os.write(report, dumps({"shim": os.getpid(), "pid": shim.pid, "startedAt": started}).encode() + b"\n")
    os.close(report)
    shim.run()
    os.unlink("sock")


def zygote(fd):
    """Fork a shim for every message (the path of a spec, with the descriptor to report to); ends with the agent."""
    import gc

    control = _socket.socket(fileno=fd)
    os.set_inheritable(fd, False)
    os.setsid()
    os.chdir("/")
    if prctl is not None:
        prctl(15, b"kk-zygote", 0, 0, 0)
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # shims are nobody's children to wait for
    gc.disable()
    gc.freeze()
    while True:
        size, ancillary, _, _ = control.recvmsg(2, _socket.CMSG_SPACE(4))
        if not size:
            return
        length = int.from_bytes(size, "big")
        data = control.recv(length, _socket.MSG_WAITALL)
        report = int.from_bytes(ancillary[0][2][:4], sys.byteorder)
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.set_inheritable(report, False)
            finish(run, data.decode(), report)
        os.close(report)


def finish(function, *args):
    """Run to the end and leave without Python's own tear-down; a fault is told in a file beside the spec."""
    code = 0
    try:
        function(*args)
    except BaseException as error:
        code = 1
        fault = f"{type(error).__name__}: {error} (line {getattr(error.__traceback__, 'tb_lineno', 0)})\n"
        fd = os.open("shim.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(fd, fault.encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    if sys.argv[1] == "--zygote":
        finish(zygote, int(sys.argv[2]))
    else:
        finish(run, sys.argv[1], int(sys.argv[2]))
