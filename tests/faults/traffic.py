"""Requests that nobody should send: every resource, verb, sub-resource, parameter and header, made wrong by chance.

`sent(seed, number)` is the same request in every run.
"""

import base64
import json
import random
from typing import Any, NamedTuple
from urllib.parse import quote

from kk.kinds.kind import Resource
from tests.faults import mutations, seeds
from tests.faults.mutations import TEXTS, damaged, json_bytes, mutated, protobuf_bytes, wild, yaml_bytes

NAMESPACES = ["default", "kube-system", "none"]
PATCHES = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
]
ACCEPTS = [
    "application/json", "application/yaml", "*/*", "application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "text/html", "a", ";;;",
    "application/json;as=Table;v=v9;g=x", "application/json;q=nan", "application/json;q=-1, */*;q=0", "," * 500, "application/json;stream=watch", "application/yaml;as=Table;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", "application/cbor", "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io",
]  # fmt: skip
TYPES = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/cbor",
    "text/plain",
    "",
    "application/json; charset=x",
    "*/*",
    ";",
    "application/json-patch+json",
]
ODD_PATHS = [
    "/", "//", "/api", "/apis", "/api/v2", "/apis/apps", "/apis/apps/v9", "/apis/nope.example/v1/things", "/api/v1/", "/api/v1//", "/api/v1/namespaces//pods", "/api/v1/namespaces/default/pods/",
    "/api/v1/namespaces/default/../../nodes", "/api/v1/%2e%2e/x", "/%", "/%zz", "/api/v1/namespaces/%00/pods", "/api/v1/namespaces/default/pods/%2F", "/api/v1/watch", "/api/v1/watch/pods/x/y/z",
    "/api/v1/proxy/nodes/x", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1?hash=z", "/version/", "/healthz/%2e", "/livez?verbose&exclude=%ff", "/metrics/x", "/logs/", "/debug/pprof/", "/.well-known/x",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/a.b/status", "/" + "a/" * 2000, "/" + "a" * 60_000, "/api/v1/nodes/" + "%41" * 3000, "/api/v1/namespaces/default/pods/x/proxy/" + "../" * 50,
]  # fmt: skip


class Sent(NamedTuple):
    """One request. `stream`: its answer may last."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    stream: bool = False


def sent(seed: int, number: int) -> Sent:
    """Request `number` of a run."""
    rng = random.Random(f"{seed}/{number}")
    how = rng.random()
    if how < 0.06:
        return _odd(rng)
    resource = rng.choice(seeds.resources())
    if how < 0.36:
        made = _create(resource, rng)
    elif how < 0.46:
        made = _update(resource, rng)
    elif how < 0.68:
        made = _patch(resource, rng)
    elif how < 0.75:
        made = _delete(resource, rng)
    elif how < 0.85:
        made = _read(resource, rng)
    else:
        made = _subresource(resource, rng)
    return _headers(made, rng)


def collection(resource: Resource, namespace: str = "default") -> str:
    """The path of a resource's collection."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    return f"{root}/namespaces/{namespace}/{resource.plural}" if resource.namespaced else f"{root}/{resource.plural}"


def _text(rng: random.Random) -> str:
    return quote(rng.choice(TEXTS).encode("utf-8", "surrogatepass")[:4000], safe="/" if rng.random() < 0.2 else "")


def _name(rng: random.Random) -> str:
    return _text(rng) if rng.random() < 0.15 else f"f{rng.randrange(4)}"


def _base(resource: Resource, rng: random.Random) -> dict[str, Any]:
    """A valid object under one of a few names, so that requests meet what earlier ones made."""
    base = dict(rng.choice(seeds.of(resource)))
    metadata = base.get("metadata")
    base["metadata"] = {**(metadata if isinstance(metadata, dict) else {}), "name": f"f{rng.randrange(4)}"}
    if resource.namespaced:
        base["metadata"]["namespace"] = "default"
    return base


def _body(resource: Resource, obj: Any, rng: random.Random) -> tuple[bytes, str]:
    """(bytes, content type) of an object, or of what is left of it."""
    how = rng.random()
    if how < 0.70:
        return json_bytes(obj), "application/json"
    if how < 0.82:
        return damaged(json_bytes(obj), rng), "application/json"
    if how < 0.92:
        return yaml_bytes(obj, rng), "application/yaml"
    if how < 0.97:
        return protobuf_bytes(resource.api_version, resource.kind, rng), "application/vnd.kubernetes.protobuf"
    return json_bytes(obj), rng.choice(TYPES)


def _broken(resource: Resource, rng: random.Random) -> Any:
    times = 0 if rng.random() < 0.3 else rng.choice((1, 1, 1, 2, 5))
    return mutated(_base(resource, rng), resource.schema, rng, times)


def _options(rng: random.Random) -> str:
    pairs = []
    for key, values in (
        ("dryRun", ["All", "x", ""]),
        ("fieldManager", ["m", "", "a" * 200, "%00", "%E2%80%AE"]),
        ("fieldValidation", ["Strict", "Warn", "Ignore", "x"]),
        ("pretty", ["true", "x"]),
        ("force", ["true", "x", ""]),
        ("timeout", ["1s", "x", "-5s", "9999999h"]),
        ("gracePeriodSeconds", ["0", "-1", "x", "9" * 30]),
        ("propagationPolicy", ["Orphan", "x", ""]),
        ("orphanDependents", ["true", "x"]),
    ):
        if rng.random() < 0.12:
            pairs.append(f"{key}={rng.choice(values)}")
    if rng.random() < 0.05:
        pairs.append(f"{_text(rng)}={_text(rng)}")
    return "?" + "&".join(pairs) if pairs else ""


def _create(resource: Resource, rng: random.Random) -> Sent:
    body, media = _body(resource, _broken(resource, rng), rng)
    namespace = rng.choice(NAMESPACES) if rng.random() < 0.1 else "default"
    return Sent("POST", collection(resource, namespace) + _options(rng), {"Content-Type": media}, body)


def _update(resource: Resource, rng: random.Random) -> Sent:
    obj = _broken(resource, rng)
    name = (
        obj["metadata"].get("name", "f0") if isinstance(obj, dict) and isinstance(obj.get("metadata"), dict) else "f0"
    )
    body, media = _body(resource, obj, rng)
    where = quote(str(name)[:200].encode("utf-8", "surrogatepass")) if rng.random() < 0.9 else _name(rng)
    return Sent("PUT", f"{collection(resource)}/{where}{_options(rng)}", {"Content-Type": media}, body)


def _delete(resource: Resource, rng: random.Random) -> Sent:
    body: bytes | None = None
    media = "application/json"
    if rng.random() < 0.7:
        options: Any = {"kind": "DeleteOptions", "apiVersion": "v1"}
        for _ in range(rng.randrange(4)):
            key = rng.choice(
                (
                    "gracePeriodSeconds",
                    "preconditions",
                    "orphanDependents",
                    "propagationPolicy",
                    "dryRun",
                    "kind",
                    "apiVersion",
                    "x",
                    "ignoreStoreReadErrorWithClusterBreakingPotential",
                )
            )
            values = [
                wild(rng),
                0,
                30,
                "Orphan",
                "Foreground",
                ["All"],
                {"uid": "x"},
                {"resourceVersion": "1"},
                {"uid": 1},
            ]
            options[key] = rng.choice(values)
        body, media = (json_bytes(options), media) if rng.random() < 0.7 else _body(resource, options, rng)
    if rng.random() < 0.06:  # a whole collection, seldom, so that something stays to work on
        return Sent("DELETE", collection(resource) + "?labelSelector=" + _text(rng), {"Content-Type": media}, body)
    return Sent("DELETE", f"{collection(resource)}/{_name(rng)}{_options(rng)}", {"Content-Type": media}, body)


def _selector(rng: random.Random) -> str:
    how = rng.randrange(5)
    if how == 0:
        return ",".join(f"k{n}=v" for n in range(3000))
    if how == 1:
        return f"a in ({','.join(f'v{n}' for n in range(5000))})"
    if how == 2:
        return "(" * 2000
    if how == 3:
        return "".join(rng.choice("ab!=(),in notin<>\\ \t'\"\x00") for _ in range(rng.randrange(40)))
    return rng.choice(TEXTS)[:5000]


def _token(rng: random.Random) -> str:
    data = rng.choice([
        {"v": "meta.k8s.io/v1", "rv": rng.choice([1, -1, 5, 2**63, "1", None, 0.5]), "start": rng.choice(["default/f1\x00", "", "../x", "\x00", 5, "é", "a" * 5000])},
        {"v": 1}, [], "x", None, {"v": "meta.k8s.io/v2"},
    ])  # fmt: skip
    text = json.dumps(data).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=") if rng.random() < 0.8 else _text(rng)


def _read(resource: Resource, rng: random.Random) -> Sent:
    path = collection(resource)
    if rng.random() < 0.3:
        path += f"/{_name(rng)}"
    pairs = []
    for key, values in (
        ("limit", ["1", "2", "0", "-1", "x", "9" * 30]),
        ("resourceVersion", ["0", "1", "x", "-1", "9" * 30, "999999", "1.5", "%D9%A1"]),
        ("resourceVersionMatch", ["Exact", "NotOlderThan", "x"]),
        ("timeoutSeconds", ["1", "x", "-1"]),
        ("allowWatchBookmarks", ["true", "x"]),
        ("sendInitialEvents", ["true", "x"]),
        ("includeObject", ["None", "Object", "x"]),
        ("pretty", ["true"]),
        ("shardSelector", ["x"]),
    ):
        if rng.random() < 0.2:
            pairs.append(f"{key}={rng.choice(values)}")
    for key, make in (("labelSelector", _selector), ("fieldSelector", _selector), ("continue", _token)):
        if rng.random() < 0.25:
            pairs.append(f"{key}={quote(make(rng).encode('utf-8', 'surrogatepass'))}")
    watching = rng.random() < 0.25
    if watching:
        pairs.append(f"watch={rng.choice(['true', '1', 'x', ''])}")
    method = "GET" if rng.random() < 0.95 else rng.choice(("HEAD", "OPTIONS", "POST", "PUT"))
    return Sent(method, path + ("?" + "&".join(pairs) if pairs else ""), {}, None, watching)


def _json_patch(resource: Resource, rng: random.Random) -> Any:
    base = _base(resource, rng)
    found = [p for p, _ in mutations.places(base, resource.schema)]
    ops: list[Any] = []
    for _ in range(rng.choice((1, 1, 2, 4))):
        path = "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in rng.choice(found))
        if rng.random() < 0.2:
            path = rng.choice(
                (
                    "",
                    "/",
                    "x",
                    "/-",
                    "/spec/-",
                    "/metadata/labels/~2",
                    "/metadata/managedFields/0",
                    "/a/b/c",
                    "/spec/containers/99",
                    "/spec/containers/+0",
                    "/" + "9" * 5000,
                )
            )
        op: Any = {
            "op": rng.choice(("add", "remove", "replace", "move", "copy", "test", "x", None)),
            "path": path,
            "value": wild(rng),
        }
        if op["op"] in ("move", "copy"):
            op["from"] = rng.choice((path, "/metadata", "/spec", "", "/metadata/labels", 5))
        if rng.random() < 0.1:
            op.pop(rng.choice(list(op)))
        ops.append(op if rng.random() < 0.95 else wild(rng))
    if rng.random() < 0.02:
        return [{"op": "test", "path": "/kind", "value": "x"}] * rng.choice((9_999, 10_001))
    if rng.random() < 0.03:
        bomb = [{"op": "add", "path": "/metadata/annotations", "value": {"a": "x" * 1000}}]
        return bomb + [
            {"op": "copy", "from": "/metadata/annotations", "path": f"/metadata/annotations/c{n}"}
            for n in range(rng.choice((5, 30, 200)))
        ]
    return ops if rng.random() < 0.95 else wild(rng)


_DIRECTIVES: list[Any] = [
    {"$patch": "delete"}, {"$patch": "replace"}, {"$patch": "merge"}, {"$patch": 5}, {"$retainKeys": "x"}, {"$retainKeys": [1]}, {"$setElementOrder/containers": "x"},
    {"$setElementOrder/containers": [{"x": 1}]}, {"$deleteFromPrimitiveList/finalizers": 5}, {"$deleteFromPrimitiveList/finalizers": [None]}, {"containers": [{"$patch": "delete"}]},
    {"containers": [{"name": None}]}, {"containers": ["x"]}, {"$setElementOrder/": []}, {"ports": [{"$patch": "replace"}, {"$patch": "replace"}]},
]  # fmt: skip


def _strategic(resource: Resource, rng: random.Random) -> Any:
    obj = mutated(_base(resource, rng), resource.schema, rng, 1)
    found = [p for p, _ in mutations.places(obj, None)]
    if rng.random() < 0.6:
        where = rng.choice(found)
        obj = mutations.put(obj, where, rng.choice(_DIRECTIVES))
    return obj


_MANAGED: list[Any] = [
    {"manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"k:{": {}}}}, {"operation": "x"}, {"fieldsV1": 5}, None, {},
    {"manager": "m", "operation": "Update", "apiVersion": "no/v9", "time": "x", "fieldsType": "FieldsV1", "fieldsV1": {}}, {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV9"},
    {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"v:1": {}, "i:-1": {}, ".": {}, "q:x": {}, "f:": 5}},
    {"manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:containers": {'k:{"name":"x"}': {".": {}}}}}},
]  # fmt: skip


def _patch(resource: Resource, rng: random.Random) -> Sent:
    media = rng.choice(PATCHES)
    if media == PATCHES[0]:
        patch = _json_patch(resource, rng)
    elif media == PATCHES[2]:
        patch = _strategic(resource, rng)
    else:
        patch = mutated(_base(resource, rng), resource.schema, rng, rng.choice((0, 1, 1, 3)))
    if isinstance(patch, dict) and isinstance(patch.get("metadata"), dict) and rng.random() < 0.1:
        patch["metadata"]["managedFields"] = [rng.choice(_MANAGED) for _ in range(rng.randrange(3))]
    body = json_bytes(patch)
    if rng.random() < 0.12:
        body = yaml_bytes(patch, rng) if media == PATCHES[3] else damaged(body, rng)
    name = _name(rng)
    if isinstance(patch, dict) and isinstance(patch.get("metadata"), dict) and rng.random() < 0.8:
        name = quote(str(patch["metadata"].get("name", "f0"))[:200].encode("utf-8", "surrogatepass"))
    query = _options(rng)
    if media == PATCHES[3] and rng.random() < 0.9:
        query = "?fieldManager=m" + rng.choice(("", "&force=true"))
    return Sent(
        "PATCH",
        f"{collection(resource)}/{name}{query}",
        {"Content-Type": media if rng.random() < 0.97 else rng.choice(TYPES)},
        body,
    )


_CONNECTS = [
    "log",
    "exec",
    "attach",
    "portforward",
    "proxy",
    "proxy/a/b",
    "nosuch",
    "status",
    "scale",
    "eviction",
    "binding",
    "token",
    "finalize",
    "approval",
    "ephemeralcontainers",
    "resize",
]


def _subresource(resource: Resource, rng: random.Random) -> Sent:
    names = list(resource.subresources) or _CONNECTS
    name = rng.choice(names) if rng.random() < 0.85 else rng.choice(_CONNECTS)
    path = f"{collection(resource)}/{_name(rng)}/{name}"
    method = rng.choice(("GET", "PUT", "PATCH", "POST", "POST", "DELETE"))
    if method == "GET":
        query = rng.choice(
            (
                "",
                "?command=x",
                "?container=%00&tailLines=x",
                "?follow=true&limitBytes=-1",
                "?stdout=x&command=",
                "?ports=x",
                "?path=..",
                "?sinceTime=x&sinceSeconds=1",
                "?timestamps=x",
            )
        )
        return Sent(method, path + query, {}, None, "log" in name or "proxy" in name)
    if name == "scale" and rng.random() < 0.7:
        obj: Any = {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": {"name": "f1"},
            "spec": {"replicas": wild(rng)},
        }
    elif name in ("eviction", "binding", "token") and rng.random() < 0.7:
        kind, version = {
            "eviction": ("Eviction", "policy/v1"),
            "binding": ("Binding", "v1"),
            "token": ("TokenRequest", "authentication.k8s.io/v1"),
        }[name]
        inner = {
            "target": wild(rng),
            "spec": rng.choice(
                [wild(rng), {"expirationSeconds": wild(rng)}, {"audiences": wild(rng)}, {"boundObjectRef": wild(rng)}]
            ),
            "deleteOptions": wild(rng),
        }
        obj = {
            "kind": kind,
            "apiVersion": version,
            "metadata": rng.choice([{"name": "f1"}, wild(rng)]),
            **{k: v for k, v in inner.items() if rng.random() < 0.6},
        }
    else:
        obj = _broken(resource, rng)
    if method == "PATCH":
        media = rng.choice(PATCHES)
        query = "?fieldManager=m" if media == PATCHES[3] else ""
        patch = _json_patch(resource, rng) if media == PATCHES[0] else obj
        return Sent(method, path + query, {"Content-Type": media}, json_bytes(patch))
    body, media = _body(resource, obj, rng)
    return Sent(method, path + _options(rng), {"Content-Type": media}, body)


def _odd(rng: random.Random) -> Sent:
    path = rng.choice(ODD_PATHS)
    if rng.random() < 0.2:
        path += rng.choice(("?", "&")) + "a=%zz;b&&=&=x" + _text(rng)
    method = rng.choice(("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"))
    return Sent(
        method,
        path,
        {"Accept": rng.choice(ACCEPTS)},
        b"{}" if method in ("POST", "PUT", "PATCH") else None,
        "watch" in path,
    )


def _headers(made: Sent, rng: random.Random) -> Sent:
    headers = dict(made.headers)
    if rng.random() < 0.12:
        headers["Accept"] = rng.choice(ACCEPTS)
    if rng.random() < 0.05:
        name, value = rng.choice([
            ("Impersonate-User", "u"), ("Impersonate-User", ""), ("Impersonate-Group", "g"), ("Impersonate-Extra-%zz", "x"), ("Impersonate-Uid", "1"), ("Authorization", "Bearer a.b.c"),
            ("Authorization", "Bearer " + "x" * 5000), ("Authorization", "Basic é"), ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."), ("Accept-Encoding", "gzip;q=x"), ("X-Remote-User", "root"),
            ("If-None-Match", '"x'), ("Content-Encoding", "gzip"), ("Cookie", "a" * 3000), ("X-Forwarded-For", "1.2.3.4"), ("Upgrade", "SPDY/3.1"), ("Origin", "null"), ("Audit-ID", "x" * 200),
        ])  # fmt: skip
        headers[name] = value
    return made._replace(headers=headers)
