"""Whatever is sent to reviews, tokens, discovery and streams: a clear answer, never an internal error."""

import pytest

BODIES = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"\xff\xfe",
    b'{"spec":null}',
    b'{"spec":[]}',
    b'{"metadata":[],"spec":{}}',
    b'{"spec":{"user":1}}',
    b'{"spec":{"resourceAttributes":[]}}',
    b'{"spec":{"user":"a","resourceAttributes":{"fieldSelector":{"requirements":[null]}}}}',
    b'{"spec":{"extra":{"a":null},"user":"a","resourceAttributes":{}}}',
    b'{"spec":{"token":"a.b.c","audiences":[""]}}',
    b'{"spec":{"boundObjectRef":{}}}',
    b'{"spec":{"expirationSeconds":99999999999999999999}}',
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
]
REVIEWS = [
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews",
    "/apis/authentication.k8s.io/v1/tokenreviews",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "/api/v1/namespaces/default/serviceaccounts/robot/token",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
]
PATHS = [
    "/openapi/v3/apis/apps/v1/x",
    "/openapi/v3?hash=x",
    "/healthz?exclude=",
    "/version/%2F",
    "/apis/%2F/v1",
    "/%ff%fe",
    "/api/v1/nodes/a:b:c:d/proxy/",
    "/api/v1/namespaces/default/pods/p:x:y:z/proxy/",
    "/api/v1/namespaces/default/pods/x/log?tailLines=a",
    "/api/v1/namespaces/default/pods/x/exec/extra",
    "/api/v1/namespaces/default/pods/x/portforward?ports=a",
    "/api/v1/namespaces/%ff/pods/%fe/log",
]


@pytest.mark.parametrize("path", REVIEWS)
def test_bodies_that_are_none(api, path):
    api.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "robot"}})
    for body in BODIES:
        for kind in ("application/json", "application/yaml"):
            status, _, answer = api.raw("POST", path, body, {"Content-Type": kind})
            assert status < 500, (body[:60], kind, answer[:300])


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_are_none(api, path):
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for headers in ({}, {"Accept": "x/y"}, {"Impersonate-User": "u", "Impersonate-Extra-%zz": "x"}):
            status, _, answer = api.raw(method, path, None, headers)
            assert status < 500, (method, headers, answer[:300])
