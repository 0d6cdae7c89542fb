"""A container's environment and command line from its spec. Pure: config maps, secrets and services are handed in through `Sources`.

The order is kubelet's (`makeEnvironmentVariables`): envFrom, then env (each may refer to what stands before it), then services for names not yet taken.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kk.agent.pods.expand import expand
from kk.base.quantity import Quantity

Obj = dict[str, Any]


class ConfigFault(Exception):
    """A reference that cannot be resolved: CreateContainerConfigError with this text."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an environment may draw from. `config_map` and `secret` give an object's data or None; secret values are decoded text."""

    config_map: Callable[[str], "dict[str, str] | None"]
    secret: Callable[[str], "dict[str, str] | None"]
    services: "list[Obj]"  # those whose variables the pod gets
    allocatable: dict[str, str]
    node_name: str
    host_ip: str
    pod_ip: str


def environment(pod: Obj, container: Obj, base: dict[str, str], sources: Sources) -> dict[str, str]:
    """The complete environment; `base` (the image's) is overridden by everything else. ConfigFault."""
    service_env = service_variables(sources.services)
    result: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        result.update(_env_from(pod, source, sources))
    scope = dict(service_env)
    scope.update(result)
    for variable in container.get("env") or ():
        value = _value(pod, container, variable, scope, sources)
        if value is not None:
            result[variable["name"]] = scope[variable["name"]] = value
    return {**base, **service_env, **result}


def _env_from(pod: Obj, source: Obj, sources: Sources) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for field, get, kind in (
        ("configMapRef", sources.config_map, "configmap"),
        ("secretRef", sources.secret, "secret"),
    ):
        if ref := source.get(field):
            data = get(ref.get("name", ""))
            if data is None:
                if ref.get("optional"):
                    return {}
                raise ConfigFault(f'{kind} "{ref.get("name", "")}" not found')
            return {prefix + key: value for key, value in data.items() if "=" not in key}
    return {}


def _value(pod: Obj, container: Obj, variable: Obj, scope: dict[str, str], sources: Sources) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return expand(variable.get("value") or "", scope)
    if ref := source.get("fieldRef"):
        return field_value(pod, ref.get("fieldPath", ""), sources)
    if ref := source.get("resourceFieldRef"):
        return resource_value(pod, container, ref, sources.allocatable)
    for field, get, kind in (
        ("configMapKeyRef", sources.config_map, "configmap"),
        ("secretKeyRef", sources.secret, "secret"),
    ):
        if ref := source.get(field):
            return _key(pod, ref, get, kind)
    return ""


def _key(pod: Obj, ref: Obj, get: Callable[[str], "dict[str, str] | None"], kind: str) -> str | None:
    name, key, optional = ref.get("name", ""), ref.get("key", ""), ref.get("optional")
    data = get(name)
    if data is None:
        if optional:
            return None
        raise ConfigFault(f'{kind} "{name}" not found')
    if key not in data:
        if optional:
            return None
        namespace = pod["metadata"].get("namespace", "default")
        what = "ConfigMap" if kind == "configmap" else "Secret"
        raise ConfigFault(f"couldn't find key {key} in {what} {namespace}/{name}")
    return data[key]


def field_value(pod: Obj, path: str, sources: Sources) -> str:
    """A downward API field."""
    meta, spec = pod["metadata"], pod["spec"]
    for part, values in (("metadata.labels", meta.get("labels")), ("metadata.annotations", meta.get("annotations"))):
        if path.startswith(part + "['") and path.endswith("']"):
            return str((values or {}).get(path[len(part) + 2 : -2], ""))
        if path == part:
            return "\n".join(f'{k}="{_quoted(v)}"' for k, v in sorted((values or {}).items()))
    simple: dict[str, str] = {
        "metadata.name": meta.get("name", ""),
        "metadata.namespace": meta.get("namespace", ""),
        "metadata.uid": meta.get("uid", ""),
        "spec.nodeName": spec.get("nodeName") or sources.node_name,
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": sources.host_ip,
        "status.hostIPs": sources.host_ip,
        "status.podIP": sources.pod_ip,
        "status.podIPs": sources.pod_ip,
    }
    if path not in simple:
        raise ConfigFault(f"unsupported fieldPath: {path}")
    return simple[path]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def resource_value(pod: Obj, container: Obj, ref: Obj, allocatable: dict[str, str]) -> str:
    """limits.cpu, requests.memory and so on, divided by the divisor and rounded up; a missing limit is the node's allocatable."""
    if name := ref.get("containerName"):
        every = (pod["spec"].get("initContainers") or []) + (pod["spec"].get("containers") or [])
        container = next((c for c in every if c["name"] == name), container)
    which, _, resource = ref.get("resource", "").partition(".")
    amount = ((container.get("resources") or {}).get(which) or {}).get(resource)
    if amount is None and which == "limits":
        amount = allocatable.get(resource)
    quantity = Quantity.parse(amount if amount is not None else "0")
    divisor = ref.get("divisor") or "1"
    parsed = Quantity.parse("1" if str(divisor) == "0" else divisor)
    return str(-(-quantity.milli() // max(1, parsed.milli())))


def service_variables(services: Iterable[Obj]) -> dict[str, str]:
    """NAME_SERVICE_HOST and its family, for services with an address of their own."""
    env: dict[str, str] = {}
    for service in services:
        ip = service.get("spec", {}).get("clusterIP")
        ports = service.get("spec", {}).get("ports") or []
        if not ip or ip == "None" or not ports:
            continue
        name = service["metadata"]["name"].upper().replace("-", "_")
        env[f"{name}_SERVICE_HOST"] = ip
        env[f"{name}_SERVICE_PORT"] = str(ports[0]["port"])
        host = f"[{ip}]" if ":" in ip else ip
        for number, port in enumerate(ports):
            if port.get("name"):
                env[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
            protocol = port.get("protocol", "TCP")
            url = f"{protocol.lower()}://{host}:{port['port']}"
            if number == 0:
                env[f"{name}_PORT"] = url
            prefix = f"{name}_PORT_{port['port']}_{protocol}"
            env.update(
                {
                    prefix: url,
                    f"{prefix}_PROTO": protocol.lower(),
                    f"{prefix}_PORT": str(port["port"]),
                    f"{prefix}_ADDR": ip,
                }
            )
    return env
