"""The catalog: references, tags that exist and tags that do not, the user's file; and the built-in web server for real."""

import http.client
import re

import pytest

from kk.agent.images import Catalog, PullError, add, entries, parse, remove
from kk.agent.images._catalog import builtin
from tests.agent.conftest import config, wait_for_output


@pytest.mark.parametrize(
    "text, full, familiar",
    [
        ("nginx", "docker.io/library/nginx:latest", "nginx"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx"),
        ("jpetazzo/color", "docker.io/jpetazzo/color:latest", "jpetazzo/color"),
        ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000/a/b"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io/pause"),
    ],
)
def test_references(text, full, familiar):
    reference = parse(text)
    assert (str(reference), reference.familiar) == (full, familiar)


@pytest.mark.parametrize("text", ["", "Nginx", "nginx:", "a b", "-x", "nginx@sha256:12"])
def test_no_reference(text, tmp_path):
    assert parse(text) is None
    with pytest.raises(PullError) as caught:
        Catalog(tmp_path / "images.yaml").pull(text, False)
    assert caught.value.reason == "InvalidImageName"


KNOWN = "nginx nginx:alpine nginx:1.27.3-alpine-slim nginx:stable-alpine3.20 nginx:1.29-bookworm nginx:mainline nginx:1.7.9 alpine:3.20 alpine:edge busybox:1.36 busybox:1.37.0-musl busybox:stable httpd:2.4-alpine httpd:2.4.62 registry.k8s.io/pause:3.10 debian:bookworm-slim ubuntu:24.04 jpetazzo/color"


@pytest.mark.parametrize("text", KNOWN.split())
def test_published_tags_are_there(text, tmp_path):
    assert Catalog(tmp_path / "images.yaml").pull(text, False).image is not None


@pytest.mark.parametrize(
    "text", ["nginx:nosuchtag", "nginx:1.27-typo", "alpine:nginx", "busybox:x", "nginx:1.this-does-not-exist"]
)
def test_other_tags_are_not(text, tmp_path):
    full = re.escape(str(parse(text)))
    with pytest.raises(
        PullError, match=f'code = NotFound desc = failed to pull and unpack image "{full}".*{full}: not found'
    ):
        Catalog(tmp_path / "images.yaml").pull(text, True)


def test_unknown_images(tmp_path):
    catalog = Catalog(tmp_path / "images.yaml")
    assert catalog.pull("nosuch/thing", True).image is None
    with pytest.raises(PullError, match="pull access denied"):
        catalog.pull("nosuch/thing", False)
    with pytest.raises(PullError) as caught:
        catalog.pull("nosuch/thing", False, "Never")
    assert caught.value.reason == "ErrImageNeverPull"


def test_every_builtin_has_a_command_and_its_own_names():
    names = [name for image in builtin().values() for name in image.names]
    assert len(names) == len(set(names))
    assert all(image.entrypoint() + image.command() for image in builtin().values())


def test_command_and_args(tmp_path):
    catalog = Catalog(tmp_path / "images.yaml")
    nginx, busybox = catalog.pull("nginx:1.27.3", False), catalog.pull("busybox", False).image
    assert nginx.image.arguments([], [])[-1] == "nginx"
    assert nginx.image.arguments(["nginx", "-g", "daemon off;"], [])[-2:] == ["-g", "daemon off;"]
    assert nginx.image.environment(nginx.reference)["NGINX_VERSION"] == "1.27.3"
    assert busybox.arguments([], ["sleep", "5"]) == ["sleep", "5"]
    assert busybox.arguments(["sleep"], ["5"]) == ["sleep", "5"]
    assert busybox.arguments(["/bin/sh", "-c"], ["echo"])[-2:] == ["-c", "echo"]


def test_user_images(tmp_path):
    file = tmp_path / "images.yaml"
    catalog = Catalog(file)
    add("my/app", ["sleep", "7"], file=file, env={"A": "b"}, ports=[8080])
    found = catalog.pull("my/app:whatever", False).image
    assert found.arguments([], []) == ["sleep", "7"] and found.env == {"A": "b"} and found.ports == (8080,)
    assert ("my/app", "user", ["sleep", "7"]) in entries(file)
    assert remove("my/app", file=file) and not remove("my/app", file=file)
    with pytest.raises(PullError):
        catalog.pull("my/app", False)


def serve(runtime, kind, env):
    ip = runtime.run_sandbox(kind, "pod", "default").ip
    image = builtin()[kind]
    container = runtime.create(kind, config(*image.arguments([], []), env={"POD_IP": ip, "KK_PORT": "8088", **env}))
    runtime.launch(container)
    feed = runtime.log_feed(container)
    with feed:
        while not container.log_path.read_text():
            assert feed.recv(4096), container.log_path.read_text()
    return http.client.HTTPConnection(ip, 8088, timeout=20), container


def test_nginx(runtime, tmp_path):
    client, container = serve(runtime, "nginx", {"NGINX_VERSION": "1.27.3"})
    client.request("GET", "/")
    answer = client.getresponse()
    page = answer.read()
    assert (answer.status, len(page), answer.headers["Server"]) == (200, 615, "nginx/1.27.3")
    assert b"<h1>Welcome to nginx!</h1>" in page
    client.request("GET", "/no", headers={"User-Agent": "me"})
    answer = client.getresponse()
    assert answer.status == 404 and b"nginx/1.27.3" in answer.read()
    client.request("POST", "/", body=b"abc")
    assert client.getresponse().read() and True
    client.close()
    wait_for_output(runtime, container, '"POST / HTTP/1.1" 405')
    log = container.log_path.read_text()
    assert re.search(
        r'stdout F 127\.0\.0\.1 - - \[../.../....:..:..:.. \+0000\] "GET / HTTP/1.1" 200 615 "-" "-" "-"', log
    )
    assert '"GET /no HTTP/1.1" 404 153 "-" "me" "-"' in log and '"POST / HTTP/1.1" 405' in log


def test_nginx_serves_what_is_mounted(runtime, tmp_path):
    html = tmp_path / "html"
    (html / "sub").mkdir(parents=True)
    client, _ = serve(runtime, "nginx", {"KK_VOLUMES": f"/usr/share/nginx/html={html}"})

    def get(path):
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read()

    assert get("/")[0] == 403
    (html / "index.html").write_text("mine")
    (html / "sub" / "a b.txt").write_text("deep")
    assert get("/") == (200, b"mine") and get("/sub/a%20b.txt") == (200, b"deep")
    assert get("/sub")[0] == 301 and get("/../../etc/passwd")[0] == 404 and get("/%2e%2e/%2e%2e/x")[0] == 404
    client.close()


@pytest.mark.parametrize(
    "kind, words",
    [
        ("httpd", b"<h1>It works!</h1>"),
        ("whoami", b"Hostname: blue-1\n"),
        ("color", b"This is pod shop/blue-1 on linux/"),
    ],
)
def test_other_pages(runtime, kind, words):
    client, _ = serve(runtime, kind, {"KK_POD": "shop/blue-1"})
    client.request("GET", "/")
    assert words in client.getresponse().read()
    client.close()


AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.39"
TUTORIALS = [
    (
        "gcr.io/google-samples/kubernetes-bootcamp:v2",
        [],
        8080,
        "/",
        b"Hello Kubernetes bootcamp! | Running on: blue-1 | v=2\n",
    ),
    ("gcr.io/google-samples/hello-app:1.0", [], 8080, "/", b"Hello, world!\nVersion: 1.0.0\nHostname: blue-1\n"),
    (AGNHOST, ["/agnhost", "netexec", "--http-port=8123"], 8123, "/echo?msg=a%20b", b"a b"),
    (AGNHOST, ["/agnhost", "netexec"], 8080, "/hostname", b"blue-1"),
]


@pytest.mark.parametrize("name, command, port, path, words", TUTORIALS)
def test_tutorial_images(runtime, tmp_path, name, command, port, path, words):
    found = Catalog(tmp_path / "images.yaml").pull(name, False)
    ip = runtime.run_sandbox("u", "pod", "default").ip
    env = {"POD_IP": ip, "KK_POD": "shop/blue-1", **found.image.environment(found.reference)}
    container = runtime.create("u", config(*found.image.arguments(command, []), env=env))
    runtime.launch(container)
    wait_for_output(runtime, container, "listening on")
    client = http.client.HTTPConnection(ip, port, timeout=20)
    client.request("GET", path)
    assert client.getresponse().read() == words
    client.close()


def test_agnhost_pauses_by_default(tmp_path):
    image = Catalog(tmp_path / "images.yaml").pull(AGNHOST, False).image
    assert image.arguments([], []) == builtin()["pause"].entrypoint()
    assert image.arguments([], ["netexec"])[-1] == "netexec"
