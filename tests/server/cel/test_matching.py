"""What policies match, in which order they mutate, and what they tell the audit log; through HTTP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.cel.conftest import RULE, Make
from tests.server.conftest import Space, config_map
from tests.servers import APIServer

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIServer]:
    """A server that audits."""
    place = tmp_path_factory.mktemp("api")
    policy = place / "policy.yaml"
    rules = [{"level": "Metadata"}]
    policy.write_text(
        yaml.safe_dump(
            {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
        )
    )
    arguments = (f"--audit-policy-file={policy}", f"--audit-log-path={_log(place / 'data')}")
    with APIServer(place / "data", 0, *arguments) as server:
        yield server


def _log(data: Path) -> Path:
    return data.with_name("audit.log")


def define(api: APIServer, ns: Space, fields: dict[str, Any]) -> str:
    """A custom resource Limit of the test's own; its api version."""
    group = f"{ns.name}.example.com"
    spec = {"type": "object", "properties": fields}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "limits", "kind": "Limit"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"limits.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    assert api.request("POST", _DEFINITIONS, crd)[0] == 201
    deadline = time.monotonic() + 30
    while api.raw("GET", f"/apis/{group}/v1/limits")[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    return f"{group}/v1"


def test_custom_resources_are_params(api: APIServer, ns: Space, make: Make) -> None:
    """A change of the param holds for the next write."""
    version = define(api, ns, {"most": {"type": "integer"}})
    limit = {"apiVersion": version, "kind": "Limit", "metadata": {"name": "limit"}, "spec": {"most": 1}}
    assert ns("POST", f"{version}:limits", limit)[0] == 201
    spec = {
        "paramKind": {"apiVersion": version, "kind": "Limit"},
        "validations": [
            {"expression": "object.data.size() <= params.spec.most", "messageExpression": "string(params.spec.most)"}
        ],
    }
    reference = {"name": "limit", "namespace": ns.name, "parameterNotFoundAction": "Deny"}
    make("Validating", spec, validationActions=["Deny"], paramRef=reference)
    two = {"x": "1", "y": "2"}
    assert ns("POST", "configmaps", config_map("a"))[0] == 201
    status, answer = ns("POST", "configmaps", config_map("b", two))
    assert status == 422 and answer["message"].endswith("denied request: 1")
    assert ns.patch(f"{version}:limits/limit", {"spec": {"most": 2}})[0] == 200
    assert ns("POST", "configmaps", config_map("b", two))[0] == 201


def test_what_is_excluded_is_not_asked_about(ns: Space, make: Make) -> None:
    """Rules that exclude go before those that match, by operation and by name, in policy and binding."""
    by_name = {**RULE, "resourceNames": ["free"]}
    updates = {**RULE, "operations": ["UPDATE"]}
    constraints = {"resourceRules": [RULE], "excludeResourceRules": [by_name, updates]}
    make(
        "Validating",
        {"matchConstraints": constraints, "validations": [{"expression": "object.data.k == 'v'"}]},
        validationActions=["Deny"],
    )
    assert ns("POST", "configmaps", config_map("held", {"k": "x"}))[0] == 422
    assert ns("POST", "configmaps", config_map("free", {"k": "x"}))[0] == 201
    assert ns("POST", "configmaps", config_map("held"))[0] == 201
    assert ns.patch("configmaps/held", {"data": {"k": "x"}})[0] == 200


@pytest.mark.parametrize(
    ("again", "seen"),
    [("IfNeeded", {"first": "", "second": "", "saw": ""}), ("Never", {"first": "", "second": ""})],
)
def test_a_policy_is_asked_again_after_others_have_changed_the_object(
    ns: Space, make: Make, again: str, seen: dict[str, str]
) -> None:
    """The first adds a label once it sees what the second did."""

    def mutate(expression: str, policy: str) -> None:
        mutations = [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}]
        make("Mutating", {"reinvocationPolicy": policy, "failurePolicy": "Fail", "mutations": mutations})

    def label(name: str) -> str:
        return f"Object{{metadata: Object.metadata{{labels: {{'{name}': ''}}}}}}"

    has = "has(object.metadata.labels) && 'second' in object.metadata.labels"
    mutate(f"{has} ? {label('saw')} : {label('first')}", again)
    mutate(label("second"), "Never")
    status, made = ns("POST", "configmaps", config_map("a"))
    assert status == 201, made
    assert made["metadata"]["labels"] == seen


def test_audit_annotations_reach_the_log(api: APIServer, ns: Space, make: Make) -> None:
    """Those of the policy, and failures where the binding says Audit."""
    spec = {
        "validations": [{"expression": "object.data.k == 'v'", "message": "not v"}],
        "auditAnnotations": [{"key": "found", "valueExpression": "'k is ' + object.data.k"}],
    }
    make("Validating", spec, validationActions=["Audit"])
    assert ns("POST", "configmaps", config_map("a", {"k": "x"}))[0] == 201
    name = f"validating-{ns.name}-0"
    deadline = time.monotonic() + 30
    events: list[Any] = []
    while not events and time.monotonic() < deadline:
        lines = _log(api.data_dir).read_text().splitlines()
        uri = ns.where("configmaps")
        events = [e for line in lines if (e := json.loads(line))["requestURI"] == uri and e["verb"] == "create"]
        time.sleep(0.05)
    notes = events[0]["annotations"]
    assert notes[f"{name}/found"] == "k is x"
    [failure] = json.loads(notes["validation.policy.admission.k8s.io/validation_failure"])
    assert failure == {
        "message": "not v",
        "policy": name,
        "binding": name,
        "expressionIndex": 0,
        "validationActions": ["Audit"],
    }


def test_a_catastrophic_pattern_holds_nobody(api: APIServer, ns: Space) -> None:
    """Tried in all ways it would outlast the test run."""
    version = define(api, ns, {"text": {"type": "string", "pattern": "^(a+)+$"}})
    body = {"apiVersion": version, "kind": "Limit", "metadata": {"name": "a"}, "spec": {"text": "a" * 50_000 + "!"}}
    status, answer = ns("POST", f"{version}:limits", body)
    assert status == 422 and "should match '^(a+)+$'" in answer["message"]
