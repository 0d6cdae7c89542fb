"""The kubeconfig files of one call, to be changed: which file an entry belongs to, and writing those that changed."""

from __future__ import annotations

import os

from ...context import Env
from ...errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kk.client.kubeconfig import KubeConfig

SINGULAR = {"clusters": "cluster", "users": "user", "contexts": "context"}


class Files:
    """Files in the order of precedence; what is changed is written by `save`."""

    def __init__(self, env: Env):
        from kk.client.kubeconfig import load, paths

        self.paths = paths(env.options.kubeconfig or None, env.environ)
        self.merged: KubeConfig = load(env.options.kubeconfig or None, None, env.environ)
        self.content: dict[str, dict[str, Any]] = dict(self.merged.files)
        self._changed: set[str] = set()

    @property
    def main(self) -> str:
        """Where new entries go: the first file that exists, else the last of the list."""
        return next((p for p in self.paths if os.path.exists(p)), self.paths[-1])

    def file_of(self, section: str, name: str) -> str:
        """The file that has an entry, or where it would go."""
        for path, content in self.content.items():
            if any(isinstance(e, dict) and e.get("name") == name for e in content.get(section) or ()):
                return path
        return self.main

    def names(self, section: str) -> list[str]:
        """The names of all entries, sorted."""
        found = {
            e["name"]
            for c in self.content.values()
            for e in c.get(section) or ()
            if isinstance(e, dict) and e.get("name")
        }
        return sorted(found)

    def entry(self, section: str, name: str) -> dict[str, Any] | None:
        """The content of an entry, as the first file that has it tells it."""
        for content in self.content.values():
            for entry in content.get(section) or ():
                if isinstance(entry, dict) and entry.get("name") == name:
                    return entry.get(SINGULAR[section]) or {}
        return None

    def put(self, section: str, name: str, value: dict[str, Any], path: str = "") -> None:
        """Sets an entry's content, in its file or a new one."""
        path = path or self.file_of(section, name)
        content = self.content.setdefault(path, {})
        entries = [e for e in content.get(section) or () if e.get("name") != name]
        content[section] = sorted([*entries, {"name": name, SINGULAR[section]: value}], key=lambda e: e["name"])
        self._changed.add(path)

    def remove(self, section: str, name: str) -> str:
        """Removes an entry; the file it was in.

        Raises CommandError where no file has it.
        """
        for path, content in self.content.items():
            entries = content.get(section) or []
            kept = [e for e in entries if e.get("name") != name]
            if len(kept) != len(entries):
                content[section] = kept
                self._changed.add(path)
                return path
        raise CommandError(f"cannot delete {SINGULAR[section]} {name}, not in {self.main}")

    @property
    def current(self) -> str:
        """The current context's name, "" for none."""
        return next((c["current-context"] for c in self.content.values() if c.get("current-context")), "")

    def use(self, name: str) -> None:
        """Makes a context the current one, in the file that names it now, else in the main one."""
        path = next((p for p, c in self.content.items() if c.get("current-context")), self.main)
        self.content.setdefault(path, {})["current-context"] = name
        self._changed.add(path)

    def touch(self, path: str) -> dict[str, Any]:
        """The content of a file, to be changed by hand."""
        self._changed.add(path)
        return self.content.setdefault(path, {})

    def save(self) -> None:
        """Writes what changed."""
        from kk.client.kubeconfig import write_file

        for path in sorted(self._changed):
            write_file(path, self.content[path])
        self._changed.clear()


def one(env: Env, args: list[str], usage: str) -> str:
    """The one argument; more or fewer raise kubectl's complaint."""
    if len(args) != 1:
        raise env.usage(f"unexpected args: [{' '.join(args)}]" if args else "unexpected args: []", usage)
    return args[0]


def changed_flags(options: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Flags that were given: name → value."""
    return {name: getattr(options, name.replace("-", "_")) for name in names if name in options.changed}
