"""How a shim starts a program, and what it can ask of its descendants. Imports nothing else of kk (see shim.py)."""

import _signal as signal
import errno
import fcntl
import os
import sys

try:
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
except (ImportError, OSError, AttributeError):
    prctl = None


def reset_signals():
    """Before exec: what Python ignores goes back to its default."""
    for name in ("SIGPIPE", "SIGXFSZ", "SIGCHLD", "SIGHUP", "SIGTERM", "SIGINT"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def spawn(args, env, cwd, fds, tty, user=None, die_with_parent=False):
    """Start a program in a session of its own; returns (pid, ""), or (0, why it could not start).

    `fds` are its stdin, stdout and stderr (of a pty: thrice the same). `user` is (uid, gid, groups) or None.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become(args, env, cwd, fds, tty, user, die_with_parent)
        except OSError as error:
            os.write(writer, f"{error.errno} {error.filename or args[0]}".encode())
        except (ValueError, TypeError, OverflowError) as error:
            os.write(writer, f"0 {error}".encode())
        finally:
            os._exit(127)
    os.close(writer)
    why = b""
    while chunk := os.read(reader, 4096):
        why += chunk
    os.close(reader)
    if not why:
        return pid, ""
    os.waitpid(pid, 0)
    code, _, what = why.decode(errors="replace").partition(" ")
    if code == "0":
        return 0, what
    if what == cwd and what != args[0]:
        return 0, f'chdir to cwd ("{cwd}") set in config.json failed: {os.strerror(int(code)).lower()}'
    if int(code) == errno.ENOENT and "/" not in args[0]:
        return 0, f'exec: "{args[0]}": executable file not found in $PATH'
    verb = "stat" if int(code) == errno.ENOENT else "fork/exec"
    reason = os.strerror(int(code)).lower()
    return 0, f'exec: "{args[0]}": {verb} {args[0]}: {reason}' if "/" in args[0] else f'exec: "{args[0]}": {reason}'


def _become(args, env, cwd, fds, tty, user, die_with_parent):
    os.setsid()
    if prctl is not None and die_with_parent:
        prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG: no program outlives a shim that was killed
    fds = [os.dup(fd) if fd < 3 else fd for fd in fds]
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    if tty:
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(cwd)  # before the user changes: it may lie below folders that are the agent's alone
    if user:
        uid, gid, groups = user
        if os.geteuid() == 0:
            os.setgroups(groups)
        if gid >= 0 and gid != os.getegid():
            os.setgid(gid)
        if uid >= 0 and uid != os.geteuid():
            os.setuid(uid)
    os.umask(0o022)
    reset_signals()
    _execute(args, env)


def _execute(args, env):
    """As execvpe, but a file that was found and may not be run is told rather than the folder where nothing was."""
    if "/" in args[0]:
        os.execve(args[0], args, env)
    refused = None
    for folder in env.get("PATH", os.defpath).split(":"):
        try:
            os.execve(os.path.join(folder or ".", args[0]), args, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            refused = error
    raise OSError(refused.errno if refused else errno.ENOENT, "", args[0])


def exit_code(status):
    """(code, signal) of a wait status; a signal's code is 128 + its number, as a shell and containerd tell it."""
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status), os.WTERMSIG(status)
    return os.WEXITSTATUS(status), 0


def children():
    """Direct children of this process."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        pass
    found = []
    me = os.getpid()
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == me:
                found.append(int(name))
    return found


def kill(pid, number):
    """Signal one process that may be gone."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
