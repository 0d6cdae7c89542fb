"""Bad input gets a clear error each and never an internal one: over HTTP, and as a person sees it with kk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import APIServer

KK = str(Path(sys.executable).with_name("kk"))
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with APIServer(tmp_path_factory.mktemp("bad") / "data") as one:
        yield one


def config_map(name="a", **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more}


def deployment(**spec):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    whole = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": whole}


CASES = {
    "malformed JSON": (MAPS, b"{", 400, "BadRequest", ""),
    "no JSON at all": (MAPS, b"\xff\xfe\x00", 400, "BadRequest", ""),
    "an empty body": (MAPS, b"", 422, "Invalid", "name or generateName is required"),
    "a list": (MAPS, b"[]", 400, "BadRequest", ""),
    "a string": (MAPS, b'"x"', 400, "BadRequest", ""),
    "deep nesting": (MAPS, b'{"data":' * 50_000 + b"1" + b"}" * 50_000, 400, "BadRequest", ""),
    "deep lists": (MAPS, b"[" * 100_000, 400, "BadRequest", ""),
    "10 MB": (
        MAPS,
        json.dumps(config_map(data={"a": "x" * 10_000_000})).encode(),
        413,
        "RequestEntityTooLarge",
        "limit is 3145728",
    ),
    "an unknown field": (
        f"{MAPS}?fieldValidation=Strict",
        config_map(dta={}),
        400,
        "BadRequest",
        'unknown field "dta"',
    ),
    "a number for a string": (MAPS, config_map(data={"a": 1}), 400, "BadRequest", ""),
    "a string for a number": (
        "/apis/apps/v1/namespaces/default/deployments",
        deployment(replicas="three"),
        400,
        "BadRequest",
        "",
    ),
    "a name with capitals": (
        MAPS,
        config_map("Upper"),
        422,
        "Invalid",
        "a lowercase RFC 1123 subdomain must consist of",
    ),
    "a name with a slash": (MAPS, config_map("a/b"), 422, "Invalid", "metadata.name"),
    "a long name": (MAPS, config_map("a" * 254), 422, "Invalid", "metadata.name"),
    "no name": (
        MAPS,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}},
        422,
        "Invalid",
        "name or generateName is required",
    ),
    "another kind": (MAPS, {**config_map(), "kind": "Secret"}, 400, "BadRequest", ""),
    "another version": (MAPS, {**config_map(), "apiVersion": "v2"}, 400, "BadRequest", ""),
    "another namespace": (
        MAPS,
        {**config_map(), "metadata": {"name": "a", "namespace": "kube-system"}},
        400,
        "BadRequest",
        "does not match",
    ),
    "a bad label": (
        MAPS,
        {**config_map(), "metadata": {"name": "a", "labels": {"a b": "c"}}},
        422,
        "Invalid",
        "metadata.labels",
    ),
    "a negative size": (
        "/apis/apps/v1/namespaces/default/deployments",
        deployment(replicas=-1),
        422,
        "Invalid",
        "spec.replicas",
    ),
    "a namespace that is not there": (
        "/api/v1/namespaces/none/configmaps",
        config_map(),
        404,
        "NotFound",
        'namespaces "none" not found',
    ),
    "a resource that is not there": (
        "/api/v1/namespaces/default/gadgets",
        config_map(),
        404,
        "NotFound",
        "could not find the requested resource",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_over_http(server, case):
    path, body, code, reason, words = CASES[case]
    status, answer = server.request("POST", path, body)
    assert (status, answer["kind"], answer["reason"]) == (code, "Status", reason), answer
    assert words in answer["message"]
    assert "Traceback" not in answer["message"]
    assert answer["message"]


@pytest.mark.parametrize(
    "query",
    [
        "labelSelector=a%20b%20c",
        "fieldSelector=x%3Dy",
        "limit=x",
        "resourceVersion=abc",
        "continue=zzz",
        "watch=true&resourceVersion=abc",
    ],
)
def test_bad_queries(server, query):
    status, answer = server.request("GET", f"{MAPS}?{query}")
    if answer.get("type") == "ERROR":  # a watch tells it in the stream
        status, answer = answer["object"]["code"], answer["object"]
    assert 400 <= status < 500, (status, answer)
    assert answer["message"]


def test_a_content_type_that_is_not_read(server):
    status, answer = server.request("POST", MAPS, b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, answer["reason"]) == (415, "UnsupportedMediaType")


def test_nothing_of_it_was_kept(server):
    assert [
        m["metadata"]["name"]
        for m in server.request("GET", MAPS)[1]["items"]
        if m["metadata"]["name"] != "kube-root-ca.crt"
    ] == []


FILES = {
    "malformed YAML": ("a: [", "error: error parsing"),
    "a tab": ("kind: X\n\tb: 1", "error: error parsing"),
    "no kind": ("apiVersion: v1\nmetadata: {name: a}\n", "kind"),
    "an unknown kind": (
        "apiVersion: v1\nkind: Gadget\nmetadata: {name: a}\n",
        'no matches for kind "Gadget" in version "v1"',
    ),
    "an unknown field": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n", 'unknown field "dta"'),
    "a wrong type": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: [1]\n", "BadRequest"),
    "a bad name": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}\n",
        'The ConfigMap "A_b" is invalid: metadata.name',
    ),
    "deep nesting": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: " + "{a: " * 3000 + "1" + "}" * 3000,
        "error",
    ),
    "nothing": ("", "error: no objects passed to"),
}


@pytest.mark.parametrize("verb", ["create", "apply"])
@pytest.mark.parametrize("case", FILES)
def test_with_kk(server, tmp_path, case, verb):
    text, words = FILES[case]
    (tmp_path / "f.yaml").write_text(text)
    env = {**os.environ, "KUBECONFIG": str(server.kubeconfig), "HOME": str(tmp_path)}
    done = subprocess.run([KK, verb, "-f", "f.yaml"], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert "failed inside" not in done.stderr
