"""Streams between clients and a kubelet: a small TLS server stands in for the kubelet and records what the API server asks of it."""

import contextlib
import json
import socket
import ssl
import threading

import pytest
from wsproto import ConnectionType, WSConnection, events

from kk.client import kubeconfig
from kk.client.websocket import connect
from kk.server import pki


class Kubelet:
    """Answers logs in two pieces (the second when `go` is set) and echoes WebSocket messages; asks for the API server's certificate."""

    def __init__(self, data_dir, node):
        pki.issue_node(data_dir, node)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        stem = data_dir / "pki" / f"kubelet-{node}"
        self.context.load_cert_chain(f"{stem}.crt", f"{stem}.key")
        self.context.load_verify_locations(data_dir / "pki/ca.crt")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.asked, self.go, self.users = [], threading.Event(), []
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.go.set()
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.listening.close()

    def _serve(self):
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(plain,), daemon=True).start()

    def _one(self, plain):
        with contextlib.suppress(OSError), self.context.wrap_socket(plain, server_side=True) as stream:
            subject = dict(part[0] for part in stream.getpeercert()["subject"])
            self.users.append(subject["commonName"])
            head = b""
            while b"\r\n\r\n" not in head:
                head += stream.recv(4096)
            self.asked.append(head.split(b" ", 2)[1].decode())
            if b"upgrade: websocket" in head.lower():
                self._echo(stream, head)
            elif "nosuch" in self.asked[-1]:
                stream.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 8\r\n\r\nno logs!")
            else:
                stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
                self.go.wait(20)
                stream.sendall(b"4\r\ntwo\n\r\n0\r\n\r\n")

    def _echo(self, stream, data):
        ws, held = WSConnection(ConnectionType.SERVER), b""
        while True:
            ws.receive_data(data or None)
            for event in ws.events():
                if isinstance(event, events.Request):
                    stream.sendall(ws.send(events.AcceptConnection(subprotocol=event.subprotocols[0])))
                elif isinstance(event, events.BytesMessage):
                    held += event.data
                    if event.message_finished:
                        stream.sendall(ws.send(events.BytesMessage(data=held)))
                        if held == b"bye":
                            stream.sendall(ws.send(events.CloseConnection(code=1000, reason="done")))
                        held = b""
                elif isinstance(event, events.CloseConnection):
                    self.closed.set()
                    return
            if not data:
                self.closed.set()
                return
            data = stream.recv(4096)


@pytest.fixture
def kubelet(api, ns):
    """A node with the stand-in, and a pod `p` on it with the containers a and b."""
    name = f"node-{ns.name}"
    found = Kubelet(api.data_dir, name)
    api.request("POST", "/api/v1/nodes", {"metadata": {"name": name}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": found.port}},
    }
    patch = {"Content-Type": "application/merge-patch+json"}
    assert api.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, patch)[0] == 200
    ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})
    spec = {"nodeName": name, "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]}
    assert ns("POST", "pods", {"metadata": {"name": "p"}, "spec": spec})[0] == 201
    yield found
    found.close()


def attach(api, path, query):
    connection = kubeconfig.load(str(api.kubeconfig)).resolve()
    return connect(connection, path, query, ["v5.channel.k8s.io", "v4.channel.k8s.io"])


def test_logs_come_as_they_are_written(api, ns, kubelet):
    connection = api.connect()
    connection.request("GET", f"{ns.path}/pods/p/log?container=a&follow=true&tailLines=3")
    response = connection.getresponse()
    assert (response.status, response.headers["content-type"]) == (200, "text/plain")
    assert response.read(4) == b"one\n"
    kubelet.go.set()
    assert response.read() == b"two\n"
    connection.close()
    assert kubelet.asked == [f"/containerLogs/{ns.name}/p/a?follow=true&tailLines=3"]
    assert kubelet.users == ["kube-apiserver-kubelet-client"]


def test_a_client_that_leaves_ends_the_stream_behind(api, ns, kubelet):
    ws = attach(api, f"{ns.path}/pods/p/exec", {"command": "sh", "container": "b", "stdin": "true"})
    ws.send(b"\x00hello")
    assert ws.recv() == b"\x00hello"
    ws.close()
    assert kubelet.closed.wait(20)


def test_messages_pass_both_ways_untouched_and_the_end_too(api, ns, kubelet):
    query = {"command": ["echo", "a b"], "container": "b", "stdin": "true", "stdout": "true", "tty": "true"}
    ws = attach(api, f"{ns.path}/pods/p/exec", query)
    assert ws.subprotocol == "v5.channel.k8s.io"
    for message in (b"\x00", b"\x00" + bytes(range(256)) * 400, b"bye"):
        ws.send(message)
        assert ws.recv() == message
    assert ws.recv() is None
    assert kubelet.asked == [f"/exec/{ns.name}/p/b?command=echo&command=a+b&input=1&output=1&tty=1"]
    ws.close()


@pytest.mark.parametrize(
    ("method", "path", "code", "words"),
    [
        ("GET", "pods/none/log", 404, 'pods "none" not found'),
        ("GET", "pods/p/log", 400, "a container name must be specified for pod p, choose one of: [a b]"),
        ("GET", "pods/p/log?container=c", 400, "container c is not valid for pod p"),
        ("GET", "pods/p/log?container=a&tailLines=-1", 422, "must be greater than or equal to 0"),
        ("GET", "pods/p/log?container=a&sinceTime=nosuch", 400, "nosuch"),
        ("POST", "pods/p/exec?container=a&command=ls", 400, "Upgrade request required"),
    ],
)
def test_faults_are_told_before_anything_is_streamed(ns, kubelet, method, path, code, words):
    status, answer = ns(method, path)
    assert (status, answer["code"]) == (code, code)
    assert words in answer["message"]


def test_spdy_gets_a_clear_answer(ns, kubelet):
    status, answer = ns("POST", "pods/p/exec?container=a&command=ls", Connection="Upgrade", Upgrade="SPDY/3.1")
    assert status == 400
    assert "WebSocket, not SPDY" in answer["message"]


def test_a_reader_of_pods_may_not_run_commands(api, ns, kubelet):
    rules = [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}]
    rbac = "rbac.authorization.k8s.io/v1"
    ns("POST", f"{rbac}:roles", {"metadata": {"name": "r"}, "rules": rules})
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    subject = {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}
    ns("POST", f"{rbac}:rolebindings", {"metadata": {"name": "b"}, "roleRef": ref, "subjects": [subject]})
    status, answer = ns("GET", "pods/p/exec?container=a&command=ls", Impersonate_User="eve")
    assert status == 403
    assert 'cannot create resource "pods/exec"' in answer["message"]


def test_a_node_that_is_gone_is_told_as_such(api, ns, kubelet):
    kubelet.close()
    status, answer = ns("GET", "pods/p/log?container=a")
    assert (status, answer["reason"]) == (503, "ServiceUnavailable")
    assert "error dialing backend" in answer["message"]


def test_what_the_kubelet_says_is_wrong_reaches_the_client(api, ns, kubelet):
    status, _, body = api.raw("GET", f"/api/v1/nodes/node-{ns.name}/proxy/nosuch")
    assert (status, body) == (400, b"no logs!")


def test_proxies_of_what_is_not_there(api, ns):
    assert api.request("GET", "/api/v1/nodes/none/proxy/healthz")[0] == 404
    assert ns("GET", "services/none/proxy/")[0] == 404
    ns("POST", "services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    status, answer = ns("GET", "services/s/proxy/")
    assert (status, answer["message"]) == (503, 'no endpoints available for service "s"')


def test_another_server_in_a_kubelets_place_is_not_believed(api, ns, kubelet):
    other = f"other-{ns.name}"
    api.request("POST", "/api/v1/nodes", {"metadata": {"name": other}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
    }
    patch = {"Content-Type": "application/merge-patch+json"}
    api.request("PATCH", f"/api/v1/nodes/{other}/status", {"status": status}, patch)
    code, _, body = api.raw("GET", f"/api/v1/nodes/{other}/proxy/healthz")
    assert code == 503
    assert f"is not node {other}" in json.loads(body)["message"]
