"""The context of a local cluster in the user's kubeconfig: put in, taken out, everything else left as it is."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from kk.cli.cluster.home import Cluster, ClusterError


def target(explicit: str | None = None) -> Path:
    """The file that is written: --kubeconfig, else the first of $KUBECONFIG, else ~/.kube/config."""
    if explicit:
        return Path(explicit)
    listed = [p for p in os.environ.get("KUBECONFIG", "").split(os.pathsep) if p]
    existing = [p for p in listed if os.path.exists(p)]
    return Path((existing or listed or [os.path.join(os.path.expanduser("~"), ".kube", "config")])[0])


def merge(cluster: Cluster, path: Path) -> bool:
    """Put the cluster's context in and make it current; True where that changed the file."""
    admin = yaml.safe_load(cluster.admin.read_text())

    def put(config: dict[str, Any]) -> None:
        for kind in ("cluster", "user"):
            _set(config, kind, cluster.context, admin[f"{kind}s"][0][kind])
        old = _find(config, "context", cluster.context) or {}
        _set(config, "context", cluster.context, {**old, "cluster": cluster.context, "user": cluster.context})
        config["current-context"] = cluster.context

    return edit(path, put)


def remove(cluster: Cluster, path: Path) -> bool:
    """Take the cluster's entries out again; True where the file had any."""
    if not path.exists():
        return False

    def drop(config: dict[str, Any]) -> None:
        for kind in ("cluster", "context", "user"):
            config[f"{kind}s"] = [e for e in config.get(f"{kind}s") or [] if e.get("name") != cluster.context]
        if config.get("current-context") == cluster.context:
            config["current-context"] = ""

    return edit(path, drop)


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> bool:
    """Change a kubeconfig under kubectl's lock (a `.lock` neighbour), in one step, mode kept (0600 for a new file)."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        text = path.read_text() if path.exists() else ""
        try:
            config = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            raise ClusterError(f"{path} is no valid kubeconfig and was left alone: {error}") from None
        if not isinstance(config, dict):
            raise ClusterError(f"{path} is no valid kubeconfig and was left alone: it holds no mapping")
        before = yaml.safe_dump(config)
        config.setdefault("apiVersion", "v1")
        config.setdefault("kind", "Config")
        change(config)
        if yaml.safe_dump(config) == before:
            return False
        part = path.with_name(f".{path.name}.{os.getpid()}")
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            yaml.safe_dump(config, file, sort_keys=False)
        part.replace(path)
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Any:
    lock = Path(f"{path}.lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o600))
    except FileExistsError:
        raise ClusterError(f"{path} is locked by another command; remove {lock} if none runs") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _find(config: dict[str, Any], kind: str, name: str) -> Any:
    return next((e.get(kind) for e in config.get(f"{kind}s") or [] if e.get("name") == name), None)


def _set(config: dict[str, Any], kind: str, name: str, value: Any) -> None:
    entries = config.get(f"{kind}s") or []
    config[f"{kind}s"] = entries
    for entry in entries:
        if entry.get("name") == name:
            entry[kind] = value
            return
    entries.append({"name": name, kind: value})
