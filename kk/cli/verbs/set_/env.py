"""`kk set env`: variables of the containers of a pod template."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ...resources import select
from ._common import CONTAINERS, FLAGS, apply, containers, require, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def parsed(pairs: list[str], stdin: Any) -> tuple[list[dict[str, str]], list[str]]:
    """(variables to set, names to remove); `-` reads KEY=VALUE lines.

    Raises CommandError.
    """
    found: list[dict[str, str]] = []
    gone: list[str] = []
    for pair in pairs:
        if pair == "-":
            found += parsed([line for line in stdin.read().splitlines() if line and not line.startswith("#")], stdin)[0]
            continue
        name, equals, value = pair.partition("=")
        if equals:
            found.append({"name": name, "value": value} if value else {"name": name})
        elif pair.endswith("-"):
            gone.append(pair[:-1])
        else:
            raise CommandError(f"unknown argument {pair}")
    return found, gone


def sourced(obj: dict[str, Any], prefix: str, keys: list[str]) -> list[dict[str, Any]]:
    """Variables that take the values of a ConfigMap's or Secret's keys.

    Raises CommandError for another kind.
    """
    kind = obj.get("kind")
    if kind not in ("ConfigMap", "Secret"):
        raise CommandError(f"unsupported resource specified in --from: {kind}")
    field = "configMapKeyRef" if kind == "ConfigMap" else "secretKeyRef"
    found = []
    for key in sorted(obj.get("data") or {}):
        if keys and key not in keys:
            continue
        name = prefix + "".join(c if c.isalnum() or c == "_" else "_" for c in key).upper()
        found.append({"name": name, "valueFrom": {field: {"name": obj["metadata"]["name"], "key": key}}})
    return found


def merged(before: list[dict[str, Any]], new: list[dict[str, Any]], gone: list[str]) -> list[dict[str, Any]]:
    """A container's variables after the change: replaced in place, new ones last."""
    wanted = {one["name"]: one for one in new}
    out = [wanted.pop(one["name"], one) for one in before if one["name"] not in gone]
    return out + [one for one in new if one["name"] in wanted and one["name"] not in gone]


def run(env: Env, options: Options) -> None:
    """Change the variables of what is meant, or list them."""
    args = [*options.args, *options.env]
    resources, pairs = _split(args)
    require(env, options, resources)
    new, gone = parsed(pairs, env.stdin)
    if options.__dict__["from"]:
        for item in select(env, [options.__dict__["from"]], files=False).items():
            found = sourced(item.obj or {}, options.prefix, options.keys)
            for one in found:
                key = next(iter(one["valueFrom"].values()))["key"]
                name = one["name"].removeprefix(options.prefix)
                if key != name:
                    env.err(f"Warning: key {key} transferred to {name}")
            new += found
    if options.list:
        _list(env, options, resources)
        return
    if not options.overwrite:
        _refuse_others(env, options, resources, new)

    def alter(obj: dict[str, Any]) -> bool:
        found = list(containers(obj, options.containers))
        if not found:
            where = f"{obj['kind']}/{obj['metadata']['name']}"
            env.err(f'Warning: {where} does not have any containers matching "{options.containers}"')
            return False
        for container in found:
            container["env"] = merged(container.get("env") or [], new, gone)
            if not container["env"]:
                del container["env"]
        return True

    apply(env, options, resources, "env updated", alter)


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    if "-" in args:
        resources, pairs = split([a for a in args if a != "-"], "environment")
        return resources, [*pairs, "-"]
    return split(args, "environment")


def _refuse_others(env: Env, options: Options, resources: list[str], new: list[dict[str, Any]]) -> None:
    names = {one["name"] for one in new}
    for item in select(env, resources, everything=False).items(latest=not options.local):
        for container in containers(item.obj or {}, options.containers):
            taken = [one["name"] for one in container.get("env") or () if one["name"] in names and one not in new]
            if taken:
                value = next(one.get("value", "") for one in container["env"] if one["name"] == taken[0])
                what = f"'{taken[0]}' already has a value ({value}), and --overwrite is false"
                raise CommandError(f"{item.resource.name}/{item.name} {what}")


def _list(env: Env, options: Options, resources: list[str]) -> None:
    for item in select(env, resources, everything=False).items(latest=not options.local):
        for container in containers(item.obj or {}, options.containers):
            env.out(f"# {item.resource.kind} {item.name}, container {container['name']}")
            for one in container.get("env") or ():
                env.out(_shown(one))


def _shown(one: dict[str, Any]) -> str:
    source = one.get("valueFrom")
    if not source:
        return f"{one['name']}={one.get('value', '')}"
    if "secretKeyRef" in source:
        ref = source["secretKeyRef"]
        return f"# {one['name']} from secret {ref.get('name', '')}, key {ref.get('key', '')}"
    if "configMapKeyRef" in source:
        ref = source["configMapKeyRef"]
        return f"# {one['name']} from configmap {ref.get('name', '')}, key {ref.get('key', '')}"
    if "fieldRef" in source:
        return f"# {one['name']} from field path {source['fieldRef'].get('fieldPath', '')}"
    ref = source.get("resourceFieldRef") or {}
    where = f"{ref['containerName']}/" if ref.get("containerName") else ""
    return f"# {one['name']} from resource {where}{ref.get('resource', '')}"


COMMAND = Command(
    "set env",
    "Change the variables of a pod template",
    run,
    usage="RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
    text="Set variables with KEY=VALUE and remove them with KEY-; --list shows them; --from takes the keys of a ConfigMap or Secret.",
    examples="""# Set a variable
kk set env deployment/registry STORAGE_DIR=/local

# Show all
kk set env deployment/registry --list

# The keys of a config map, as variables
kk set env --from=configmap/settings --prefix=MYSQL_ deployment/app

# Remove one, from one container
kk set env deployment/registry -c app ENV-""",
    flags=(
        *FLAGS,
        CONTAINERS,
        Flag("env", "e", type="array", help="KEY=VALUE to set."),
        Flag("from", help="ConfigMap or Secret whose keys become variables, as TYPE/NAME."),
        Flag("keys", type="list", help="Only these keys of --from."),
        Flag("list", type="bool", help="Show the variables instead."),
        Flag("overwrite", type="bool", default=True, help="Allow other values for variables that are set already."),
        Flag("prefix", help="What the names of variables of --from begin with."),
        Flag("resolve", type="bool", hidden=True, help="Accepted for compatibility."),
    ),
    complete="resources",
)
