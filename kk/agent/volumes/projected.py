"""projected: several sources in one folder, among them the service account's token, which is renewed at four fifths of its life."""

import time
from pathlib import Path

from kk.agent.volumes._volume import (
    Context,
    Files,
    MountFault,
    Obj,
    Volume,
    chosen,
    config_map_files,
    downward_files,
    folder_of,
    secret_files,
    write_tree,
)


def _setup(context: Context, name: str, source: Obj) -> tuple[Path, float]:
    files: Files = {}
    renew = 0.0
    for part in source.get("sources") or ():
        if ref := part.get("serviceAccountToken"):
            token, expires = context.token(ref.get("audience", ""), int(ref.get("expirationSeconds") or 3600))
            files[ref["path"]] = (token.encode(), None)
            now = time.time()
            renew = min(renew or expires, now + (expires - now) * 0.8)
        elif "downwardAPI" in part:
            files |= downward_files(context, part["downwardAPI"].get("items"))
        else:
            files |= _object(context, part)
    return write_tree(folder_of(context, name), files, source.get("defaultMode", 0o644)), renew


def _object(context: Context, part: Obj) -> Files:
    for field, get, read, what in (
        ("configMap", context.config_map, config_map_files, "configmap"),
        ("secret", context.secret, secret_files, "secret"),
    ):
        if ref := part.get(field):
            optional = bool(ref.get("optional"))
            obj = get(ref.get("name", ""))
            if obj is None:
                if optional:
                    return {}
                raise MountFault(f'{what} "{ref.get("name", "")}" not found')
            return chosen(read(obj), ref, what, optional)
    return {}


VOLUME = Volume("projected", _setup)
