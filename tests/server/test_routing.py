"""What paths mean."""

import pytest

from kk.server.routing import Router, parse


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /api/v1/namespaces", ("list", "", "v1", "namespaces", "", "", "")),
        ("GET /api/v1/namespaces/a", ("get", "", "v1", "namespaces", "", "a", "a")),
        ("GET /api/v1/namespaces/a/status", ("get", "", "v1", "namespaces", "status", "a", "a")),
        ("PUT /api/v1/namespaces/a/finalize", ("update", "", "v1", "namespaces", "finalize", "a", "a")),
        ("GET /api/v1/namespaces/a/pods", ("list", "", "v1", "pods", "", "a", "")),
        ("GET /api/v1/namespaces/a/pods/p/", ("get", "", "v1", "pods", "", "a", "p")),
        ("POST /api/v1/namespaces/a/pods/p/eviction", ("create", "", "v1", "pods", "eviction", "a", "p")),
        (
            "DELETE /apis/apps/v1/namespaces/a/deployments",
            ("deletecollection", "apps", "v1", "deployments", "", "a", ""),
        ),
        ("GET /apis/apps/v1/deployments?watch=true", ("watch", "apps", "v1", "deployments", "", "", "")),
        ("GET /apis/apps/v1/deployments?watch=0", ("list", "apps", "v1", "deployments", "", "", "")),
        ("GET /api/v1/watch/namespaces/a/pods/p", ("watch", "", "v1", "pods", "", "a", "p")),
        ("GET /api/v1/nodes?fieldSelector=metadata.name%3Dn", ("list", "", "v1", "nodes", "", "", "n")),
        ("PATCH /api/v1/nodes/n", ("patch", "", "v1", "nodes", "", "", "n")),
    ],
)
def test_resources(request_line: str, expected: tuple[str, ...]) -> None:
    method, _, target = request_line.partition(" ")
    path, _, query = target.partition("?")
    info = parse(method, path.encode(), query.encode())
    assert info.is_resource
    found = (info.verb, info.group, info.version, info.resource, info.subresource, info.namespace, info.name)
    assert found == expected


@pytest.mark.parametrize(
    "path", ["/", "/api", "/apis/apps", "/apis/apps/v1", "/version", "/healthz/ping", "//api/v1/pods"]
)
def test_other_paths_keep_their_method(path: str) -> None:
    info = parse("GET", path.encode(), b"")
    assert (info.is_resource, info.verb, info.path) == (False, "get", path)


def test_a_proxied_path_keeps_its_rest() -> None:
    info = parse("GET", b"/api/v1/namespaces/a/services/http:s:80/proxy/x/y%20z", b"q=1")
    assert (info.name, info.subresource, info.parts[3:]) == ("http:s:80", "proxy", ("x", "y z"))


def test_what_was_cut_is_remembered_per_method() -> None:
    router = Router()
    first = router.resolve("GET", b"/api/v1/nodes", b"")
    assert router.resolve("GET", b"/api/v1/nodes", b"") is first
    assert router.resolve("POST", b"/api/v1/nodes", b"").verb == "create"
    assert router.resolve("GET", b"/api/v1/nodes", b"watch=1").verb == "watch"
