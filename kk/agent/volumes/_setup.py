"""All volumes of a pod at once, and what a container mounts of them."""

from pathlib import Path
from typing import Any

from kk.agent.volumes._volume import Context, MountFault, Volume
from kk.base import discover
from kk.base.errors import StatusError

Obj = dict[str, Any]
_types: dict[str, Volume] = {}


def types() -> dict[str, Volume]:
    """Volume types by their field in the spec."""
    if not _types:
        _types.update({v.field: v for v in discover.load_all("kk.agent.volumes", "VOLUME").values()})
    return _types


def setup(context: Context) -> tuple[dict[str, Path], float]:
    """(name → path, when the first of them must be renewed or 0); MountFault names the volume."""
    paths: dict[str, Path] = {}
    renew = 0.0
    for volume in context.pod["spec"].get("volumes") or ():
        name = volume["name"]
        field = next((key for key in volume if key in types()), None)
        if field is None:
            kind = next((key for key in volume if key != "name"), "unknown")
            raise MountFault(
                f'MountVolume.SetUp failed for volume "{name}" : {kind} is not supported at isolation level host'
            )
        try:
            paths[name], due = types()[field].setup(context, name, volume[field] or {})
        except MountFault as fault:
            raise MountFault(f'MountVolume.SetUp failed for volume "{name}" : {fault}') from None
        except StatusError as error:
            raise MountFault(f'MountVolume.SetUp failed for volume "{name}" : {error.message}') from None
        except (FileNotFoundError, PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError) as error:
            raise MountFault(f'MountVolume.SetUp failed for volume "{name}" : {error}') from None
        renew = min(renew or due, due) if due else renew
    return paths, renew


def mounts(container: Obj, paths: dict[str, Path], expand: Any) -> list[tuple[str, str]]:
    """(mount path, path on the node) for a container; `expand` resolves $(VAR) of subPathExpr."""
    result = []
    for mount in container.get("volumeMounts") or ():
        where = paths.get(mount["name"])
        if where is None:
            continue
        sub = expand(mount["subPathExpr"]) if mount.get("subPathExpr") else mount.get("subPath", "")
        if sub:
            if ".." in sub.split("/") or sub.startswith("/"):
                raise MountFault(f"subPath {sub!r} must stay inside the volume")
            where = where / sub
            if not where.exists():
                where.mkdir(parents=True, exist_ok=True)
        result.append((mount["mountPath"], str(where)))
    return result
