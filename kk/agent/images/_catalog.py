"""Finding an image by reference, and the user's own additions in `$KK_HOME/images.yaml`.

The file: `images: {NAME: {command: [...], env: {...}, ports: [...], cwd: /...}}`. A user's entry wins over a built-in one, and any tag of it is there.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kk.agent.images._image import Image, Reference, parse
from kk.base import discover


class PullError(Exception):
    """An image that cannot be had: `reason` is the waiting reason of the container (ErrImagePull, InvalidImageName, ErrImageNeverPull)."""

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Found:
    """What stands for a reference: `image` is None when the catalog has none, and the container's own command runs on the node."""

    reference: Reference
    image: Image | None
    image_id: str


def home(env: "os._Environ[str] | dict[str, str]" = os.environ) -> Path:
    """`$KK_HOME`, by default the kk folder of the XDG data folder."""
    if chosen := env.get("KK_HOME"):
        return Path(chosen)
    return Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "kk"


def user_file(folder: Path | None = None) -> Path:
    """Where the user's images are written."""
    return (folder or home()) / "images.yaml"


def read_user(file: Path) -> dict[str, dict[str, Any]]:
    """The user's entries by name; ValueError when the file is not what it should be."""
    if not file.exists():
        return {}
    import yaml

    try:
        found = yaml.safe_load(file.read_text()) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: {error}") from None
    images = found.get("images") if isinstance(found, dict) else None
    if not isinstance(images or {}, dict):
        raise ValueError(f"{file}: `images` must be a map of names")
    return dict(images or {})


def write_user(file: Path, images: dict[str, dict[str, Any]]) -> None:
    """Replace the user's entries."""
    import yaml

    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.name + ".new")
    temporary.write_text(yaml.safe_dump({"images": images}, sort_keys=True))
    os.replace(temporary, file)


def add(name: str, command: list[str], *, file: Path | None = None, **more: Any) -> None:
    """Let a name stand for a local command; more: env, ports, cwd."""
    reference = parse(name)
    if reference is None:
        raise ValueError(f"invalid reference format: {name!r}")
    file = file or user_file()
    images = read_user(file)
    entry: dict[str, Any] = {"command": list(command), **{k: v for k, v in more.items() if v}}
    images[reference.familiar] = entry
    write_user(file, images)


def remove(name: str, *, file: Path | None = None) -> bool:
    """Forget a user's entry; False when there was none."""
    file = file or user_file()
    images = read_user(file)
    reference = parse(name)
    if reference is None or images.pop(reference.familiar, None) is None:
        return False
    write_user(file, images)
    return True


def builtin() -> dict[str, Image]:
    """The built-in images by file name."""
    return discover.load_all("kk.agent.images", "IMAGE")


def entries(file: Path | None = None) -> list[tuple[str, str, list[str]]]:
    """What `kk image ls` lists: (name, where it is from, command)."""
    listed = [(name, "built-in", i.entrypoint() + i.command()) for i in builtin().values() for name in i.names]
    listed += [(name, "user", list(e.get("command") or [])) for name, e in read_user(file or user_file()).items()]
    return sorted(listed)


class Catalog:
    """Lookups for an agent; built-in images are loaded on first use, the user's file is read again when it changes."""

    def __init__(self, file: Path | None = None):
        self._file = file or user_file()
        self._stamp: tuple[int, int] | None = None
        self._user: dict[str, Image] = {}
        self._builtin: dict[str, Image] | None = None

    def find(self, reference: Reference) -> Image | None:
        """The image of a name, whatever its tag; ValueError when the user's file cannot be read."""
        try:
            stat = self._file.stat()
            stamp: tuple[int, int] | None = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = None
        if stamp != self._stamp:
            self._user = {name: _user_image(name, e) for name, e in read_user(self._file).items()} if stamp else {}
            self._stamp = stamp
        if reference.familiar in self._user:
            return self._user[reference.familiar]
        if self._builtin is None:
            self._builtin = {name: image for image in builtin().values() for name in image.names}
        return self._builtin.get(reference.familiar)

    def pull(self, text: str, has_command: bool, policy: str = "IfNotPresent") -> Found:
        """The image for a reference, or PullError in the words of containerd and a registry."""
        reference = parse(text)
        if reference is None:
            raise PullError(
                "InvalidImageName",
                f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": invalid reference format',
            )
        image = self.find(reference)
        if image is None:
            if has_command:
                return Found(reference, None, _unknown_id(reference))
            if policy == "Never":
                raise PullError(
                    "ErrImageNeverPull", f'Container image "{text}" is not present with pull policy of Never'
                )
            raise PullError("ErrImagePull", _not_pulled(reference, _DENIED))
        if not reference.digest and not re.fullmatch(image.tags, reference.tag):
            raise PullError("ErrImagePull", _not_pulled(reference, f"{reference}: not found"))
        return Found(reference, image, image.image_id(reference))


_DENIED = "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"


def _not_pulled(reference: Reference, why: str) -> str:
    code = "NotFound" if why.endswith("not found") else "Unknown"
    return f'rpc error: code = {code} desc = failed to pull and unpack image "{reference}": failed to resolve reference "{reference}": {why}'


def _unknown_id(reference: Reference) -> str:
    return Image((reference.familiar,)).image_id(reference)


def _user_image(name: str, entry: dict[str, Any]) -> Image:
    command = [str(word) for word in entry.get("command") or []]
    env = {str(k): str(v) for k, v in (entry.get("env") or {}).items()}
    ports = tuple(int(p) for p in entry.get("ports") or ())
    return Image(
        (name,), command=lambda: list(command), tags=".*", env=env, ports=ports, cwd=str(entry.get("cwd") or "/")
    )
