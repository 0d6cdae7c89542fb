"""hostPath: a file or folder of the node itself, made or checked as its type asks."""

from pathlib import Path

from kk.agent.volumes._volume import Context, MountFault, Obj, Volume


def _setup(context: Context, name: str, source: Obj) -> tuple[Path, float]:
    path, kind = Path(source.get("path", "")), source.get("type") or ""
    try:
        if kind == "DirectoryOrCreate":
            path.mkdir(parents=True, exist_ok=True, mode=0o755)
        elif kind == "FileOrCreate":
            path.touch(mode=0o644)
    except OSError as error:
        raise MountFault(f"hostPath type check failed: {error}") from None
    checks = {
        "Directory": (path.is_dir, "directory"),
        "File": (path.is_file, "file"),
        "Socket": (path.is_socket, "socket file"),
        "CharDevice": (path.is_char_device, "character device"),
        "BlockDevice": (path.is_block_device, "block device"),
    }
    if kind in checks and not checks[kind][0]():
        raise MountFault(f"hostPath type check failed: {path} is not a {checks[kind][1]}")
    return path, 0.0


VOLUME = Volume("hostPath", _setup)
