"""How pods and pod templates are described: containers, volumes, tolerations, in kubectl's layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kk.kinds.describing import Obj, Page, annotation_lines, boolean, labels, moment, quantity, selector_text

Resolve = Callable[[Obj], str]


def containers(
    page: Page, title: str, specs: list[Obj], statuses: list[Obj] | None, resolve: Resolve | None, space: str = ""
) -> None:
    """A section of containers."""
    found = {s["name"]: s for s in statuses or ()}
    page.write(0, f"{space}{title}:\n" if specs else f"{space}{title}:\t<none>\n")
    for spec in specs:
        _container(page, spec, found.get(spec["name"]), resolve, " " if space else "")


def _container(page: Page, spec: Obj, status: Obj | None, resolve: Resolve | None, indent: str) -> None:
    page.write(1, f"{indent}{spec['name']}:\n")
    if status is not None:
        page.line(2, "Container ID:", status.get("containerID", ""))
    page.line(2, "Image:", spec.get("image", ""))
    if status is not None:
        page.line(2, "Image ID:", status.get("imageID", ""))
    _ports(page, spec.get("ports") or [])
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    if profile:
        page.line(2, "SeccompProfile:", profile.get("type", ""))
        if profile.get("type") == "Localhost":
            page.line(3, "LocalhostProfile:", profile.get("localhostProfile", ""))
    for title, words in (("Command", spec.get("command")), ("Args", spec.get("args"))):
        if words:
            page.write(2, f"{title}:\n")
            for word in words:
                for text in word.split("\n"):
                    page.write(3, f"{text}\n")
    if status is not None:
        _state(page, "State", status.get("state") or {})
        if (status.get("lastState") or {}).get("terminated"):
            _state(page, "Last State", status["lastState"])
        page.line(2, "Ready:", boolean(bool(status.get("ready"))))
        page.line(2, "Restart Count:", status.get("restartCount", 0))
    resources(page, spec.get("resources") or {}, 2)
    for title, field in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
        if spec.get(field):
            page.line(2, f"{title}:", _probe(spec[field]))
    if spec.get("envFrom"):
        _env_from(page, spec["envFrom"])
    _env(page, spec, resolve)
    _mounts(page, spec)


def _ports(page: Page, ports: list[Obj]) -> None:
    for title, field in (("Port", "containerPort"), ("Host Port", "hostPort")):
        texts = []
        for port in ports:
            text = f"{port.get(field, 0)}/{port.get('protocol', 'TCP')}"
            texts.append(f"{text} ({port['name']})" if port.get("name") else text)
        joined = ", ".join(texts)
        page.line(2, f"{title}s:" if "," in joined else f"{title}:", joined or "<none>")


def resources(page: Page, spec: Obj, level: int) -> None:
    """Limits and requests."""
    for title, field in (("Limits", "limits"), ("Requests", "requests")):
        values = spec.get(field) or {}
        if values:
            page.write(level, f"{title}:\n")
        for name in sorted(values):
            page.line(level + 1, f"{name}:", quantity(values[name]))


def _state(page: Page, title: str, state: Obj) -> None:
    if state.get("running") is not None:
        page.line(2, f"{title}:", "Running")
        page.line(3, "Started:", moment(state["running"].get("startedAt")))
    elif state.get("terminated") is not None:
        ended = state["terminated"]
        page.line(2, f"{title}:", "Terminated")
        for name, field in (("Reason", "reason"), ("Message", "message")):
            if ended.get(field):
                page.line(3, f"{name}:", ended[field])
        page.line(3, "Exit Code:", ended.get("exitCode", 0))
        if (ended.get("signal") or 0) > 0:
            page.line(3, "Signal:", ended["signal"])
        page.line(3, "Started:", moment(ended.get("startedAt")))
        page.line(3, "Finished:", moment(ended.get("finishedAt")))
    else:
        page.line(2, f"{title}:", "Waiting")
        if (state.get("waiting") or {}).get("reason"):
            page.line(3, "Reason:", state["waiting"]["reason"])


def _probe(probe: Obj) -> str:
    numbers = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s #success={probe.get('successThreshold', 0)} "
        f"#failure={probe.get('failureThreshold', 0)}"
    )
    if probe.get("exec"):
        return f"exec [{' '.join(probe['exec'].get('command') or ())}] {numbers}"
    if probe.get("httpGet"):
        get = probe["httpGet"]
        host = get.get("host", "")
        host = f"[{host}]" if ":" in host else host
        path = str(get.get("path", ""))
        path = path if not path or path.startswith("/") else f"/{path}"
        return f"http-get {get.get('scheme', '').lower()}://{host}:{get.get('port', '')}{path} {numbers}"
    if probe.get("tcpSocket"):
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket'].get('port', '')} {numbers}"
    if probe.get("grpc"):
        return f"grpc <pod>:{probe['grpc'].get('port', 0)} {probe['grpc'].get('service') or ''} {numbers}"
    return f"unknown {numbers}"


def _optional(source: Obj) -> str:
    return "true" if source.get("optional") else "false"


def _env_from(page: Page, sources: list[Obj]) -> None:
    page.write(2, "Environment Variables from:\n")
    for source in sources:
        kind, ref = (
            ("ConfigMap", source["configMapRef"])
            if source.get("configMapRef")
            else ("Secret", source.get("secretRef") or {})
        )
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        page.line(3, ref.get("name", ""), f"{kind}{prefix}", f"Optional: {_optional(ref)}")


def _env(page: Page, spec: Obj, resolve: Resolve | None) -> None:
    variables = spec.get("env") or []
    page.write(2, "Environment:\n" if variables else "Environment:\t<none>\n")
    for variable in variables:
        name, source = variable["name"], variable.get("valueFrom")
        if not source:
            for place, text in enumerate(str(variable.get("value", "")).split("\n")):
                page.line(3, f"{name}:" if place == 0 else "", text)
        elif source.get("fieldRef"):
            ref = source["fieldRef"]
            value = resolve(ref) if resolve else ""
            page.line(3, f"{name}:", f"{value} ({ref.get('apiVersion', '')}:{ref.get('fieldPath', '')})")
        elif source.get("resourceFieldRef"):
            resource = source["resourceFieldRef"].get("resource", "")
            page.line(3, f"{name}:", f"{_resource_value(spec, resource)} ({resource})")
        elif source.get("secretKeyRef"):
            ref = source["secretKeyRef"]
            text = f"<set to the key '{ref.get('key', '')}' in secret '{ref.get('name', '')}'>"
            page.line(3, f"{name}:", text, f"Optional: {_optional(ref)}")
        elif source.get("configMapKeyRef"):
            ref = source["configMapKeyRef"]
            text = f"<set to the key '{ref.get('key', '')}' of config map '{ref.get('name', '')}'>"
            page.line(3, f"{name}:", text, f"Optional: {_optional(ref)}")


def _resource_value(spec: Obj, resource: str) -> str:
    from kk.base.quantity import Quantity

    side, _, name = resource.partition(".")
    value = ((spec.get("resources") or {}).get(side) or {}).get(name)
    if value is None:
        return "node allocatable" if resource in ("limits.cpu", "limits.memory") else "0"
    return str(Quantity.parse(value).value())


def _mounts(page: Page, spec: Obj) -> None:
    mounts = spec.get("volumeMounts") or []
    page.write(2, "Mounts:\n" if mounts else "Mounts:\t<none>\n")
    for mount in sorted(mounts, key=lambda m: m["mountPath"]):
        flags = "ro" if mount.get("readOnly") else "rw"
        if mount.get("subPath"):
            flags += f',path="{mount["subPath"]}"'
        page.write(3, f"{mount['mountPath']} from {mount['name']} ({flags})\n")
    devices = spec.get("volumeDevices") or []
    if devices:
        page.write(2, "Devices:\n" if mounts else "Devices:\t<none>\n")
        for device in sorted(devices, key=lambda d: d["devicePath"]):
            page.write(3, f"{device['devicePath']} from {device['name']}\n")


# ---- volumes ----
#: volume source → what it says of its type, then (title, field, text where unset)
_SOURCES: dict[str, tuple[str, tuple[tuple[str, str, Any], ...]]] = {
    "hostPath": ("HostPath (bare host directory volume)", (("Path", "path", ""), ("HostPathType", "type", "<none>"))),
    "emptyDir": (
        "EmptyDir (a temporary directory that shares a pod's lifetime)",
        (("Medium", "medium", ""), ("SizeLimit", "sizeLimit", "<unset>")),
    ),
    "secret": (
        "Secret (a volume populated by a Secret)",
        (("SecretName", "secretName", ""), ("Optional", "optional", "false")),
    ),
    "configMap": (
        "ConfigMap (a volume populated by a ConfigMap)",
        (("Name", "name", ""), ("Optional", "optional", "false")),
    ),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        (("Server", "server", ""), ("Path", "path", ""), ("ReadOnly", "readOnly", "false")),
    ),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        (("ClaimName", "claimName", ""), ("ReadOnly", "readOnly", "false")),
    ),
    "image": (
        "Image (a container image or OCI artifact)",
        (("Reference", "reference", ""), ("PullPolicy", "pullPolicy", "")),
    ),
}


def volumes(page: Page, found: list[Obj] | None, space: str = "") -> None:
    """The section of volumes."""
    if not found:
        page.write(0, f"{space}Volumes:\t<none>\n")
        return
    page.write(0, f"{space}Volumes:\n")
    for volume in found:
        page.write(1, f"{' ' if space else ''}{volume['name']}:\n")
        _volume(page, volume)


def _volume(page: Page, volume: Obj) -> None:
    source = next((k for k in volume if k != "name"), "")
    if source in _SOURCES:
        said, fields = _SOURCES[source]
        page.line(2, "Type:", said)
        for title, field, unset in fields:
            value = (volume[source] or {}).get(field)
            shown = unset if value in (None, "") else value
            page.line(2, f"{title}:", ("true" if shown else "false") if isinstance(shown, bool) else shown)
    elif source == "projected":
        _projected(page, volume[source] or {})
    elif source == "downwardAPI":
        page.write(2, "Type:\tDownwardAPI (a volume populated by information about the pod)\n    Items:\n")
        for item in (volume[source] or {}).get("items") or ():
            shown = (item.get("fieldRef") or {}).get("fieldPath") or (item.get("resourceFieldRef") or {}).get(
                "resource"
            )
            page.write(3, f"{shown} -> {item.get('path', '')}\n")
    else:
        page.write(1, "<unknown>\n")


def _projected(page: Page, projected: Obj) -> None:
    page.line(2, "Type:", "Projected (a volume that contains injected data from multiple sources)")
    for source in projected.get("sources") or ():
        if source.get("secret"):
            page.line(2, "SecretName:", source["secret"].get("name", ""))
            page.line(2, "Optional:", _optional(source["secret"]))
        elif source.get("downwardAPI"):
            page.line(2, "DownwardAPI:", "true")
        elif source.get("configMap"):
            page.line(2, "ConfigMapName:", source["configMap"].get("name", ""))
            page.line(2, "Optional:", _optional(source["configMap"]))
        elif source.get("serviceAccountToken"):
            page.line(2, "TokenExpirationSeconds:", source["serviceAccountToken"].get("expirationSeconds", 0))


def tolerations(page: Page, found: list[Obj] | None, indent: str = "") -> None:
    """The section of tolerations, sorted by key."""
    texts = [_toleration(t) for t in sorted(found or (), key=lambda t: t.get("key", ""))] or ["<none>"]
    for place, text in enumerate(texts):
        page.write(0, f"{indent}Tolerations:\t{text}\n" if place == 0 else f"{indent}\t{text}\n")


def _toleration(toleration: Obj) -> str:
    text = toleration.get("key", "")
    if toleration.get("value"):
        text += f"={toleration['value']}"
    if toleration.get("effect"):
        text += f":{toleration['effect']}"
    if toleration.get("operator") == "Exists" and not toleration.get("value"):
        text += " op=Exists" if toleration.get("key") or toleration.get("effect") else "op=Exists"
    if toleration.get("tolerationSeconds") is not None:
        text += f" for {toleration['tolerationSeconds']}s"
    return text


def spread(page: Page, found: list[Obj] | None, indent: str = "") -> None:
    """The section of topology spread constraints."""
    for place, one in enumerate(sorted(found or (), key=lambda c: c.get("topologyKey", ""))):
        text = f"{one.get('topologyKey')}:{one.get('whenUnsatisfiable')} when max skew {one.get('maxSkew')} is exceeded"
        if one.get("labelSelector") is not None:
            text += f" for selector {selector_text(one['labelSelector'])}"
        page.write(0, f"{indent}Topology Spread Constraints:\t{text}\n" if place == 0 else f"{indent}\t{text}\n")


def template(page: Page, found: Obj | None) -> None:
    """A pod template."""
    page.write(0, "Pod Template:\n")
    found = found or {}
    meta, spec = found.get("metadata") or {}, found.get("spec") or {}
    labels(page, "Labels", meta.get("labels"), "  ")
    if meta.get("annotations"):
        annotation_lines(page, "  Annotations", meta["annotations"])
    if spec.get("serviceAccountName"):
        page.line(1, "Service Account:", spec["serviceAccountName"])
    if spec.get("initContainers"):
        containers(page, "Init Containers", spec["initContainers"], None, None, "  ")
    containers(page, "Containers", spec.get("containers") or [], None, None, "  ")
    volumes(page, spec.get("volumes"), "  ")
    spread(page, spec.get("topologySpreadConstraints"), "  ")
    if spec.get("priorityClassName"):
        page.line(1, "Priority Class Name:", spec["priorityClassName"])
    labels(page, "Node-Selectors", spec.get("nodeSelector"), "  ")
    tolerations(page, spec.get("tolerations"), "  ")
