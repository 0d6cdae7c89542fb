"""secret: the keys of a Secret as files, as they were when a container of the pod last started."""

from pathlib import Path

from kk.agent.volumes._volume import Context, MountFault, Obj, Volume, chosen, folder_of, secret_files, write_tree


def _setup(context: Context, name: str, source: Obj) -> tuple[Path, float]:
    wanted, optional = source.get("secretName", ""), bool(source.get("optional"))
    obj = context.secret(wanted)
    if obj is None and not optional:
        raise MountFault(f'secret "{wanted}" not found')
    files = chosen(secret_files(obj or {}), source if obj else {}, "secret", optional)
    return write_tree(folder_of(context, name), files, source.get("defaultMode", 0o644)), 0.0


VOLUME = Volume("secret", _setup)
