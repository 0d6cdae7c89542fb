"""pods/proxy and services/proxy: requests and answers are carried as they are, whatever their method and length."""

import gzip
import http.server
import json
import threading

import pytest

from tests.servers import free_port

PAGE = b'<html><body><a class="x" href="/there?a=b">t</a><IMG src=/i.png><a href="near">n</a><a href="http://other/x">o</a></body></html>'


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, as JSON."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(b"")

    def do_POST(self):
        self.reply(self.rfile.read(int(self.headers.get("Content-Length", 0))) or self.chunks())

    do_DELETE = do_PATCH = do_PUT = do_POST

    def chunks(self):
        found = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return found

    def reply(self, body):
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?to=")[2] or f"http://{self.headers['host']}/there")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/page":
            data = gzip.compress(PAGE)
            self.send_response(200)
            for name, value in (("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip")):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return
        told = {"method": self.command, "path": self.path, "body": body.decode(), "headers": dict(self.headers)}
        data = json.dumps(told).encode()
        self.send_response(418 if "teapot" in self.path else 200)
        self.send_header("Content-Type", "application/x-echo")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def web(ns):
    """A pod `p` whose address is an echo server's; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})
    spec = {"containers": [{"name": "c", "image": "x"}]}
    assert ns("POST", "pods", {"metadata": {"name": "p"}, "spec": spec})[0] == 201
    status = {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}
    assert ns.patch("pods/p/status", {"status": status})[0] == 200
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods_paths_and_bodies_arrive(ns, web, method):
    body = {"k": "v"} if method != "GET" else None
    status, headers, data = ns.api.raw(method, f"{ns.path}/pods/p:{web}/proxy/a%20b/c/?x=1&y=%2F", body)
    assert (status, headers["content-type"]) == (200, "application/x-echo")
    told = json.loads(data)
    assert (told["method"], told["path"]) == (method, "/a%20b/c/?x=1&y=%2F")
    assert told["body"] == (json.dumps(body) if body else "")
    assert "Authorization" not in told["headers"]


def test_a_body_without_a_length_arrives(ns, web):
    connection = ns.api.connect()
    connection.request("POST", f"{ns.path}/pods/p:{web}/proxy/", iter([b"one", b"two"]), encode_chunked=True)
    told = json.loads(connection.getresponse().read())
    connection.close()
    assert told["body"] == "onetwo"


def test_statuses_and_heads_come_back(ns, web):
    assert ns.api.raw("GET", f"{ns.path}/pods/p:{web}/proxy/teapot")[0] == 418
    status, headers, data = ns.api.raw("HEAD", f"{ns.path}/pods/p:{web}/proxy/")
    assert (status, data) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_a_pod_without_an_address_is_told_as_such(ns):
    ns("POST", "serviceaccounts", {"metadata": {"name": "default"}})
    ns("POST", "pods", {"metadata": {"name": "q"}, "spec": {"containers": [{"name": "c", "image": "x"}]}})
    status, answer = ns("GET", "pods/q/proxy/")
    assert (status, answer["message"]) == (400, "address not allowed")


def test_places_that_answers_lead_to_are_below_the_proxy(ns, web):
    """Absolute ones on the same server; relative ones and other servers stay."""
    proxy = f"{ns.path}/pods/p:{web}/proxy"
    for asked, wanted in (
        ("/moved", f"{proxy}/there"),
        ("/moved?to=/a/b", f"{proxy}/a/b"),
        ("/moved?to=near", "near"),
        ("/moved?to=http://other.example/x", "http://other.example/x"),
    ):
        status, headers, _ = ns.api.raw("GET", proxy + asked)
        assert (status, headers["location"]) == (302, wanted)


def test_links_of_pages_are_below_the_proxy(ns, web):
    proxy = f"{ns.path}/pods/p:{web}/proxy"
    status, headers, data = ns.api.raw("GET", f"{proxy}/page")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    page = gzip.decompress(data).decode()
    assert f'href="{proxy}/there?a=b"' in page and f"src={proxy}/i.png" in page
    assert 'href="near"' in page and 'href="http://other/x"' in page


def test_an_empty_path_is_sent_to_the_root(ns, web):
    status, headers, _ = ns.api.raw("GET", f"{ns.path}/pods/p:{web}/proxy?x=1")
    assert (status, headers["location"]) == (301, f"{ns.path}/pods/p:{web}/proxy/?x=1")
    assert ns.api.raw("POST", f"{ns.path}/pods/p:{web}/proxy", {})[0] == 200


def test_names_that_are_none(ns, web):
    """Schemes, ports and pieces that do not fit."""
    for name in ("ftp:p:80", ":p:80:x", "https::80"):
        status, answer = ns.api.request("GET", f"{ns.path}/pods/{name}/proxy/")
        assert (status, answer["message"]) == (400, f'invalid pod request "{name}"')
    port = free_port()
    status, answer = ns.api.request("GET", f"{ns.path}/pods/p:{port}/proxy/")
    text = f"error trying to reach service: dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert (status, answer["message"]) == (503, text)
