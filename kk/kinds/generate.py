"""Makes kk/kinds/data/schema.bin: the facts of the built-in API, compressed, from which everything about types derives.

`python -m kk.kinds.generate` reads the definitions that the package kubernetes-validate carries (a development dependency) and
the two tables beside the result (resources.txt, pointers.txt). Only facts are taken, no descriptions. Nothing imports this at run time.

The result is zlib-compressed JSON: {"resources": [...], "definitions": {name: {"f": fields, "a": 1 if atomic, "t": code}}}.
A field is a code, or [code, extras]. Codes: "!" required, "*" zero differs from absent, "?" null where absent, "~" {} where absent, "=" zero where absent, then "[" list of, "{" map of, "#" + definition,
or a scalar: s string, i int32, l int64, n number, b boolean, q quantity, o int-or-string, t time, m micro-time, y bytes, a any.
Extras: lt, mk list type and map keys; pk, ps merge key and patch strategies; e enum; d default; at atomic map.
"""

import importlib.resources
import json
import zlib
from pathlib import Path
from typing import Any

VERSION = "v1.36.0"
DATA = Path(__file__).parent / "data"

#: definitions that are one scalar or untyped JSON on the wire
SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "o",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "t",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "m",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "a",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "a",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "a",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "a",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "a",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "a",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "a",
}
#: defaults of fields that are keys of list items: patches and apply need them to tell items apart
DEFAULTS = {("ContainerPort", "protocol"): "TCP", ("ServicePort", "protocol"): "TCP"}
#: times and lists that are always written, null where they are absent (upstream: neither pointer nor omitempty)
NULLS = {
    "PodCondition": ("lastProbeTime", "lastTransitionTime"),
    "NodeCondition": ("lastHeartbeatTime", "lastTransitionTime"),
    "Event": ("core:eventTime", "core:firstTimestamp", "core:lastTimestamp", "events:eventTime")
    + ("events:deprecatedFirstTimestamp", "events:deprecatedLastTimestamp"),
    "HorizontalPodAutoscalerCondition": ("lastTransitionTime",),
    "ClusterRole": ("rules",),
    "EndpointSlice": ("endpoints", "ports"),
    "HorizontalPodAutoscalerStatus": ("currentMetrics",),
    "JobCondition": ("lastProbeTime", "lastTransitionTime"),
    "DeploymentCondition": ("lastUpdateTime", "lastTransitionTime"),
    "ReplicaSetCondition": ("lastTransitionTime",),
    "ReplicationControllerCondition": ("lastTransitionTime",),
    "DaemonSetCondition": ("lastTransitionTime",),
    "StatefulSetCondition": ("lastTransitionTime",),
    "NamespaceCondition": ("lastTransitionTime",),
    "PersistentVolumeClaimCondition": ("lastProbeTime", "lastTransitionTime"),
    "CertificateSigningRequestCondition": ("lastTransitionTime", "lastUpdateTime"),
    "Condition": ("lastTransitionTime",),
    "Role": ("rules",),
}
#: optional scalars whose zero is written all the same
WRITTEN = {
    "Event": ("core:reportingComponent", "core:reportingInstance"),
    "NodeRuntimeHandler": ("name",),
    "StatefulSetSpec": ("serviceName",),
    "StatefulSetStatus": ("availableReplicas",),
    "HorizontalPodAutoscalerStatus": ("desiredReplicas",),
}
#: objects that are always written, {} where they are absent
EMPTY = {
    "ContainerStatus": ("state", "lastState"),
    "Event": ("core:source", "core:involvedObject", "events:deprecatedSource", "events:regarding"),
}
EXTRAS = {
    "x-kubernetes-list-type": "lt",
    "x-kubernetes-list-map-keys": "mk",
    "x-kubernetes-patch-merge-key": "pk",
    "x-kubernetes-patch-strategy": "ps",
    "enum": "e",
}
VERBS = {
    "c": "create",
    "d": "delete",
    "D": "deletecollection",
    "g": "get",
    "l": "list",
    "p": "patch",
    "u": "update",
    "w": "watch",
}


def definitions() -> dict[str, Any]:
    """Upstream's definitions by full name."""
    root = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"{VERSION}-local"
    found: dict[str, Any] = json.loads((root / "_definitions.json").read_text())["$defs"]
    return found


def lines(name: str) -> list[str]:
    """The lines of a table that say something."""
    return [line for line in (DATA / name).read_text().splitlines() if line and not line.startswith("#")]


def pointers() -> dict[str, set[str]]:
    """Last name of a definition → fields whose zero is kept; "group:field" narrows one to the definitions of a group."""
    return {line.split()[0]: set(line.split()[1:]) for line in lines("pointers.txt")}


def code(schema: dict[str, Any]) -> str:
    """The code of a type, without its flags."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return SPECIAL.get(name, "#" + name)
    kind = schema.get("type")
    kind = next(t for t in kind if t != "null") if isinstance(kind, list) else kind
    if kind == "array":
        return "[" + code(schema["items"])
    if kind == "object":
        values = schema.get("additionalProperties")
        return "{" + code(values) if isinstance(values, dict) else "a"
    if kind == "string":
        return "y" if schema.get("format") == "byte" else "s"
    return {"integer": "i" if schema.get("format") == "int32" else "l", "number": "n", "boolean": "b", None: "a"}[kind]


def compact(name: str, schema: dict[str, Any], kept: dict[str, set[str]]) -> dict[str, Any]:
    """One definition in the form of the result."""
    short = name.rpartition(".")[2]
    group = name.split(".")[-3]
    wanted = kept.get(short, set())
    fields: dict[str, Any] = {}
    for field, place in schema.get("properties", {}).items():
        flags = "!" if field in schema.get("required", ()) else ""
        flags += "*" if field in wanted or f"{group}:{field}" in wanted else ""
        nulls = NULLS.get(short, ())
        flags += "?" if field in nulls or f"{group}:{field}" in nulls else ""
        written = WRITTEN.get(short, ())
        flags += "=" if field in written or f"{group}:{field}" in written else ""
        empty = EMPTY.get(short, ())
        flags += "~" if field in empty or f"{group}:{field}" in empty else ""
        extras = {EXTRAS[k]: v for k, v in place.items() if k in EXTRAS}
        if "ps" in extras:
            extras["ps"] = extras["ps"].split(",")
        if "e" in extras:
            extras["e"] = [v for v in extras["e"] if v is not None]
        if "x-kubernetes-map-type" in place:  # a field may say other than its type does: granular is 0
            extras["at"] = int(place["x-kubernetes-map-type"] == "atomic")
        if (short, field) in DEFAULTS:
            extras["d"] = DEFAULTS[short, field]
        fields[field] = [flags + code(place), extras] if extras else flags + code(place)
    return {"f": fields, "a": 1} if schema.get("x-kubernetes-map-type") == "atomic" else {"f": fields}


def verbs(text: str) -> list[str]:
    """The verbs behind letters, in the order of discovery."""
    return list(VERBS.values()) if text == "*" else sorted(VERBS[letter] for letter in text)


def subresource(text: str, kind: str) -> dict[str, Any]:
    """A subresource's name, verbs and kind from its short form."""
    name, _, rest = text.partition(":")
    letters, _, other = rest.partition(":")
    if name == "scale":
        other = "autoscaling/v1/Scale"
    version, _, kind_name = other.rpartition("/")
    return {
        "name": name,
        "verbs": verbs(letters or "gpu"),
        "api_version": version,
        "kind": kind_name or kind,
    }


def resources(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Every served resource, with the definition of its kind."""
    by_kind = {
        (f"{g['group']}/{g['version']}".lstrip("/"), g["kind"]): name
        for name, schema in known.items()
        for g in schema.get("x-kubernetes-group-version-kind", ())
    }
    made, api_version = [], ""
    for line in lines("resources.txt"):
        if line.startswith("["):
            api_version = line.strip("[]")
            continue
        plural, kind, scope, letters, short, categories, subs, *stored = line.split()
        made.append(
            {
                "api_version": api_version,
                "plural": plural,
                "kind": kind,
                "namespaced": scope == "N",
                "verbs": verbs(letters),
                "short_names": [] if short == "-" else short.split(","),
                "categories": [] if categories == "-" else categories.split(","),
                "subresources": [] if subs == "-" else [subresource(s, kind) for s in subs.split(",")],
                "storage_version": stored[0] if stored else api_version,
                "definition": by_kind[api_version, kind],
            }
        )
    return made


def wanted(known: dict[str, Any], served: list[dict[str, Any]]) -> dict[str, Any]:
    """The definitions that the served resources, the meta types and the sub-resources' kinds reach."""
    kept = pointers()
    queue = [r["definition"] for r in served]
    queue += [n for n in known if ".apis.meta.v1." in n and n not in SPECIAL]
    queue += ["io.k8s.api.autoscaling.v1.Scale", "io.k8s.api.policy.v1.Eviction"]
    queue += ["io.k8s.api.authentication.v1.TokenRequest"]
    queue += [r["definition"] + "List" for r in served if r["definition"] + "List" in known]
    found: dict[str, Any] = {}
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found[name] = compact(name, known[name], kept)
        codes = [c if isinstance(c, str) else c[0] for c in found[name]["f"].values()]
        queue += [c.partition("#")[2] for c in codes if "#" in c]
    return dict(sorted(found.items()))


def encoded(known: dict[str, Any], served: list[dict[str, Any]]) -> bytes:
    """The data before it is compressed."""
    made = {"resources": served, "definitions": wanted(known, served)}
    return json.dumps(made, separators=(",", ":")).encode()


def main() -> None:
    """Write schema.bin."""
    known = definitions()
    (DATA / "schema.bin").write_bytes(zlib.compress(encoded(known, resources(known)), 9))


if __name__ == "__main__":
    main()
