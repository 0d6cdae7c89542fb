"""Admission policies through HTTP: deny, warn, audit, params, variables, mutation; one made with kubectl."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests import kubectl
from tests.server.cel.conftest import RULE, Make
from tests.server.conftest import Space, config_map
from tests.servers import APIServer


def test_deny_with_variables_and_messages(ns: Space, make: Make) -> None:
    """Variables build on each other; a message expression sees them too."""
    make(
        "Validating",
        {
            "variables": [
                {"name": "keys", "expression": "has(object.data) ? object.data.size() : 0"},
                {"name": "many", "expression": "variables.keys > 1"},
            ],
            "validations": [{"expression": "!variables.many", "messageExpression": "string(variables.keys) + ' keys'"}],
        },
        validationActions=["Deny"],
    )
    assert ns("POST", "configmaps", config_map("a"))[0] == 201
    status, answer = ns("POST", "configmaps", config_map("b", {"x": "1", "y": "2"}))
    assert status == 422 and answer["reason"] == "Invalid"
    assert answer["message"].endswith("denied request: 2 keys")


def test_warn_and_ignore(api: APIServer, ns: Space, make: Make) -> None:
    """Warn tells and lets pass; what cannot be evaluated passes where failures are ignored."""
    make("Validating", {"validations": [{"expression": "false", "message": "tut"}]}, validationActions=["Warn"])
    ignoring = {"failurePolicy": "Ignore", "validations": [{"expression": "object.data.none == 'x'"}]}
    make("Validating", ignoring, validationActions=["Deny"])
    status, headers, _ = api.raw("POST", ns.where("configmaps"), json.dumps(config_map("a")).encode())
    assert status == 201
    assert "tut" in str(dict(headers))


def test_params(ns: Space, make: Make) -> None:
    """A ConfigMap holds the limit; without it the binding's action decides."""
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConditions": [{"name": "others", "expression": "object.metadata.name != 'limits'"}],
        "validations": [{"expression": "object.data.size() <= int(params.data.most)"}],
    }
    assert ns("POST", "configmaps", config_map("limits", {"most": "1"}))[0] == 201
    make("Validating", spec, validationActions=["Deny"], paramRef={"name": "limits", "parameterNotFoundAction": "Deny"})
    assert ns("POST", "configmaps", config_map("a"))[0] == 201
    assert ns("POST", "configmaps", config_map("b", {"x": "1", "y": "2"}))[0] == 422
    assert ns("DELETE", "configmaps/limits")[0] == 200
    status, answer = ns("POST", "configmaps", config_map("c"))
    assert status == 422 and "no params found" in answer["message"]


def test_authorizer_and_namespace(ns: Space, make: Make) -> None:
    """The authorizer answers for who asks, and the namespace's labels are there."""
    expression = (
        "authorizer.group('').resource('secrets').namespace(request.namespace).check('get').allowed()"
        " && authorizer.requestResource.check('create').allowed() && namespaceObject.metadata.name == request.namespace"
    )
    make("Validating", {"validations": [{"expression": expression}]}, validationActions=["Deny"])
    assert ns("POST", "configmaps", config_map("a"))[0] == 201


def test_mutation(ns: Space, make: Make) -> None:
    """An apply configuration merges, a JSON patch follows it."""
    apply = "Object{metadata: Object.metadata{labels: {'a': object.metadata.name}}}"
    patch = "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('x/y').replace('~1', '-'), value: 'z'}]"
    mutations = [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": apply}},
        {"patchType": "JSONPatch", "jsonPatch": {"expression": patch}},
    ]
    make("Mutating", {"reinvocationPolicy": "Never", "mutations": mutations})
    status, made = ns("POST", "configmaps", config_map("a", None, labels={"own": "1"}))
    assert status == 201, made
    assert made["metadata"]["labels"] == {"own": "1", "a": "a"}
    assert made["data"] == {"k": "v", "x-y": "z"}


def test_rules_of_custom_resources(api: APIServer, ns: Space) -> None:
    """A definition with a rule refuses an object that breaks it."""
    group = f"{ns.name}.example.com"
    rules = [{"rule": "self.a <= self.b", "message": "a above b"}]
    fields = {"a": {"type": "integer"}, "b": {"type": "integer"}}
    spec = {"type": "object", "properties": fields, "x-kubernetes-validations": rules}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "widgets", "kind": "Widget"}
    crd = {
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    status, answer = api.request(
        "POST", path, {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **crd}
    )
    assert status == 201, answer
    deadline = time.monotonic() + 30
    while api.raw("GET", f"/apis/{group}/v1/widgets")[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    body = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"a": 2, "b": 1}}
    status, answer = ns("POST", f"{group}/v1:widgets", body)
    assert status == 422
    assert answer["details"]["causes"][0]["message"] == "Invalid value: a above b"


def test_with_kubectl(api: APIServer, ns: Space, tmp_path: Path) -> None:
    """A policy from a manifest, and what kubectl tells of a refusal."""
    tool = kubectl.path()
    if tool is None:
        pytest.skip("no kubectl")
    name = f"manifest-{ns.name}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [RULE]},
            "validations": [{"expression": "object.metadata.name != 'bad'", "message": "bad name"}],
        },
    }
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns.name}}}
    binding = {
        **policy,
        "kind": "ValidatingAdmissionPolicyBinding",
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here},
    }
    manifest = tmp_path / "policy.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]}))
    base = [tool, "--kubeconfig", str(api.kubeconfig)]
    subprocess.run([*base, "apply", "-f", str(manifest)], check=True, capture_output=True)
    refused = subprocess.run([*base, "-n", ns.name, "create", "configmap", "bad"], capture_output=True, text=True)
    subprocess.run([*base, "-n", ns.name, "create", "configmap", "good"], check=True, capture_output=True)
    subprocess.run([*base, "delete", "-f", str(manifest)], check=True, capture_output=True)
    assert refused.returncode == 1 and "denied request: bad name" in refused.stderr
