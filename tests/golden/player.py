"""Plays recorded HTTP exchanges of kube-apiserver 1.36 against a server and tells every difference.

A scenario is a YAML file: `what` it is about (one line), `needs` (api, control: controllers run too, no-ns: it has no namespace
of its own) and `steps`, each with

    do: POST /api/v1/namespaces/$NS/configmaps   verb and path; $NS is the scenario's namespace, ${name} was saved
    body, type, accept, headers                  what is sent; a body that is a string goes as it stands
    save: {rv: metadata.resourceVersion}         values of the answer that later steps use
    until: {status.replicas: 2}                  ask again until these hold (`within` seconds), then compare
    watch: true                                  the answer is a stream of events
    ignore: [metadata.labels.x]                  paths that are not compared
    quiet: true                                  nothing is compared
    expect: {status, warning, body}              the recorded answer

What differs by nature (times, uids, versions, tokens, generated names, allocated addresses) was replaced when it was recorded and
is replaced in the same way here; the words of one implementation stand as <any> and match any text. Recording is not done here.
"""

import http.client
import json
import re
import ssl
import time
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.servers import APIServer

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_GO = re.compile(
    r"go-jose|Go struct field|&\w+\.\w+\{|x509:|json: cannot unmarshal|\w+\.\w+\{\w+:|\n\s*[+-]|map\[string\]|strconv\."
)
_RANDOM = re.compile(r"\b(kube-api-access|default-token)-[a-z0-9]{5}\b")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AGENT = {"User-Agent": "golden/1"}
_AGE = re.compile(r"(\d+)s")
_DOT = re.compile(r"(?<!\\)\.")
_BY_KEY = {
    "resourceVersion": "<rv>",
    "continue": "<continue>",
    "token": "<token>",
    "uid": "<uid>",
    "nodePort": "<port>",
    "healthCheckNodePort": "<port>",
    "remainingItemCount": "<count>",
    "storageVersionHash": "<hash>",
    "caBundle": "<pem>",
    "retryAfterSeconds": "<seconds>",
}


def load(path: Path) -> dict[str, Any]:
    """The scenario of a file; `needs` is a set."""
    doc = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    needs = doc.get("needs") or ["api"]
    return {**doc, "needs": {needs} if isinstance(needs, str) else set(needs)}


def play(scenario: dict[str, Any], server: APIServer, patience: float = 2) -> Generator[str, None, None]:
    """The differences between what was recorded and what the server answers, a line each.

    What comes about by itself is waited for `patience` times as long as the recorder did.
    """
    run = _Run(server, "no-ns" not in scenario["needs"], patience)
    try:
        for at, step in enumerate(scenario["steps"], 1):
            for difference in run.found(step):
                yield f"step {at} {step['do']}: {difference}"
    finally:
        run.close()


class _Connection:
    """Requests over one connection that is kept; `context` says as whom."""

    def __init__(self, server: APIServer, context: ssl.SSLContext | None):
        self.http = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)

    def request(
        self, verb: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, list[str], bytes]:
        """(status, Warning headers, body). A connection that the server has closed meanwhile is opened again."""
        fresh = self.http.sock is None
        try:
            return self._ask(verb, path, data, headers)
        except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
            self.http.close()
            if fresh:
                raise
            return self._ask(verb, path, data, headers)

    def _ask(self, verb: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, list[str], bytes]:
        self.http.request(verb, path, data, headers)
        answer = self.http.getresponse()
        return answer.status, answer.headers.get_all("Warning") or [], answer.read()


class _Run:
    """One play of a scenario: its namespace, what was saved, and the generated names that were seen."""

    def __init__(self, server: APIServer, namespaced: bool, patience: float):
        self.patience = patience
        bare = ssl.create_default_context()
        bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
        self.admin, self.own = _Connection(server, server.tls), _Connection(server, bare)
        self.ns = f"golden-{uuid.uuid4().hex[:8]}"
        self.saved: dict[str, Any] = {"NS": self.ns}
        self.generated: set[tuple[str, str]] = set()
        self.hashes: set[str] = set()
        if namespaced:
            self._make("/api/v1/namespaces", "Namespace", self.ns)
            self._make(f"/api/v1/namespaces/{self.ns}/serviceaccounts", "ServiceAccount", "default")

    def _make(self, path: str, kind: str, name: str) -> None:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        self.admin.request("POST", path, json.dumps(body).encode(), {**_AGENT, "Content-Type": "application/json"})

    def close(self) -> None:
        """Take the namespace away."""
        self.admin.request("DELETE", f"/api/v1/namespaces/{self.ns}", None, {})
        self.admin.http.close()
        self.own.http.close()

    def found(self, step: dict[str, Any]) -> list[str]:
        """Do one step; its differences. What is only read is read again for a while: others may be about to write it."""
        again = step["do"].startswith("GET ") and not step.get("watch") and "until" not in step
        end = time.monotonic() + 1.5 * self.patience
        while True:
            got = self.step(step)
            told = [] if step.get("quiet") else list(differences(step.get("expect") or {}, got))
            if not told or not again or time.monotonic() > end:
                return told
            time.sleep(0.1)

    def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Do one step: {status, body, warning?}, as it would have been recorded."""
        status, warnings, body = self._answer(step)
        for name, where in step.get("save", {}).items():
            self.saved[name] = at_path(body, where)
        self._learn(body)
        got: dict[str, Any] = {"status": status, "body": self.norm(body)}
        if warnings:
            got["warning"] = sorted(map(self._text, warnings))
        for where in step.get("ignore", []):
            _drop(got["body"], [part.replace("\\.", ".") for part in _DOT.split(where)])
        return got

    def _answer(self, step: dict[str, Any]) -> tuple[int, list[str], Any]:
        verb, path = self.fill(step["do"]).split(" ", 1)
        headers = {"Accept": step.get("accept", "application/json"), **_AGENT}
        headers.update(self.fill(step.get("headers")) or {})
        data, body = None, self.fill(step.get("body"))
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            headers["Content-Type"] = step.get("type", "application/json")
        connection = self.own if any(name.lower() == "authorization" for name in headers) else self.admin
        wanted = self.fill(step.get("until", {}))
        recorded = (step.get("expect") or {}).get("body")
        # what had not come about when it was recorded is not waited for long
        comes = step.get("quiet") or all(at_path(recorded, where) is not None for where in wanted)
        end = time.monotonic() + (self.patience * step.get("within", 10) if comes else 1)
        while True:
            status, warnings, raw = connection.request(verb, path, data, headers)
            answer = _decoded(raw, bool(step.get("watch")))
            if (
                all(_reached(at_path(answer, where), value) for where, value in wanted.items())
                or time.monotonic() > end
            ):
                return status, warnings, answer
            time.sleep(0.05)

    def fill(self, value: Any) -> Any:
        """A request with the namespace and saved values put in."""
        if isinstance(value, dict):
            return {self.fill(k): self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if not isinstance(value, str):
            return value
        value = re.sub(r"\$\{(\w+)\}", lambda m: str(self.saved.get(m[1], m[0])), value)
        return value.replace("$NS", self.ns)

    def _learn(self, value: Any) -> None:
        """Remember names that were made from a generateName, and hashes of templates."""
        if isinstance(value, dict):
            metadata = value.get("metadata")
            if isinstance(metadata, dict):
                prefix, name = metadata.get("generateName"), str(metadata.get("name", ""))
                if prefix and name.startswith(prefix) and name != prefix:
                    self.generated.add((name, prefix + "<rand>"))
                labels = metadata.get("labels") or {}
                found = (labels.get(k) for k in ("pod-template-hash", "controller-revision-hash"))
                self.hashes.update(h.rsplit("-", 1)[-1] for h in found if h)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self._learn(item)

    def norm(self, value: Any, key: str | None = None) -> Any:
        """A value with what differs by nature replaced."""
        if isinstance(value, dict):
            return self._norm_object(value)
        if isinstance(value, list):
            return [self.norm(v, key) for v in value]
        return self._text(value) if isinstance(value, str) else value

    def _norm_object(self, value: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for k, v in value.items():
            if k in _BY_KEY and isinstance(v, str | int) and v not in ("", 0) and not isinstance(v, bool):
                out[k] = _BY_KEY[k]
            elif k == "clusterIP" and isinstance(v, str) and v not in ("None", ""):
                out[k] = "<ip>"
            elif k == "clusterIPs" and isinstance(v, list):
                out[k] = [i if i in ("None", "") else "<ip>" for i in v]
            else:
                out[self._text(k)] = self.norm(v, k)
        if isinstance(out.get("managedFields"), list):
            out["managedFields"].sort(key=_sorting)  # their order depends on the second in which they were written
        if out.get("kind") == "Status" and isinstance(out.get("message"), str):
            parts = out["message"].replace("[", "").replace("]", "").split(", ")
            out["message"] = ", ".join(sorted(parts))
            ((out.get("details") or {}).get("causes") or []).sort(key=_sorting)
        return out

    def _text(self, text: str) -> str:
        if len(text) > 200 and (text.startswith("LS0t") or "-----BEGIN" in text):
            return "<pem>"
        if _GO.search(text):
            return "<any>"
        text = _UID.sub("<uid>", text.replace(self.ns, "NS"))
        for name, shown in sorted(self.generated, key=lambda pair: -len(pair[0])):
            text = text.replace(name, shown)
        for value in self.hashes:
            text = text.replace(value, "<hash>")
        return _RANDOM.sub(r"\1-<rand>", _TIME.sub("<time>", text))


def _sorting(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _decoded(raw: bytes, stream: bool) -> Any:
    try:
        if stream:
            return [json.loads(line) for line in raw.splitlines() if line]
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def _reached(value: Any, wanted: Any) -> bool:
    """Whether a value is what was waited for; an age may be higher: a slow machine misses seconds."""
    ages = [_AGE.fullmatch(str(v)) for v in (value, wanted)]
    return value == wanted or bool(ages[0] and ages[1] and int(ages[0][1]) >= int(ages[1][1]))


def at_path(value: Any, where: str) -> Any:
    """The value below a dotted path (numbers index lists), None where there is none."""
    for part in _DOT.split(where):
        part = part.replace("\\.", ".")
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value


def _drop(value: Any, parts: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _drop(item, parts[1:] if parts[0] == "*" else parts)
    elif isinstance(value, dict):
        if len(parts) == 1:
            value.pop(parts[0], None)
            return
        for item in value.values() if parts[0] == "*" else [value[parts[0]]] if parts[0] in value else []:
            _drop(item, parts[1:])


def differences(want: Any, got: Any, where: str = "") -> Iterator[str]:
    """How two values differ, a line for each place; <any> stands for any text."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted({*want, *got}):
            if key not in got:
                yield f"{where}.{key}: missing, expected {_short(want[key])}"
            elif key not in want:
                yield f"{where}.{key}: not expected: {_short(got[key])}"
            else:
                yield from differences(want[key], got[key], f"{where}.{key}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, (left, right) in enumerate(zip(want, got, strict=True)):
            yield from differences(left, right, f"{where}[{i}]")
    elif want != got and not (want == "<any>" and isinstance(got, str)):
        yield f"{where}: expected {_short(want)}, got {_short(got)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 600 else text[:600] + "…"
