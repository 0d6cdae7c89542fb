"""Aggregation through HTTP and kubectl: requests, identity, watches, availability, discovery, OpenAPI, and the APIServices of the server's own."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection, events

from tests.server.aggregation.wardle import GROUP, ROOT, VERSION, Wardle
from tests.server.https import Authority, Obj
from tests.servers import APIServer

_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
_NAME = f"{VERSION}.{GROUP}"
_MERGE = {"Content-Type": "application/merge-patch+json"}


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    """What a look finds, once it finds something."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def watched(api: APIServer, path: str, wanted: Callable[[Obj], bool]) -> Obj:
    """The object as the first event shows it that is wanted."""
    connection = api.connect(60)
    connection.request("GET", f"{path}&watch=1" if "?" in path else f"{path}?watch=1")
    response = connection.getresponse()
    try:
        while line := response.readline():
            event: Obj = json.loads(line)
            if event["type"] != "DELETED" and wanted(event["object"]):
                return dict(event["object"])
    finally:
        connection.close()
    raise AssertionError("the watch ended")


def condition(api: APIServer, reason: str) -> Obj:
    """The Available condition, once it has a reason."""

    def find(obj: Obj) -> Obj | None:
        found = (obj.get("status") or {}).get("conditions") or []
        return next((c for c in found if c["type"] == "Available" and c["reason"] == reason), None)

    obj = watched(api, f"{_SERVICES}?fieldSelector=metadata.name={_NAME}", lambda o: find(o) is not None)
    return find(obj) or {}


def register(api: APIServer, **spec: Any) -> None:
    """Make the APIService."""
    service = {"namespace": "default", "name": "wardle", "port": spec.pop("port", 443)}
    whole = {
        "group": GROUP,
        "version": VERSION,
        "groupPriorityMinimum": 1000,
        "versionPriority": 15,
        "service": service,
    }
    body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": _NAME}}
    status, answer = api.request("POST", _SERVICES, {**body, "spec": {**whole, **spec}})
    assert status == 201, answer


def serve_as(api: APIServer, port: int) -> None:
    """A Service that leads to this machine."""
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "wardle"}, "spec": spec}
    assert api.request("POST", "/api/v1/namespaces/default/services", body)[0] == 201


@pytest.fixture(scope="module")
def wardle(api: APIServer) -> Iterator[Wardle]:
    """The aggregated server, registered and available."""
    authority = Authority()
    front = (api.data_dir / "pki" / "front-proxy-ca.crt").read_bytes()
    with Wardle(authority, ["wardle.default.svc"], front) as server:
        serve_as(api, server.port)
        register(api, caBundle=authority.bundle, port=server.port)
        assert condition(api, "Passed")["message"] == "all checks passed"
        yield server
        server.events.put(None)
    api.request("DELETE", f"{_SERVICES}/{_NAME}")


def flunder(name: str) -> Obj:
    """A flunder."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Flunder",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"reference": "x"},
    }


def test_all_verbs_arrive_with_who_asks(api: APIServer, wardle: Wardle) -> None:
    """Names of users and groups in headers, and what the client said of itself taken away."""
    path = f"{ROOT}/namespaces/default/flunders"
    liar = {"X-Remote-User": "root", "Authorization": "Bearer no"}
    del liar["Authorization"]
    assert api.request("POST", path, flunder("a"), liar)[0] == 201
    headers = wardle.seen(path)
    assert [v for k, v in headers if k.lower() == "x-remote-user"] == ["kubernetes-admin"]
    assert {v for k, v in headers if k.lower() == "x-remote-group"} == {"system:masters", "system:authenticated"}
    status, answer = api.request("GET", f"{path}/a")
    assert (status, answer["spec"]) == (200, {"reference": "x"})
    assert api.request("GET", f"{path}/missing")[0] == 404
    assert api.request("DELETE", f"{path}/a", {"kind": "DeleteOptions", "apiVersion": "v1"})[0] == 200
    assert "a" not in wardle.flunders


def test_impersonated_users_are_told(api: APIServer, wardle: Wardle) -> None:
    """With extra, whose keys are escaped; and the right to ask is checked here first."""
    path = f"{ROOT}/flunders"
    as_jane = {"Impersonate-User": "jane", "Impersonate-Group": "system:masters", "Impersonate-Extra-a%2fb": "c"}
    assert api.request("GET", path, None, as_jane)[0] == 200
    headers = wardle.seen(path)
    assert ("x-remote-user", "jane") in [(k.lower(), v) for k, v in headers]
    assert ("x-remote-extra-a%2fb", "c") in [(k.lower(), v) for k, v in headers]
    assert not [k for k, _ in headers if k.lower().startswith("impersonate")]
    assert api.request("GET", path, None, {"Impersonate-User": "jane"})[0] == 403


def test_watches_stream(api: APIServer, wardle: Wardle) -> None:
    """An event arrives while the watch goes on."""
    connection = api.connect(60)
    connection.request("GET", f"{ROOT}/flunders?watch=true")
    response = connection.getresponse()
    for name in ("one", "two"):
        wardle.events.put({"type": "ADDED", "object": flunder(name)})
        assert json.loads(response.readline())["object"]["metadata"]["name"] == name
    wardle.events.put(None)
    assert response.readline() == b""
    connection.close()


def test_a_client_that_leaves_ends_the_request(api: APIServer, wardle: Wardle) -> None:
    """The aggregated server is told, though it has not answered yet."""
    connection = api.connect(60)
    connection.request("GET", f"{ROOT}/slow")
    assert wardle.begun.wait(60)
    connection.close()
    assert wardle.ended.wait(60)


def test_websockets_are_joined(api: APIServer, wardle: Wardle) -> None:
    """Messages go both ways, and who asks is told."""
    assert api.tls is not None
    ws = WSConnection(ConnectionType.CLIENT)
    with api.tls.wrap_socket(
        socket.create_connection(("127.0.0.1", api.port), 30), server_hostname="127.0.0.1"
    ) as wire:
        wire.sendall(ws.send(events.Request(host="127.0.0.1", target=f"{ROOT}/echo")))

        def received(kind: type) -> Any:
            while True:
                for event in ws.events():
                    if isinstance(event, kind):
                        return event
                data = wire.recv(65536)
                assert data, "the connection ended"
                ws.receive_data(data)

        received(events.AcceptConnection)
        wire.sendall(ws.send(events.TextMessage(data="hello")))
        assert received(events.TextMessage).data == "HELLO"
        wire.sendall(ws.send(events.CloseConnection(code=1000)))
        assert received(events.CloseConnection).code == 1000
    told = [(k.lower(), v) for k, v in wardle.seen(f"{ROOT}/echo")]
    assert ("x-remote-user", "kubernetes-admin") in told


def test_redirects_lead_back_here(api: APIServer, wardle: Wardle) -> None:
    """A place on the aggregated server is a path of this one."""
    status, headers, _ = api.raw("GET", f"{ROOT}/moved")
    assert (status, headers["location"]) == (302, f"{ROOT}/flunders")


def test_discovery_and_openapi_are_merged(api: APIServer, wardle: Wardle) -> None:
    """In all four documents; only what is of the group."""
    _, groups = api.request("GET", "/apis")
    assert [g["name"] for g in groups["groups"]][-1] == GROUP
    _, group = api.request("GET", f"/apis/{GROUP}")
    assert group["preferredVersion"] == {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    assert api.request("GET", f"/apis/{GROUP}/{VERSION}")[1]["resources"][0]["name"] == "flunders"
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    _, found = api.request("GET", "/apis", None, accept)
    (version,) = next(i for i in found["items"] if i["metadata"]["name"] == GROUP)["versions"]
    assert version["freshness"] == "Current"
    assert version["resources"][0]["responseKind"] == {"group": GROUP, "version": VERSION, "kind": "Flunder"}
    _, second = api.request("GET", "/openapi/v2")
    assert "com.example.Flunder" in second["definitions"] and "unrelated" not in second["definitions"]
    _, index = api.request("GET", "/openapi/v3")
    _, third = api.request("GET", index["paths"][f"apis/{GROUP}/{VERSION}"]["serverRelativeURL"])
    assert "com.example.Flunder" in third["components"]["schemas"]


def test_kubectl_knows_it(api: APIServer, wardle: Wardle) -> None:
    """api-resources, create, get, explain, delete."""
    path = f"{ROOT}/namespaces/default/flunders"
    kubectl = str(Path(sys.executable).with_name("kubectl"))

    def run(*words: str) -> str:
        home = str(api.data_dir)
        command = [kubectl, "--kubeconfig", str(api.kubeconfig), "--cache-dir", f"{home}/cache", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = next(line for line in run("api-resources").splitlines() if line.startswith("flunders"))
    assert listed.split() == ["flunders", "fl", f"{GROUP}/{VERSION}", "true", "Flunder"]
    assert api.request("POST", path, flunder("k"))[0] == 201
    assert [line.split() for line in run("get", "fl").splitlines()] == [["NAME", "REFERENCE"], ["k", "x"]]
    assert "What the flunder refers to." in run("explain", "flunder.spec")
    assert run("get", "apiservice", _NAME).splitlines()[1].split()[1:3] == ["default/wardle", "True"]
    assert "deleted" in run("delete", "flunder", "k", "--wait=false")


def test_a_server_that_fails_is_unavailable_until_it_is_well(api: APIServer, wardle: Wardle) -> None:
    """503 as plain text, Stale in discovery, the reason in the condition; a touched APIService is looked at again."""
    wardle.healthy = False
    api.request("PATCH", "/api/v1/namespaces/default/services/wardle", {"metadata": {"labels": {"a": "b"}}}, _MERGE)
    text = condition(api, "FailedDiscoveryCheck")["message"]
    assert text.startswith("failing or missing response from https://localhost:") and text.endswith(": 503")
    status, headers, data = api.raw("GET", f"{ROOT}/flunders")
    assert (status, data) == (503, b"service unavailable\n")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    _, found = api.request("GET", "/apis", None, accept)
    (version,) = next(i for i in found["items"] if i["metadata"]["name"] == GROUP)["versions"]
    assert version["freshness"] == "Stale" and version["resources"]
    wardle.healthy = True
    api.request("PATCH", "/api/v1/namespaces/default/services/wardle", {"metadata": {"labels": {"a": "c"}}}, _MERGE)
    condition(api, "Passed")
    assert api.request("GET", f"{ROOT}/flunders")[0] == 200


def test_reasons_why_not(tmp_path: Path) -> None:
    """No Service, no port, no endpoints, none that are ready."""
    with APIServer(tmp_path / "data") as api:
        register(api)
        assert condition(api, "ServiceNotFound")["message"] == 'service/wardle in "default" is not present'
        assert api.raw("GET", f"{ROOT}/flunders")[2] == b"service unavailable\n"
        where = "/api/v1/namespaces/default/services"
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "wardle"},
            "spec": {"ports": [{"port": 80}]},
        }
        assert api.request("POST", where, body)[0] == 201
        text = 'service/wardle in "default" is not listening on port 443'
        assert condition(api, "ServicePortError")["message"] == text
        change = {"spec": {"ports": [{"port": 443, "name": "web"}]}}
        assert api.request("PATCH", f"{where}/wardle", change, _MERGE)[0] == 200
        text = 'cannot find endpointslices for service/wardle in "default"'
        assert condition(api, "EndpointsNotFound")["message"] == text
        piece = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "w", "labels": {"kubernetes.io/service-name": "wardle"}},
            "addressType": "IPv4",
            "endpoints": [],
            "ports": [{"name": "web", "port": 1}],
        }
        assert api.request("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", piece)[0] == 201
        text = 'endpointslices for service/wardle in "default" have no addresses with port name "web"'
        assert condition(api, "MissingEndpoints")["message"] == text
        assert api.request("DELETE", f"{_SERVICES}/{_NAME}")[0] == 200
        until(lambda: api.raw("GET", f"/apis/{GROUP}")[0] == 404)


def test_certificates_are_checked(tmp_path: Path) -> None:
    """A wrong CA is told; insecureSkipTLSVerify does without."""
    authority = Authority()
    with APIServer(tmp_path / "data") as api:
        front = (api.data_dir / "pki" / "front-proxy-ca.crt").read_bytes()
        with Wardle(authority, ["wardle.default.svc"], front) as server:
            serve_as(api, server.port)
            register(api, caBundle=Authority().bundle, port=server.port)
            condition(api, "Passed")  # availability is checked without a look at the certificate
            status, _, data = api.raw("GET", f"{ROOT}/flunders")
            text = b"error trying to reach service: tls: failed to verify certificate: x509: certificate signed by unknown authority\n"
            assert (status, data) == (503, text)
            change = {"spec": {"caBundle": None, "insecureSkipTLSVerify": True}}
            assert api.request("PATCH", f"{_SERVICES}/{_NAME}", change, _MERGE)[0] == 200
            until(lambda: api.raw("GET", f"{ROOT}/flunders")[0] == 200)
            api.stop()
            api.start()
            until(lambda: api.raw("GET", f"{ROOT}/flunders")[0] == 200)


def test_the_servers_own_groups_have_apiservices(api: APIServer) -> None:
    """Made at the start, available, and with the label of what is managed."""
    _, core = api.request("GET", f"{_SERVICES}/v1.")
    assert core["spec"] == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}
    _, apps = api.request("GET", f"{_SERVICES}/v1.apps")
    assert apps["spec"] == {"group": "apps", "version": "v1", "groupPriorityMinimum": 17800, "versionPriority": 15}
    assert apps["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
    (condition,) = apps["status"]["conditions"]
    told = ("Available", "True", "Local", "Local APIServices are always available")
    assert tuple(condition[k] for k in ("type", "status", "reason", "message")) == told


def test_custom_groups_come_and_go_with_their_definitions(api: APIServer) -> None:
    """An APIService for each served version."""
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "ex.io", "scope": "Cluster", "names": names, "versions": [version]}
    body = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert api.request("POST", path, {**body, "metadata": {"name": "things.ex.io"}})[0] == 201
    found = watched(api, f"{_SERVICES}?fieldSelector=metadata.name=v1.ex.io", lambda o: True)
    assert found["spec"] == {"group": "ex.io", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100}
    assert found["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "true"}
    change = {"spec": {"versionPriority": 7}}
    assert api.request("PATCH", f"{_SERVICES}/v1.ex.io", change, _MERGE)[0] == 200
    watched(api, f"{_SERVICES}?fieldSelector=metadata.name=v1.ex.io", lambda o: o["spec"]["versionPriority"] == 100)
    uid = found["metadata"]["uid"]
    assert api.request("DELETE", f"{_SERVICES}/v1.ex.io")[0] == 200
    watched(api, f"{_SERVICES}?fieldSelector=metadata.name=v1.ex.io", lambda o: o["metadata"]["uid"] != uid)
    assert api.request("DELETE", f"{path}/things.ex.io")[0] == 200
    until(lambda: api.request("GET", f"{_SERVICES}/v1.ex.io")[0] == 404)


def test_extension_servers_find_whom_to_trust(api: APIServer) -> None:
    """The ConfigMap, and the Role that lets them read it."""
    _, found = api.request("GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")
    data = found["data"]
    assert data["requestheader-allowed-names"] == '["front-proxy-client"]'
    assert data["requestheader-client-ca-file"].startswith("-----BEGIN CERTIFICATE-----")
    assert data["requestheader-uid-headers"] == '["X-Remote-Uid"]'
    role = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/extension-apiserver-authentication-reader"
    assert api.request("GET", role)[1]["rules"][0]["resourceNames"] == ["extension-apiserver-authentication"]
