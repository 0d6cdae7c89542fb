"""The shape of a catalog entry, image references, and how a tag is told from one that no registry has."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"

#: distribution/reference, as far as kubelet's messages need it
REFERENCE = re.compile(
    r"^(?P<name>(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?)/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
#: a version with the usual suffixes, as published images carry them
VERSION = r"v?\d+(\.\d+){0,3}"


@dataclass(frozen=True, slots=True)
class Reference:
    """An image reference in full: `docker.io/library/nginx`, tag, digest."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def familiar(self) -> str:
        """The name without what Docker Hub's references leave out: `nginx`."""
        return self.name.removeprefix("docker.io/").removeprefix("library/")


def parse(text: str) -> Reference | None:
    """The reference in full, None when it is none (InvalidImageName)."""
    found = REFERENCE.match(text)
    if found is None:
        return None
    name, tag, digest = found["name"], found["tag"] or "", found["digest"] or ""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        name = "docker.io/" + (name if slash else "library/" + name)
    elif first in ("docker.io", "index.docker.io"):
        name = "docker.io/" + (rest if "/" in rest else "library/" + rest)
    if not tag and not digest:
        tag = "latest"
    return Reference(name, tag, digest)


@dataclass(frozen=True, slots=True)
class Image:
    """What an image brings: like an OCI image's config, with the program on the node.

    names       familiar names, with their registry unless it is Docker Hub ("nginx", "registry.k8s.io/pause")
    tags        a regular expression (full match) for the tags that the image's publisher uses; others fail to pull
    entrypoint, command   functions of nothing that give argument lists: paths are asked when a container starts, not at import
    env, ports, cwd       the image's defaults; ports are facts for PORT in the environment
    programs    commands that the image has under a name of its own ("nginx", "sh"): from their arguments, the whole command line here
    mounts      paths below which the program finds what a pod mounts there
    version_env the variable that carries the image's version; a tag that begins with a version sets it
    """

    names: tuple[str, ...]
    command: Callable[[], list[str]] = list
    entrypoint: Callable[[], list[str]] = list
    tags: str = rf"latest|{VERSION}"
    env: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    cwd: str = "/"
    stop_signal: int = 15
    programs: dict[str, Callable[[list[str]], list[str]]] = field(default_factory=dict)
    version_env: str = ""
    mounts: tuple[str, ...] = ()

    def environment(self, reference: Reference) -> dict[str, str]:
        """The image's environment, with the version of the tag."""
        env = dict(self.env)
        if self.version_env and (found := re.match(r"v?(\d+(\.\d+){0,2})", reference.tag)):
            env[self.version_env] = found[1]
        return env

    def arguments(self, command: list[str], args: list[str]) -> list[str]:
        """The program and its arguments here, for a container's command and args (both may be empty)."""
        if not command:
            words = [*self.entrypoint(), *(args or self.command())] if self.entrypoint() or not args else list(args)
        else:
            words = [*command, *args]
        return self.translate(words)

    def translate(self, words: list[str]) -> list[str]:
        """A command line with the image's own programs replaced by what runs for them here."""
        if words and (program := self.programs.get(words[0].removeprefix("/usr").removeprefix("/bin/"))):
            return program(words[1:])
        return words

    def image_id(self, reference: Reference) -> str:
        """An id of the shape of a repository digest, with a registry part that says that it is a catalog entry of this level."""
        what = f"{self.names[0]}:{reference.tag}{reference.digest}"
        return f"host.kk/{self.names[0]}@sha256:{hashlib.sha256(what.encode()).hexdigest()}"


def python_program(name: str, *args: str) -> list[str]:
    """A program of kk.agent.programs, run in isolated mode by this Python."""
    import sys

    return [sys.executable, "-I", "-S", str(PROGRAMS / f"{name}.py"), *args]


def shell() -> list[str]:
    """A shell that has $RANDOM: busybox ash, else bash, else sh."""
    from shutil import which

    if busybox := which("busybox"):
        return [busybox, "sh"]
    for name in ("bash", "ash"):
        if found := which(name):
            return [found]
    return [which("sh") or "/bin/sh"]


def instead(program: Callable[[], list[str]]) -> Callable[[list[str]], list[str]]:
    """For Image.programs: the same arguments to another program."""
    return lambda words: [*program(), *words]
