"""emptyDir: an empty folder that lives as long as the pod. The medium Memory is a folder as well; sizeLimit is not enforced at this level."""

from pathlib import Path

from kk.agent.volumes._volume import Context, Obj, Volume, folder_of


def _setup(context: Context, name: str, source: Obj) -> tuple[Path, float]:
    folder = folder_of(context, name)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    return folder, 0.0


VOLUME = Volume("emptyDir", _setup)
