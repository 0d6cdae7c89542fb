"""downwardAPI: fields of the pod as files."""

from pathlib import Path

from kk.agent.volumes._volume import Context, Obj, Volume, downward_files, folder_of, write_tree


def _setup(context: Context, name: str, source: Obj) -> tuple[Path, float]:
    files = downward_files(context, source.get("items"))
    return write_tree(folder_of(context, name), files, source.get("defaultMode", 0o644)), 0.0


VOLUME = Volume("downwardAPI", _setup)
