"""`kk cluster-info dump`: everything that helps to find out what is wrong, on standard output or in a folder."""

from __future__ import annotations

import os

from ...command import Command, Flag, Options
from ...common import ALL_NAMESPACES, output
from ...context import Env
from ...printers import printer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS = (
    ("events", "/api/v1"),
    ("replicationcontrollers", "/api/v1"),
    ("services", "/api/v1"),
    ("daemonsets", "/apis/apps/v1"),
    ("deployments", "/apis/apps/v1"),
    ("replicasets", "/apis/apps/v1"),
    ("pods", "/api/v1"),
)


def run(env: Env, options: Options) -> None:
    """Dump nodes, and the objects and logs of the namespaces."""
    _write(env, options, "nodes", env.client.request("GET", "/api/v1/nodes").json())
    for space in _namespaces(env, options):
        pods: list[dict[str, Any]] = []
        for name, root in _KINDS:
            found = env.client.request("GET", f"{root}/namespaces/{space}/{name}").json()
            pods = found.get("items") or [] if name == "pods" else pods
            _write(env, options, f"{space}/{name}", found)
        for pod in pods:
            _logs(env, options, space, pod)
    if options.output_directory and options.output_directory != "-":
        env.out(f"Cluster info dumped to {options.output_directory}")


def _namespaces(env: Env, options: Options) -> list[str]:
    if options.all_namespaces:
        page = env.client.request("GET", "/api/v1/namespaces").json()
        return [n["metadata"]["name"] for n in page.get("items") or ()]
    return options.namespaces or ["kube-system", env.namespace]


def _stream(env: Env, options: Options, name: str, ending: str) -> Any:
    folder = options.output_directory
    if not folder or folder == "-":
        return env.stdout
    path = os.path.join(folder, f"{name}.{ending}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return open(path, "w", encoding="utf-8")


def _write(env: Env, options: Options, name: str, obj: dict[str, Any]) -> None:
    options.output = options.output or "json"
    stream, standard = _stream(env, options, name, options.output.partition("=")[0]), env.stdout
    try:
        env.stdout = stream
        shown = printer(env, ("json", "yaml"))
        assert shown is not None
        shown.show(obj)
    finally:
        env.stdout = standard
        if stream is not standard:
            stream.close()


def _logs(env: Env, options: Options, space: str, pod: dict[str, Any]) -> None:
    from kk.base.errors import StatusError

    name = pod["metadata"]["name"]
    for container in pod["spec"].get("containers") or ():
        path = f"/api/v1/namespaces/{space}/pods/{name}/log"
        try:
            text = env.client.request("GET", path, query={"container": container["name"]}).text
        except StatusError as error:
            text = f"Request log error: {error.message}\n"
        stream = _stream(env, options, f"{space}/{name}/logs", "txt")
        stream.write(f"==== START logs for container {container['name']} of pod {space}/{name} ====\n{text}")
        stream.write(f"==== END logs for container {container['name']} of pod {space}/{name} ====\n")
        if stream is not env.stdout:
            stream.close()


COMMAND = Command(
    "cluster-info dump",
    "Dump what helps to debug and diagnose the cluster",
    run,
    usage="[flags]",
    examples="# To standard output\nkk cluster-info dump\n\n# Into a folder, all namespaces\nkk cluster-info dump -A --output-directory=dump",
    flags=(
        ALL_NAMESPACES,
        *output(("json", "yaml")),
        Flag("namespaces", type="list", help="Namespaces to dump; kube-system and the current one without it."),
        Flag("output-directory", help="Folder to write files into; - is standard output."),
    ),
)
