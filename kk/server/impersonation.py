"""Acting as somebody else: the Impersonate-* headers, and the rights that they need.

A requester needs either the rights of one constrained mode (who may be impersonated, and for which action) or the plain `impersonate` verb;
the mode that succeeded last for a requester and action is tried first, which decides whose refusal is shown. Behaviour and texts follow
k8s.io/apiserver `pkg/endpoints/filters/impersonation`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from kk.base import names
from kk.base.errors import FieldError, StatusError, bad_request, invalid_value
from kk.server import authz
from kk.server.context import RequestInfo, Server, User

AUTHENTICATED, UNAUTHENTICATED, ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"
_AUTH = "authentication.k8s.io"
_EXTRA = b"impersonate-extra-"
#: from so many questions of one kind on, the right to everything of that kind is asked for first
_MANY = 4
_NODE, _ACCOUNT = "system:node:", "system:serviceaccount:"
#: requesters whose last successful mode is remembered at most
_MEMORY = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be impersonated, as the headers say it."""

    name: str
    uid: str
    groups: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def only_name(self) -> bool:
        """Nothing but the user name is asked for."""
        return not (self.uid or self.groups or self.extra)


def impersonate(
    server: Server, user: User, info: RequestInfo, headers: Iterable[tuple[bytes, bytes]]
) -> tuple[User, str]:
    """The user to act as (the requester where no header asks for another), and the constrained mode's verb by which he may, or "".

    Raises StatusError 400 or 403.
    """
    wanted = read_headers(headers)
    if wanted is None:
        return user, ""
    memory = server.state.setdefault(__name__, {})
    key = (user.name, user.groups, info.verb, info.group, info.resource, info.subresource)
    modes = list(_modes(user, wanted))
    last = memory.get(key)
    if last in modes:
        modes.remove(last)
        modes.insert(0, last)
    first: StatusError | None = None
    for mode in modes:
        refused = _check(server, user, info, wanted, mode)
        if refused is None:
            if len(memory) > _MEMORY:
                memory.clear()
            memory[key] = mode
            return _as_user(wanted, constrained=bool(mode)), f"impersonate:{mode}" if mode else ""
        first = first or refused
    assert first is not None  # the plain mode is always among them
    raise first


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Wanted | None:
    """What the headers ask for; None where they ask for nothing. Raises StatusError 400 for parts without a user name."""
    name = uid = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for key, raw in headers:
        if not key.startswith(b"impersonate-"):
            continue
        value = raw.decode("utf-8", "replace")
        if key == b"impersonate-user":
            name = name or value
        elif key == b"impersonate-uid":
            uid = uid or value
        elif key == b"impersonate-group":
            groups.append(value)
        elif key.startswith(_EXTRA):
            extra.setdefault(unquote(key[len(_EXTRA) :].decode("latin-1")).lower(), []).append(value)
    if not name:
        if uid or groups or extra:
            raise bad_request(f"requested {_go(name, uid, groups, extra)} without impersonating a user name")
        return None
    return Wanted(name, uid, tuple(groups), tuple((k, tuple(v)) for k, v in sorted(extra.items())))


def _go(name: str, uid: str, groups: list[str], extra: dict[str, list[str]]) -> str:
    """A user as Go prints its struct."""

    def listed(values: list[str]) -> str:
        return "[]string" + (f"{{{', '.join(map(json.dumps, values))}}}" if values else "(nil)")

    pairs = ", ".join(f"{json.dumps(key)}:{listed(values)[8:]}" for key, values in sorted(extra.items()))
    shown = f"{{{pairs}}}" if extra else "(nil)"
    head = f"Name:{json.dumps(name)}, UID:{json.dumps(uid)}, Groups:{listed(groups)}"
    return f"&user.DefaultInfo{{{head}, Extra:map[string][]string{shown}}}"


def _modes(user: User, wanted: Wanted) -> Iterator[str]:
    """The modes that fit what is wanted, in upstream's order; "" is the plain one."""
    node, account = node_of(wanted.name), account_of(wanted.name)
    if node and wanted.only_name:
        nodes = dict(user.extra).get("authentication.kubernetes.io/node-name", ())
        if account_of(user.name) and nodes == (node,):
            yield "associated-node"
        yield "arbitrary-node"
    if account and wanted.only_name:
        yield "serviceaccount"
    if not node and not account:
        yield "user-info"
    yield ""


def _check(server: Server, user: User, info: RequestInfo, wanted: Wanted, mode: str) -> StatusError | None:
    if mode:
        refused = authz.authorize(server, user, _on(info, mode))
        if refused is not None:
            return refused
    for step in _steps(wanted, mode):
        if step.unfit:
            return authz.refusal(user, step.questions[0], authz.Decision(False, step.unfit))
        if step.all is not None and authz.authorize(server, user, step.all) is None:
            continue
        for question in step.questions:
            refused = authz.authorize(server, user, question)
            if refused is not None:
                return refused
    return None


def _on(info: RequestInfo, mode: str) -> RequestInfo:
    """The request itself, as the right to do it while impersonating."""
    copy = RequestInfo(f"impersonate-on:{mode}:{info.verb}", info.path, info.raw_query)
    for part in ("group", "version", "resource", "subresource", "namespace", "name", "is_resource"):
        setattr(copy, part, getattr(info, part))
    return copy


@dataclass(frozen=True, slots=True)
class _Step:
    """What the requester must be allowed: each of the questions, or `all` of that kind at once; `unfit` is why it cannot be."""

    questions: list[RequestInfo]
    all: RequestInfo | None = None
    unfit: str = ""


def _steps(wanted: Wanted, mode: str) -> Iterator[_Step]:
    verb, group = (f"impersonate:{mode}", _AUTH) if mode else ("impersonate", "")
    yield _Step([_name_question(wanted, mode, verb, group)])
    if wanted.uid:
        yield _Step([authz.access(verb, "uids", group=_AUTH, name=wanted.uid)])

    def of_group(name: str) -> RequestInfo:
        return authz.access(verb, "groups", group=group, name=name)

    if mode and "" in wanted.groups:
        yield _Step([of_group("")], unfit="impersonating the empty string group is not allowed")
    elif mode and authz.MASTERS in wanted.groups:
        yield _Step([of_group(authz.MASTERS)], unfit="impersonating the system:masters group is not allowed")
    elif wanted.groups:
        many = mode and len(wanted.groups) >= _MANY
        yield _Step([of_group(name) for name in wanted.groups], of_group("*") if many else None)
    if wanted.extra:
        yield _extra_step(wanted, mode, verb)


def _name_question(wanted: Wanted, mode: str, verb: str, group: str) -> RequestInfo:
    node, account = node_of(wanted.name), account_of(wanted.name)
    if mode and node:
        return authz.access(verb, "nodes", group=group, name="*" if mode == "associated-node" else node)
    if account:
        return authz.access(verb, "serviceaccounts", group=group, namespace=account[0], name=account[1])
    return authz.access(verb, "users", group=group, name=wanted.name)


def _extra_step(wanted: Wanted, mode: str, verb: str) -> _Step:
    def of_value(key: str, value: str) -> RequestInfo:
        return authz.access(verb, "userextras", group=_AUTH, subresource=key, name=value)

    questions = [of_value(key, value) for key, values in wanted.extra for value in values]
    if not mode:
        return _Step(questions)
    unfit = next(filter(None, (unfit_extra(key, values) for key, values in wanted.extra)), "")
    if unfit:
        return _Step([of_value("", "")], unfit=unfit)
    return _Step(questions, of_value("*", "*") if len(questions) >= _MANY else None)


def unfit_extra(key: str, values: tuple[str, ...]) -> str:
    """Why a constrained mode takes no such extra value, or ""."""
    if not key:
        return "impersonating the empty string key in extra is not allowed"
    faults = [str(fault) for fault in _key_faults(key)]
    if faults:
        return f"impersonating an invalid key in extra is not allowed: {authz.errors_text(faults)}"
    if "" in values:
        return "impersonating the empty string value in extra is not allowed"
    return ""


def _key_faults(key: str) -> Iterator[FieldError]:
    host, _, path = key.partition("/")
    shown = key if not host or not path else host if names.dns_subdomain(host) else path
    for message in names.domain_prefixed_path(key):
        yield invalid_value("extra.key", shown, message)


def _as_user(wanted: Wanted, constrained: bool) -> User:
    groups = list(wanted.groups)
    account = account_of(wanted.name)
    if constrained and node_of(wanted.name):
        groups = ["system:nodes"]
    elif account and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    if wanted.name == ANONYMOUS:
        if UNAUTHENTICATED not in groups:
            groups.append(UNAUTHENTICATED)
    elif UNAUTHENTICATED not in groups and AUTHENTICATED not in groups:
        groups.append(AUTHENTICATED)
    return User(wanted.name, wanted.uid, tuple(groups), wanted.extra)


def node_of(name: str) -> str:
    """The node of a user name `system:node:NAME`, or ""."""
    node = name[len(_NODE) :] if name.startswith(_NODE) else ""
    return node if node and not names.dns_subdomain(node) else ""


def account_of(name: str) -> tuple[str, str] | None:
    """(namespace, name) of a user name `system:serviceaccount:NAMESPACE:NAME`, or None."""
    if not name.startswith(_ACCOUNT):
        return None
    namespace, colon, account = name[len(_ACCOUNT) :].partition(":")
    if not colon or names.dns_label(namespace) or names.dns_subdomain(account):
        return None
    return namespace, account
