"""What the type checker says of policies, and that the server answers the controller that asks."""

from typing import Any

import pytest

from kk.kinds import registry
from kk.server.cel import typechecking
from tests.servers import APIServer

RESOURCES = registry.registry().resources
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "pods/status"]}


def told(expression: str, *rules: dict[str, Any], **spec: Any) -> list[str]:
    """The warnings of one validation."""
    found = {"matchConstraints": {"resourceRules": list(rules)}, "validations": [{"expression": expression}], **spec}
    return [w["warning"] for w in typechecking.warnings({"spec": found}, RESOURCES)]


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.replicas > 1",
        "object.metadata.creationTimestamp < timestamp('2024-01-01T00:00:00Z')",
        "object.spec.template.spec.containers.all(c, c.image.startsWith('a'))",
        "object.spec.template.spec.containers[0].ports[0].containerPort == 80",
        "has(object.metadata.labels) && object.metadata.labels['a'] == 'b'",
        "object.spec.strategy.rollingUpdate.maxSurge == 1 || object.spec.strategy.rollingUpdate.maxSurge == '25%'",
        "quantity(object.spec.template.spec.containers[0].resources.limits['cpu']).isGreaterThan(quantity('1'))",
        "oldObject == null || oldObject.spec.replicas == object.spec.replicas",
        "object.metadata.namespace == request.namespace && namespaceObject.metadata.name != ''",
        "authorizer.group('').resource('pods').check('get').allowed()",
        "authorizer.requestResource.check('get').allowed()",
    ],
)
def test_what_fits_is_not_told(expression: str) -> None:
    assert told(expression, DEPLOYMENTS) == []


def test_a_field_that_is_not_there_and_a_wrong_type() -> None:
    where = "object.spec.nothing == 1\n | ...........^\n"
    text = "ERROR: <input>:1:12: undefined field 'nothing'\n | " + where
    assert told("object.spec.nothing == 1", DEPLOYMENTS) == [f"apps/v1, Kind=Deployment: {text}"]
    [warning] = told("object.spec.replicas == 'one'", DEPLOYMENTS)
    assert "found no matching overload for '_==_' applied to '(int, string)'" in warning


def test_each_matched_kind_is_told_in_order() -> None:
    [warning] = told("object.nothing == 1", DEPLOYMENTS, PODS)
    first, second = warning.split("\n\n")
    assert first.startswith("/v1, Kind=Pod: ERROR") and second.startswith("apps/v1, Kind=Deployment: ERROR")


def test_what_is_not_named_is_not_looked_at() -> None:
    for rule in ({**DEPLOYMENTS, "apiGroups": ["*"]}, {**DEPLOYMENTS, "resources": ["*", "deployments/scale"]}):
        assert told("object.nothing == 1", rule) == []
    assert told("object.nothing == 1", {**DEPLOYMENTS, "apiVersions": ["v1", "*"]}) == []


def test_no_more_than_ten_types_of_a_rule() -> None:
    every = [r.plural for r in RESOURCES.values() if not r.group and r.version == "v1"]
    [warning] = told("object.nothing == 1", {**PODS, "resources": every}, DEPLOYMENTS)
    assert warning.count("Kind=") == 10 and "Deployment" not in warning


def test_variables_and_params_have_types() -> None:
    variables = [
        {"name": "count", "expression": "object.spec.replicas"},
        {"name": "broken", "expression": "object.spec.nothing"},
    ]
    assert told("variables.count > 1 && variables.broken == 1", DEPLOYMENTS, variables=variables) == []
    [warning] = told("variables.count == 'a'", DEPLOYMENTS, variables=variables)
    assert "(int, string)" in warning
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert told("params.data['a'] == 'b'", DEPLOYMENTS, paramKind=kind) == []
    [warning] = told("params.nothing == 'b'", DEPLOYMENTS, paramKind=kind)
    assert "undefined field 'nothing'" in warning


def test_the_server_answers_with_the_generation(api: APIServer) -> None:
    """A messageExpression is checked too; a policy that is not there is not found."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    rules = [{**DEPLOYMENTS, "operations": ["CREATE"]}]
    validation = {"expression": "object.spec.replicas > 1", "messageExpression": "object.spec.nothing"}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "typed"},
        "spec": {"matchConstraints": {"resourceRules": rules}, "validations": [validation]},
    }
    assert api.request("POST", path, policy)[0] == 201
    try:
        status, answer = api.request("GET", "/kk/typechecks/typed")
        assert status == 200 and answer["observedGeneration"] == 1
        assert [w["fieldRef"] for w in answer["expressionWarnings"]] == ["spec.validations[0].messageExpression"]
    finally:
        api.request("DELETE", f"{path}/typed")
    assert api.request("GET", "/kk/typechecks/typed")[0] == 404
