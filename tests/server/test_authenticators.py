"""Ways to prove who one is, over real HTTP: bootstrap tokens, the token file, an OpenID issuer, the front proxy, rotated account keys."""

import base64
import http.client
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kk.server import pki
from kk.server.tokens import b64
from tests.servers import APIServer

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


class Issuer:
    """A small OpenID issuer over HTTPS with keys that can change."""

    def __init__(self, folder):
        pki.ensure(folder)
        authority = pki.read_authority(folder / "pki")
        pair = pki.server_pair(authority, "issuer", ["127.0.0.1"])
        (folder / "s.crt").write_bytes(pair.cert)
        (folder / "s.key").write_bytes(pair.key)
        self.ca = folder / "pki" / "ca.crt"
        self.fetched = 0
        self.rotate("one")
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                data = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "s.crt", folder / "s.key")
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def rotate(self, kid):
        self.kid, self.key = kid, rsa.generate_private_key(65537, 2048)

    def document(self, path):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.fetched += 1
        numbers = self.key.public_key().public_numbers()
        n, e = b64(numbers.n.to_bytes(256, "big")), b64(numbers.e.to_bytes(3, "big"))
        return {"keys": [{"kty": "RSA", "use": "sig", "kid": self.kid, "n": n, "e": e}]}

    def token(self, algorithm="RS256", **claims):
        now = int(time.time())
        claims = {"iss": self.url, "aud": "kk", "exp": now + 600, "sub": "jane", "hd": "example.org", **claims}
        head = b64(json.dumps({"alg": algorithm, "kid": self.kid}).encode())
        signed = f"{head}.{b64(json.dumps({k: v for k, v in claims.items() if v is not None}).encode())}"
        return f"{signed}.{b64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    found = Issuer(tmp_path_factory.mktemp("issuer"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def api(tmp_path_factory, issuer):
    folder = tmp_path_factory.mktemp("api")
    tokens, old = folder / "tokens.csv", folder / "old.pub"
    tokens.write_text('s3cret,alice,42,"dev,ops"\n')
    key = rsa.generate_private_key(65537, 2048)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    old.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, spki))
    flags = {
        "token-auth-file": tokens,
        "service-account-key-file": old,
        "oidc-issuer-url": issuer.url,
        "oidc-client-id": "kk",
        "oidc-ca-file": issuer.ca,
        "oidc-username-prefix": "o:",
        "oidc-groups-claim": "teams",
        "oidc-groups-prefix": "g:",
        "oidc-required-claim": "hd=example.org",
        "anonymous-auth": "false",
    }
    with APIServer(folder / "data", 0, *(f"--{k}={v}" for k, v in flags.items())) as server:
        server.old_key = key
        yield server


def ask(api, method="POST", path=WHO, token="", body=REVIEW, pair=None, **headers):
    """A request with nothing but what is given: no certificate of the admin."""
    context = ssl.create_default_context(cafile=api.data_dir / "pki/ca.crt")
    if pair is not None:
        context.load_cert_chain(*pair)
    connection = http.client.HTTPSConnection("127.0.0.1", api.port, context=context, timeout=30)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, json.loads(data)


def who(api, token):
    status, answer = ask(api, token=token)
    assert status == 201, answer
    return answer["status"]["userInfo"]


def reason(api, token):
    """Why a TokenReview refuses a token."""
    _, answer = api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert "authenticated" not in answer["status"]
    return answer["status"]["error"]


def test_the_token_file_names_users(api):
    assert who(api, "s3cret") == {"username": "alice", "uid": "42", "groups": ["dev", "ops", "system:authenticated"]}


def test_without_anonymous_requests_nobody_gets_nothing(api):
    assert ask(api, "GET", "/version")[0] == 401


def bootstrap(api, token_id="abcdef", secret="0123456789abcdef", **data):
    data = {"token-id": token_id, "token-secret": secret, "usage-bootstrap-authentication": "true", **data}
    name = f"bootstrap-token-{token_id}"
    body = {"metadata": {"name": name}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    assert api.request("POST", "/api/v1/namespaces/kube-system/secrets", body)[0] == 201
    return f"/api/v1/namespaces/kube-system/secrets/{name}", f"{token_id}.{secret}"


def test_a_bootstrap_token_holds_while_its_secret_lets_it(api):
    path, token = bootstrap(api, **{"auth-extra-groups": "system:bootstrappers:worker"})
    assert who(api, token) == {
        "username": "system:bootstrap:abcdef",
        "groups": ["system:bootstrappers", "system:bootstrappers:worker", "system:authenticated"],
    }
    assert ask(api, token="abcdef.0123456789abcdeX")[0] == 401
    off = {"stringData": {"usage-bootstrap-authentication": "false"}}
    merge = {"Content-Type": "application/merge-patch+json"}
    assert api.request("PATCH", path, off, merge)[0] == 200
    assert ask(api, token=token)[0] == 401
    on = {"stringData": {"usage-bootstrap-authentication": "true", "expiration": "2020-01-01T00:00:00Z"}}
    assert api.request("PATCH", path, on, merge)[0] == 200
    assert ask(api, token=token)[0] == 401


def test_a_bootstrap_token_gives_bootstrap_groups_alone(api):
    _, token = bootstrap(api, "zzzzzz", **{"auth-extra-groups": "system:masters"})
    assert ask(api, token=token)[0] == 401
    assert 'bootstrap group "system:masters" is invalid' in reason(api, token)


def test_an_openid_token_is_its_user(api, issuer):
    found = who(api, issuer.token(teams=["a", "b"], jti="j1"))
    assert found["username"] == "o:jane"
    assert found["groups"] == ["g:a", "g:b", "system:authenticated"]
    assert found["extra"] == {"authentication.kubernetes.io/credential-id": ["JTI=j1"]}


def test_keys_of_the_issuer_are_kept_and_fetched_again_when_they_rotate(api, issuer):
    who(api, issuer.token(sub="first"))
    before = issuer.fetched
    who(api, issuer.token(sub="second"))
    assert issuer.fetched == before
    issuer.rotate("two")
    assert who(api, issuer.token(sub="third"))["username"] == "o:third"
    assert issuer.fetched == before + 1


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"aud": "other"}, 'expected audience "kk" got ["other"]'),
        ({"exp": 1000}, "token is expired"),
        ({"hd": None}, "required claim hd not present in ID token"),
        ({"hd": "evil"}, "required claim hd value does not match. Got = evil, want = example.org"),
        ({"sub": None}, 'parse username claims "sub": claim not present'),
        ({"algorithm": "HS256"}, "unexpected signature algorithm"),
    ],
)
def test_openid_tokens_that_do_not_hold(api, issuer, claims, text):
    token = issuer.token(**claims)
    assert ask(api, token=token)[0] == 401
    assert text in reason(api, token)


def test_a_token_of_another_key_is_refused(api, issuer):
    token = issuer.token()
    head, payload, signature = token.split(".")
    assert ask(api, token=f"{head}.{payload}.{signature[:-8]}AAAAAAAA")[0] == 401


def front_pair(api, tmp_path, name):
    authority = pki.read_authority(api.data_dir / "pki", "front-proxy-ca")
    pair = pki.client_pair(authority, name, ["system:masters"])
    for suffix, data in (("crt", pair.cert), ("key", pair.key)):
        (tmp_path / f"{name}.{suffix}").write_bytes(data)
    return tmp_path / f"{name}.crt", tmp_path / f"{name}.key"


def test_the_front_proxy_tells_who_asks(api, tmp_path):
    pair = front_pair(api, tmp_path, "front-proxy-client")
    headers = {"X-Remote-User": "eve", "X-Remote-Group": "dev", "X-Remote-Extra-Scopes": "a%2fb", "X-Remote-Uid": "7"}
    status, answer = ask(api, pair=pair, **headers)
    assert status == 201
    assert answer["status"]["userInfo"] == {
        "username": "eve",
        "uid": "7",
        "groups": ["dev", "system:authenticated"],
        "extra": {"scopes": ["a%2fb"]},
    }


def test_the_front_proxys_certificate_alone_is_nobody(api, tmp_path):
    assert ask(api, pair=front_pair(api, tmp_path, "front-proxy-client"))[0] == 401
    assert ask(api, pair=front_pair(api, tmp_path, "somebody"), **{"X-Remote-User": "eve"})[0] == 401
    status, answer = ask(api, pair=front_pair(api, tmp_path, "front-proxy-client"), token="s3cret")
    assert answer["status"]["userInfo"]["username"] == "alice"


def test_headers_of_others_are_not_believed(api):
    status, _, data = api.raw("POST", WHO, REVIEW, {"X-Remote-User": "eve"})
    assert json.loads(data)["status"]["userInfo"]["username"] == "kubernetes-admin"


def test_tokens_of_an_old_key_are_still_taken(api):
    _, account = api.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "old"}})
    now = int(time.time())
    own = {"namespace": "default", "serviceaccount": {"name": "old", "uid": account["metadata"]["uid"]}}
    issuer = "https://kubernetes.default.svc"
    claims = {"iss": issuer, "aud": [issuer], "exp": now + 600, "nbf": now, "kubernetes.io": own}
    head, body = json.dumps({"alg": "RS256"}), json.dumps(claims)
    signed = f"{b64(head.encode())}.{b64(body.encode())}"
    token = f"{signed}.{b64(api.old_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
    assert who(api, token)["username"] == "system:serviceaccount:default:old"
    _, keys = api.request("GET", "/openid/v1/jwks")
    assert len(keys["keys"]) == 2
    assert base64.urlsafe_b64decode(keys["keys"][1]["n"] + "==")
