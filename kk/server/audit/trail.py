"""Follows one request through its stages and hands an event of each to the log. Made only where a policy is given."""

import json
import logging
import time
from pathlib import Path
from typing import Any

from kk.server.audit import events, log, policy
from kk.server.authz import MASTERS, decide
from kk.server.context import Request, Response, Server, User
from kk.server.encoding import encode

_log = logging.getLogger("kk.server.audit")
Obj = dict[str, Any]
_BODIES = ("create", "update", "patch", "delete", "deletecollection")


class Audit:
    """The policy and the log of one server."""

    def __init__(self, server: Server, rules: policy.Policy, writer: log.Writer, form: str):
        self._server, self._rules, self._writer, self._legacy = server, rules, writer, form == "legacy"
        self.count = 0

    def begin(self, request: Request, user: User | None) -> "Trail | None":
        """The trail of a request; None where the policy asks for nothing. `user` None: he could not prove who he is."""
        ask = self._rules.ask(user or User(""), request.info)
        if ask.level == policy.NONE:
            return None
        trail = Trail(self, request, user, ask)
        if user is not None:
            trail.emit("RequestReceived")
        return trail

    def put(self, event: Obj) -> None:
        """Write an event."""
        self.count += 1
        self._writer.put((events.legacy(event).encode() if self._legacy else encode(event)) + b"\n")

    def close(self) -> None:
        """The server stops."""
        self._writer.close()


class Trail:
    """One request."""

    def __init__(self, audit: Audit, request: Request, user: User | None, ask: policy.Ask):
        self._audit, self._request, self._ask = audit, request, ask
        self._began = time.time()
        self.impersonated: User | None = None
        self.constraint = ""  # the verb of the constrained mode by which another user may be impersonated
        self.allowed: str | None = None  # the reason why it may pass
        self.denied: str | None = None  # the reason why not, often none
        self.code = 0
        self._user = user
        if ask.level >= policy.METADATA:
            self._send, request.send = request.send, self._watch_send

    async def _watch_send(self, message: Obj) -> None:
        """Notice when a stream begins."""
        if message["type"] in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            self.code = message.get("status", 101)
            info = self._request.info
            if info.verb == "watch" or message["type"] == "websocket.accept" or info.subresource in _STREAMS:
                self.emit("ResponseStarted")
        await self._send(message)

    def authorized(self, user: User) -> None:
        """The request may pass: say why."""
        self.allowed = "" if MASTERS in user.groups else decide(self._request.server, user, self._request.info).reason

    def forbidden(self, user: User) -> None:
        """The request may not pass."""
        self.denied = decide(self._request.server, user, self._request.info).reason

    def complete(self, response: Response | None, panic: bool = False) -> None:
        """The request is over."""
        if response is not None:
            self.code = response.status
        body = self._request.held if self._request.info.verb in _BODIES else b""
        if self._user is None:
            self.emit("ResponseStarted", body, response)
        else:
            self.emit("Panic" if panic else "ResponseComplete", body, response, True)

    def emit(self, stage: str, body: bytes = b"", response: Response | None = None, last: bool = False) -> None:
        """Write the event of a stage, where the policy does not leave it out."""
        if stage in self._ask.omit:
            return
        request, info, level = self._request, self._request.info, self._ask.level
        sent = _decoded(body)
        event: Obj = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": policy.LEVELS[level],
            "auditID": request.audit_id.decode("latin-1"),
            "stage": stage,
            "requestURI": _uri(request),
            "verb": info.verb,
            "user": self._user.info() if self._user is not None else {},
        }
        if self.impersonated is not None:
            event["impersonatedUser"] = self.impersonated.info()
            if self.constraint:
                event["authenticationMetadata"] = {"impersonationConstraint": self.constraint}
        event["sourceIPs"] = _addresses(request)
        if request.header("user-agent"):
            event["userAgent"] = request.header("user-agent")
        ref = events.reference(info, sent)
        if ref is not None:
            event["objectRef"] = ref
        answer = _decoded(response.body) if response is not None and last else None
        if stage != "RequestReceived":
            event["responseStatus"] = events.status(self.code or 200, answer)
            if self._user is None:
                tried = "attempted: bearer" if request.header("authorization") else "no credentials provided"
                event["responseStatus"] = {"metadata": {}, "message": f"Authentication failed, {tried}", "code": 401}
        if last and info.is_resource:
            self._objects(event, sent, answer)
        event["requestReceivedTimestamp"] = events.micro(self._began)
        event["stageTimestamp"] = events.micro(time.time() if stage != "RequestReceived" else self._began)
        notes = self._notes() if stage != "RequestReceived" else {}
        if notes:
            event["annotations"] = notes
        self._audit.put(event)

    def _objects(self, event: Obj, sent: Any, answer: Any) -> None:
        clean = events.without_managed if self._ask.without_managed else lambda x: x
        if self._ask.level >= policy.REQUEST and sent is not None:
            event["requestObject"] = clean(sent)
        if self._ask.level >= policy.RESPONSE and answer is not None:
            event["responseObject"] = clean(answer)

    def _notes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        request = self._request
        if self.allowed is not None:
            found["authorization.k8s.io/decision"] = "allow"
            found["authorization.k8s.io/reason"] = self.allowed
        elif self.denied is not None:
            found["authorization.k8s.io/decision"] = "forbid"
            found["authorization.k8s.io/reason"] = self.denied
        from kk.server.authn import chain

        found.update(chain(request.server).notes(request.headers))
        found.update(request.annotations)
        return dict(sorted(found.items()))


_STREAMS = ("attach", "exec", "proxy", "log", "portforward")


def _decoded(body: bytes) -> Any:
    """A JSON body; None for anything else."""
    if not body or body[:1] not in b"{[":
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _uri(request: Request) -> str:
    raw = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return f"{raw}?{query}" if query else raw


def _addresses(request: Request) -> list[str]:
    """Where the request came from: what proxies say, then who is connected."""
    client = request.scope.get("client")
    direct = client[0] if client else ""
    found = [a.strip() for a in request.header("x-forwarded-for").split(",") if a.strip()]
    real = request.header("x-real-ip").strip()
    if not found and real:
        found = [real]
    return [*found, direct] if direct and (not found or found[-1] != direct) else found


def audit(server: Server) -> Audit | None:
    """The audit of a server; None without a policy or a log. Raises ValueError or OSError for flags that cannot be."""
    flag = server.config.flag
    path, file = flag("audit-log-path"), flag("audit-policy-file")
    if not path or not file:
        return None
    rules = policy.Policy.load(Path(file))
    if flag("audit-log-format") not in ("json", "legacy"):
        raise ValueError(f'invalid audit log format {flag("audit-log-format")}, allowed formats are "legacy,json"')
    sink: Any = log.Standard()
    if path != "-":
        sizes = (flag("audit-log-maxsize"), flag("audit-log-maxbackup"), flag("audit-log-maxage"))
        sink = log.Rotating(Path(path), *sizes, flag("audit-log-compress"))
    writer = log.Writer(server.loop, sink, lambda error: _log.error("Audit log was not written: %s", error))
    return Audit(server, rules, writer, flag("audit-log-format"))
