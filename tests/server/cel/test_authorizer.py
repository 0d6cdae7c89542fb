"""The authorizer in expressions, asked through HTTP as somebody with few rights."""

from typing import Any

import pytest

from tests.server.cel.conftest import Make
from tests.server.conftest import Space, config_map
from tests.servers import APIServer

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def rights(api: APIServer, ns: Space) -> None:
    """alice and the node n1 may create ConfigMaps in the test's namespace; alice may read pods too."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    for name, given, users in (("makers", rules, ["alice", "system:node:n1"]), ("readers", pods, ["alice"])):
        meta = {"name": name, "namespace": ns.name}
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": given}
        subjects = [{"kind": "User", "name": u, "apiGroup": "rbac.authorization.k8s.io"} for u in users]
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        binding = {**role, "kind": "RoleBinding", "subjects": subjects, "roleRef": ref}
        del binding["rules"]
        assert api.request("POST", f"{_RBAC}/namespaces/{ns.name}/roles", role)[0] == 201
        assert api.request("POST", f"{_RBAC}/namespaces/{ns.name}/rolebindings", binding)[0] == 201


def answer(ns: Space, make: Make, expression: str, user: str = "alice", group: str = "system:authenticated") -> Any:
    """What an expression of texts comes to, asked as a user."""
    validation = {"expression": "false", "messageExpression": f"'> ' + {expression}"}
    make("Validating", {"validations": [validation]}, validationActions=["Deny"])
    who = {"Impersonate_User": user, "Impersonate_Group": group}
    status, found = ns("POST", "configmaps", config_map("a"), **who)
    assert status == 422, found
    assert "denied request: > " in found["message"], found
    return found["message"].partition("> ")[2]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("check('get').allowed()", "true"),
        ("check('delete').allowed()", "false"),
        ("name('p').check('get').allowed()", "true"),
        ("labelSelector('a=b').check('list').allowed()", "true"),
        ("fieldSelector('spec.nodeName=n1').check('list').allowed()", "true"),
        ("fieldSelector('===').labelSelector('=(').check('list').allowed()", "true"),
        ("check('get').errored()", "false"),
    ],
)
@pytest.mark.usefixtures("rights")
def test_decisions(ns: Space, make: Make, check: str, expected: str) -> None:
    question = f"string(authorizer.group('').resource('pods').namespace('{ns.name}').{check})"
    assert answer(ns, make, question) == expected


@pytest.mark.usefixtures("rights")
def test_reasons(ns: Space, make: Make) -> None:
    """The reason is what a review of access shows, in both cases; there is no error."""
    pods = f"authorizer.group('').resource('pods').namespace('{ns.name}')"
    text = f"{pods}.check('get').reason() + '|' + {pods}.check('delete').error()"
    words = f'RBAC: allowed by RoleBinding "readers/{ns.name}" of Role "readers" to User "alice"'
    assert answer(ns, make, text) == f"{words}|"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("", "false"), (".fieldSelector('spec.nodeName=n1')", "true"), (".fieldSelector('spec.nodeName=n2')", "false")],
)
@pytest.mark.usefixtures("rights")
def test_a_node_may_list_what_is_its_own(ns: Space, make: Make, selector: str, expected: str) -> None:
    question = f"string(authorizer.group('').resource('pods'){selector}.check('list').allowed())"
    assert answer(ns, make, question, "system:node:n1", "system:nodes") == expected


@pytest.mark.usefixtures("rights")
def test_a_service_account_is_not_authenticated_at_large(ns: Space, make: Make) -> None:
    """Its groups are those of service accounts alone, as upstream has them."""
    question = f"string(authorizer.serviceAccount('{ns.name}', 'default').path('/apis').check('get').allowed())"
    assert answer(ns, make, question) == "false"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("authorizer.path(' ').check('get').allowed()", "path must not be empty"),
        ("authorizer.group('').resource('').check('get').allowed()", "resource must not be empty"),
        ("authorizer.serviceAccount('a', 'B').path('/x').check('get').allowed()", "Invalid service account name"),
        (
            "authorizer.serviceAccount('a.b', 'b').path('/x').check('get').allowed()",
            "Invalid service account namespace",
        ),
    ],
)
def test_what_cannot_be_asked(ns: Space, make: Make, question: str, words: str) -> None:
    make("Validating", {"validations": [{"expression": question}]}, validationActions=["Deny"])
    status, found = ns("POST", "configmaps", config_map("a"))
    assert status == 422 and found["message"].endswith(f"resulted in error: {words}")
