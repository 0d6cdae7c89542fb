"""What a volume type is, and writing files the way kubelet does: a new folder beside the old one, swapped by one symlink."""

import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kk.agent.pods.env import ConfigFault, Sources

Obj = dict[str, Any]
#: path below the volume → (content, mode or None for the volume's default)
Files = dict[str, tuple[bytes, "int | None"]]


class MountFault(Exception):
    """A volume that cannot be set up (yet): the text of a FailedMount event; tried again."""


@dataclass(frozen=True, slots=True)
class Context:
    """What volumes may ask for. config_map and secret give the raw object or None; token(audience, seconds, pod) gives (token, expiry as POSIX seconds)."""

    pod: Obj
    folder: Path
    sources: Sources
    config_map: Callable[[str], "Obj | None"]
    secret: Callable[[str], "Obj | None"]
    token: Callable[[str, int], tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume type: `field` is its name in the spec, `setup(context, name, source)` gives (path, when it must be renewed or 0)."""

    field: str
    setup: Callable[[Context, str, Obj], tuple[Path, float]]


def config_map_files(obj: Obj) -> dict[str, bytes]:
    """The data of a ConfigMap as bytes."""
    import base64

    files = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return files | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def secret_files(obj: Obj) -> dict[str, bytes]:
    """The data of a Secret, decoded."""
    import base64

    return {key: base64.b64decode(value or "") for key, value in (obj.get("data") or {}).items()}


def chosen(files: "dict[str, bytes]", source: Obj, what: str, optional: bool) -> Files:
    """The files that a source's `items` choose, or all."""
    items = source.get("items")
    if not items:
        return {key: (data, None) for key, data in files.items()}
    result: Files = {}
    for item in items:
        if item["key"] not in files:
            if optional:
                continue
            raise MountFault(f"{what} references non-existent config key: {item['key']}")
        result[item["path"]] = (files[item["key"]], item.get("mode"))
    return result


def downward_files(context: Context, items: "list[Obj] | None") -> Files:
    """Files of the downward API."""
    from kk.agent.pods.env import field_value, resource_value

    files: Files = {}
    for item in items or ():
        try:
            if ref := item.get("fieldRef"):
                text = field_value(context.pod, ref.get("fieldPath", ""), context.sources)
            else:
                text = resource_value(context.pod, {}, item.get("resourceFieldRef") or {}, context.sources.allocatable)
        except ConfigFault as fault:
            raise MountFault(str(fault)) from None
        files[item["path"]] = (text.encode(), item.get("mode"))
    return files


def folder_of(context: Context, name: str) -> Path:
    """Where a volume of the pod lies."""
    return context.folder / "volumes" / name


def write_tree(folder: Path, files: Files, mode: int) -> Path:
    """Files behind one `..data` link, so that readers see all of a change or none of it."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / ("..data_" + secrets.token_hex(4))
    for path, (content, own) in files.items():
        target = data / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode if own is None else own)
    data.mkdir(exist_ok=True)
    link = folder / "..data"
    before = os.readlink(link) if link.is_symlink() else ""
    fresh = folder / "..data_tmp"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(data.name)
    os.replace(fresh, link)
    wanted = {path.split("/", 1)[0] for path in files}
    for top in wanted:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(f"..data/{top}")
    for entry in folder.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in wanted:
            entry.unlink()
    if before and before != data.name:
        shutil.rmtree(folder / before, ignore_errors=True)
    return folder
