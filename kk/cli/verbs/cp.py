"""`kk cp`: files and folders to and from containers, as a tar stream through exec; the container needs tar.

What comes from a container is not trusted: nothing is written outside of the target, links are left out.
"""

from __future__ import annotations

import os
import posixpath
import tarfile
import threading

from .. import pods
from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError
from ..resources import Item
from ..streams import Session, Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def place(text: str) -> tuple[str, str, str]:
    """(namespace, pod, path) of [[namespace/]pod:]path; pod is "" for a path here.

    Raises CommandError.
    """
    head, colon, path = text.partition(":")
    if not colon or head in (".", "..") or head.startswith(("/", "./", "../")):
        return "", "", text
    if not path or not head:
        raise CommandError("filespec must match the canonical format: [[namespace/]pod:]file/path")
    namespace, slash, pod = head.rpartition("/")
    if "/" in namespace or not pod or (slash and not namespace):
        raise CommandError("filespec must match the canonical format: [[namespace/]pod:]file/path")
    return namespace, pod, path


def run(env: Env, options: Options) -> None:
    """Copy."""
    if len(options.args) != 2:
        raise CommandError("source and destination are required")
    source, target = place(options.args[0]), place(options.args[1])
    if source[1] and target[1]:
        raise CommandError("one of src or dest must be a local file specification")
    if not source[1] and not target[1]:
        raise CommandError("one of src or dest must be a remote file specification")
    if not source[2] or not target[2]:
        raise CommandError("filepath can not be empty")
    if source[1]:
        _fetch(env, options, source, target[2])
    else:
        _send(env, options, source[2], target)


def _session(
    env: Env, options: Options, where: tuple[str, str, str], command: list[str], numbers: tuple[int, int]
) -> Session:
    namespace = where[0] or env.namespace
    pod = Item(env.find("pods"), namespace, where[1]).fetch(env)
    name = pods.container(env, pod, options.container)
    stdin, stdout = numbers
    query: dict[str, Any] = {"container": name, "command": command, "stdout": True, "stderr": True}
    if stdin >= 0:
        query["stdin"] = True
    return Session(env, pods.path_of(pod, "exec"), query, Wanted(stdin >= 0, False, numbers=(stdin, stdout, 2)))


def _send(env: Env, options: Options, source: str, target: tuple[str, str, str]) -> None:
    """From here into the container."""
    if not os.path.lexists(source):
        raise CommandError(f"{source} doesn't exist in local filesystem")
    path = posixpath.normpath(target[2])
    folder, name = posixpath.split(path)
    if target[2].endswith("/") or path in (".", "/"):
        folder, name = path, os.path.basename(os.path.normpath(source))
    command = (
        ["tar", "-xmf", "-"]
        if not options.no_preserve
        else ["tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"]
    )
    if folder:
        command += ["-C", folder]
    reading, writing = os.pipe()
    session = _session(env, options, target, command, (reading, 1))
    threading.Thread(target=_pack, args=(source, name, writing), daemon=True).start()
    try:
        session.run()
    finally:
        os.close(reading)


def _pack(source: str, name: str, number: int) -> None:
    try:
        with os.fdopen(number, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as archive:
            archive.add(source, arcname=name)
    except (OSError, tarfile.TarError):
        return  # the other side has ended, and says why


def _fetch(env: Env, options: Options, source: tuple[str, str, str], target: str) -> None:
    """From the container to here."""
    path = posixpath.normpath(source[2])
    reading, writing = os.pipe()
    session = _session(env, options, source, ["tar", "cf", "-", path], (-1, writing))
    faults: list[Exception] = []
    thread = threading.Thread(target=_unpack, args=(env, path, target, reading, faults), daemon=True)
    thread.start()
    try:
        session.run()
    finally:
        os.close(writing)
        thread.join()
    if faults:
        raise faults[0]


def _unpack(env: Env, path: str, target: str, number: int, faults: list[Exception]) -> None:
    prefix = path.lstrip("/")
    if os.path.isdir(target):
        target = os.path.join(target, posixpath.basename(prefix))
    try:
        with os.fdopen(number, "rb") as pipe, tarfile.open(fileobj=pipe, mode="r|") as archive:
            for member in archive:
                _extract(env, archive, member, prefix, target)
    except tarfile.ReadError as error:
        if "empty" not in str(error):
            faults.append(CommandError(str(error)))
    except OSError as error:
        faults.append(error)


def _extract(env: Env, archive: tarfile.TarFile, member: tarfile.TarInfo, prefix: str, target: str) -> None:
    name = member.name.lstrip("/")
    inner = posixpath.relpath(name, prefix) if name != prefix else "."
    if inner.startswith("..") or posixpath.isabs(inner):
        env.err(f'warning: file "{member.name}" is outside target destination, skipping')
        return
    where = os.path.normpath(os.path.join(target, inner))
    if member.isdir():
        os.makedirs(where, exist_ok=True)
    elif member.isfile():
        content = archive.extractfile(member)
        assert content is not None
        os.makedirs(os.path.dirname(where) or ".", exist_ok=True)
        with open(where, "wb") as file:
            while block := content.read(1 << 16):
                file.write(block)
        os.chmod(where, member.mode & 0o777)
    else:
        env.err(f'warning: skipping symlink: "{where}" -> "{member.linkname}"')


COMMAND = Command(
    "cp",
    "Copy files to and from containers",
    run,
    section="Troubleshooting and Debugging Commands",
    usage="<file-spec-src> <file-spec-dest>",
    text="Copy files and folders; the container must have tar. A place in a container is [namespace/]pod:path.",
    examples="""# A folder into a pod
kk cp ./site web-1:/srv/site

# A file out of a pod of another namespace
kk cp other/web-1:/var/log/app.log ./app.log -c app""",
    flags=(
        Flag("container", "c", help="Which container; else the pod's default one, or its first."),
        Flag("no-preserve", type="bool", help="Do not keep owners and permissions in the container."),
        Flag("retries", type="int", hidden=True, help="Accepted for compatibility."),
    ),
)
