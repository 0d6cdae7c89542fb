"""A small real HTTPS server with a CA of its own, and what the client needs to reach it."""

import datetime
import ipaddress
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kk.client.http import Client
from kk.client.kubeconfig import Connection


class Authority:
    """A CA that signs certificates for tests."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
        self.cert = self._sign(self.name, self.key, [], True)
        self.pem = self.cert.public_bytes(serialization.Encoding.PEM)

    def _sign(self, subject, key, names, ca=False):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name):
        """(certificate PEM, key PEM) for 127.0.0.1 or a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert = self._sign(subject, key, [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cert.public_bytes(serialization.Encoding.PEM), pem


class Server:
    """Answers with whatever `routes[(method, path without query)]` says: a function of the handler."""

    def __init__(self, authority, folder, secure=True, client_certs=False):
        self.routes = {}
        self.seen = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                path = self.path.split("?")[0]
                outer.seen.append((self.command, self.path, dict(self.headers), self.body))
                route = outer.routes.get((self.command, path))
                if route is None:
                    self.reply(404, b"404 page not found")
                else:
                    route(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def reply(self, status, body, **headers):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    for one in value if isinstance(value, list) else [value]:
                        self.send_header(name.replace("_", "-"), one)
                self.end_headers()
                self.wfile.write(data)

            def chunk(self, data):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def start_chunked(self):
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        if secure:
            cert, key = authority.issue("server")
            (folder / "server.pem").write_bytes(cert + key)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "server.pem")
            if client_certs:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(cadata=authority.pem.decode())
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.port = self.httpd.server_address[1]
        self.url = f"http{'s' if secure else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def route(self, method, path):
        def add(function):
            self.routes[method, path] = function
            return function

        return add

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self._thread.join()


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture
def make_server(authority, tmp_path):
    made = []

    def make(**options):
        server = Server(authority, tmp_path, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture
def connection(server, authority):
    return Connection(server.url, ca_data=authority.pem)


@pytest.fixture
def client(connection):
    made = Client(connection, timeout=30)
    yield made
    made.close()
