"""Acting as somebody else: the Impersonate-* headers, and the rights that they need.

A requester needs either the rights of one constrained mode (who may be impersonated, and for which action) or the plain `impersonate` verb;
the mode that succeeded last for a requester and action is tried first, which decides whose refusal is shown. Behaviour and texts follow
k8s.io/apiserver `pkg/endpoints/filters/impersonation`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from kk.base import names
from kk.base.errors import StatusError, bad_request
from kk.server import authz
from kk.server.context import RequestInfo, Server, User

AUTHENTICATED, UNAUTHENTICATED, ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"
_AUTH = "authentication.k8s.io"
_EXTRA = b"impersonate-extra-"
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


def impersonate(server: Server, user: User, info: RequestInfo, headers: Iterable[tuple[bytes, bytes]]) -> User:
    """The user to act as: the requester where no header asks for another. Raises StatusError 400 or 403."""
    wanted = read_headers(headers)
    if wanted is None:
        return user
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
            return _as_user(wanted, constrained=bool(mode))
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
            what = {"name": name, "uid": uid, "groups": groups, "extra": extra}
            raise bad_request(f"requested {what} without impersonating a user name")
        return None
    return Wanted(name, uid, tuple(groups), tuple((k, tuple(v)) for k, v in sorted(extra.items())))


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
    for question, unfit in _questions(wanted, mode):
        if unfit:
            decision = authz.Decision(False, unfit)
            return authz.refusal(user, question, decision)
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


def _questions(wanted: Wanted, mode: str) -> Iterator[tuple[RequestInfo, str]]:
    """What the requester must be allowed, each with the reason why it is refused whatever the rights are (or "")."""
    verb, group = (f"impersonate:{mode}", _AUTH) if mode else ("impersonate", "")
    node, account = node_of(wanted.name), account_of(wanted.name)
    if mode and node:
        yield authz.access(verb, "nodes", group=group, name="*" if mode == "associated-node" else node), ""
    elif account:
        yield (
            authz.access(verb, "serviceaccounts", group=group if mode else "", namespace=account[0], name=account[1]),
            "",
        )
    else:
        yield authz.access(verb, "users", group=group, name=wanted.name), ""
    if wanted.uid:
        yield authz.access(verb, "uids", group=_AUTH, name=wanted.uid), ""
    for name in wanted.groups:
        unfit = ""
        if mode and not name:
            unfit = "impersonating the empty string group is not allowed"
        elif mode and name == authz.MASTERS:
            unfit = "impersonating the system:masters group is not allowed"
        yield authz.access(verb, "groups", group=group, name=name), unfit
    for key, values in wanted.extra:
        for value in values:
            yield authz.access(verb, "userextras", group=_AUTH, subresource=key, name=value), ""


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
