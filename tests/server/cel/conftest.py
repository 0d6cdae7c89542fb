"""Admission policies for tests through HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server.conftest import Space
from tests.servers import APIServer

GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
Make = Callable[..., None]


@pytest.fixture
def make(api: APIServer, ns: Space) -> Iterator[Make]:
    """make(sort, spec, binding): a policy and its binding for the test's namespace, gone afterwards."""
    made: list[str] = []

    def create(sort: str, spec: dict[str, Any], **binding: Any) -> None:
        name = f"{sort.lower()}-{ns.name}-{len(made)}"
        spec = {"matchConstraints": {"resourceRules": [RULE]}, **spec}
        here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns.name}}}
        bound = {"policyName": name, "matchResources": here, **binding}
        for kind, body in ((f"{sort}AdmissionPolicy", spec), (f"{sort}AdmissionPolicyBinding", bound)):
            plural = f"{kind.lower()}s".replace("policys", "policies")
            sent = {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": name},
                "spec": body,
            }
            status, answer = api.request("POST", f"{GROUP}/{plural}", sent)
            assert status == 201, answer
            made.append(f"{GROUP}/{plural}/{name}")

    yield create
    for path in made:
        api.request("DELETE", path)
