"""configMap: the keys of a ConfigMap as files, as they were when a container of the pod last started."""

from pathlib import Path

from kk.agent.volumes._volume import Context, MountFault, Obj, Volume, chosen, config_map_files, folder_of, write_tree


def _setup(context: Context, name: str, source: Obj) -> tuple[Path, float]:
    wanted, optional = source.get("name", ""), bool(source.get("optional"))
    obj = context.config_map(wanted)
    if obj is None and not optional:
        raise MountFault(f'configmap "{wanted}" not found')
    files = chosen(config_map_files(obj or {}), source if obj else {}, "configmap", optional)
    return write_tree(folder_of(context, name), files, source.get("defaultMode", 0o644)), 0.0


VOLUME = Volume("configMap", _setup)
