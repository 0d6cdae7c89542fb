"""A token for a ServiceAccount, bound to a Pod, Secret or Node where the request says so (serviceaccounts/NAME/token).

Rules and texts follow kubernetes `pkg/registry/core/serviceaccount/storage/token.go`.
"""

import functools
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

from kk.base.errors import (
    FieldError,
    StatusError,
    bad_request,
    conflict,
    invalid,
    invalid_value,
    no_such_path,
    not_found,
)
from kk.base.times import format_time
from kk.kinds import schema
from kk.kinds.kind import Kind, Resource
from kk.server.admission.node_restriction import check_token
from kk.server.authenticators.service_account import api_audiences, issuers, keys
from kk.server.authz_node import node_name
from kk.server.bodies import read_as
from kk.server.context import Endpoint, Request, Response, Server
from kk.server.endpoints._answers import document, not_allowed
from kk.server.endpoints._reviews import manage
from kk.server.unstored import created
from kk.server.writes.options import write_options

Obj = dict[str, Any]
_PLURALS = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}
_HOUR = 3600
#: what kubelets ask for in a pod's default volume; such a token lives a year, for clients that read it once
_POD_DEFAULT = 3607
_YEAR = 365 * 24 * 3600


async def handle(request: Request) -> Response:
    """Issue a token."""
    server, info = request.server, request.info
    if len(info.parts) > 3:
        raise no_such_path()
    if request.method != "POST":
        raise not_allowed()
    options = write_options(info, "CreateOptions")
    wanted = await read_as(request, _resource(), options.validation)
    given = wanted.get("metadata") or {}
    if given.get("name") not in (None, "", info.name):
        raise bad_request(f"the name of the object ({given['name']}) does not match the name on the URL ({info.name})")
    account = server.cache.get("", "serviceaccounts", info.namespace, info.name)
    if account is None:
        if server.cache.item("", "namespaces", "", info.namespace) is None:
            raise not_found("namespaces", "", info.namespace)
        raise not_found("serviceaccounts", "", info.name)
    node = node_name(request.user)
    if node:
        check_token(server, node, account, (wanted.get("spec") or {}).get("boundObjectRef"))
    await created(request, wanted, options.wire, options.dry_run)
    return document(request, _issue(request, wanted, account, options.manager, options.dry_run), 201)


@functools.cache
def _resource() -> Resource:
    """TokenRequest is served under serviceaccounts only, so it stands in no registry."""
    definition = schema.node("io.k8s.api.authentication.v1.TokenRequest")
    return Resource(
        group="authentication.k8s.io",
        version="v1",
        plural="tokenrequests",
        singular="tokenrequest",
        kind="TokenRequest",
        namespaced=True,
        verbs=("create",),
        short_names=(),
        categories=(),
        subresources=(),
        storage_version="authentication.k8s.io/v1",
        strategy=Kind("authentication.k8s.io/v1", "TokenRequest"),
        schema=definition,
        decode=msgspec.json.decode,
    )


def _issue(request: Request, wanted: Obj, account: Obj, manager: str, dry_run: bool) -> Obj:
    server, spec = request.server, wanted.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    seconds = _HOUR if seconds is None else seconds
    faults = _faults(seconds)
    if faults:
        raise invalid("TokenRequest", "authentication.k8s.io", "", faults)
    meta = account["metadata"]
    review: Obj = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
    }
    review["metadata"]["creationTimestamp"] = server.write.now()
    ref = spec.get("boundObjectRef")
    known = {**spec, "expirationSeconds": seconds}
    review["spec"] = known
    manage(request, review, manager, "token", _resource().schema)
    for entry in review["metadata"].get("managedFields") or ():
        # the reference is there before it is filled, so nobody owns that it exists
        (entry["fieldsV1"].get("f:spec") or {}).get("f:boundObjectRef", {}).pop(".", None)
    audiences = spec.get("audiences") or api_audiences(server)
    seconds = min(seconds, int(server.config.flag("service-account-max-token-expiration")) or seconds)
    claims, lifetime = _claims(server, account, ref, audiences, seconds)
    review["spec"] = {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": ref}
    claims["exp"] = claims["iat"] + lifetime
    token = "" if dry_run else keys(server).sign(claims)
    review["status"] = {"token": token, "expirationTimestamp": _text(claims["iat"] + seconds)}
    return review


def _text(moment: int) -> str:
    return format_time(datetime.fromtimestamp(moment, UTC))


def _faults(seconds: int) -> list[FieldError]:
    field = "spec.expirationSeconds"
    if seconds < 10 * 60:
        return [invalid_value(field, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > 1 << 32:
        return [invalid_value(field, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def _claims(
    server: Server, account: Obj, ref: Obj | None, audiences: list[str], seconds: int
) -> tuple[dict[str, Any], int]:
    meta = account["metadata"]
    own: Obj = {"namespace": meta["namespace"], "serviceaccount": {"name": meta["name"], "uid": meta["uid"]}}
    now, lifetime = int(time.time()), seconds
    if ref is not None:
        own |= _bind(server, meta, ref)
        extend = server.config.flag("service-account-extend-token-expiration")
        if extend and "pod" in own and seconds == _POD_DEFAULT and audiences == api_audiences(server):
            lifetime = _YEAR
            own["warnafter"] = now + seconds
    claims = {
        "aud": audiences,
        "iat": now,
        "iss": issuers(server)[0],
        "jti": str(uuid.uuid4()),
        "kubernetes.io": own,
        "nbf": now,
        "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
    }
    return claims, lifetime


def _bind(server: Server, account: Obj, ref: Obj) -> Obj:
    """The claims of the object that a token is bound to. Raises StatusError."""
    kind, api_version, name = ref.get("kind", ""), ref.get("apiVersion", ""), ref.get("name", "")
    plural = _PLURALS.get(kind)
    if plural is None or api_version not in ("", "v1"):
        group, _, version = api_version.rpartition("/")
        raise bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    if not name:
        raise bad_request("Name parameter required.")
    found = server.cache.get("", plural, "" if plural == "nodes" else account["namespace"], name)
    if found is None:
        raise not_found(plural, "", name)
    uid = found["metadata"]["uid"]
    if ref.get("uid") and ref["uid"] != uid:
        raise _other(kind, name, ref["uid"])
    own: Obj = {kind.lower(): {"name": name, "uid": uid}}
    if kind == "Pod":
        own |= _node_of(server, found, account["name"])
    return own


def _node_of(server: Server, pod: Obj, account: str) -> Obj:
    if pod["spec"].get("serviceAccountName") != account:
        text = f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
        raise bad_request(text)
    name = pod["spec"].get("nodeName")
    if not name:
        return {}
    node = server.cache.get("", "nodes", "", name)
    claim = {"name": name}
    if node is not None:
        claim["uid"] = node["metadata"]["uid"]
    return {"node": claim}


def _other(kind: str, name: str, asked: str) -> StatusError:
    why = (
        f"the UID in the bound object reference ({asked}) does not match the UID in record. "
        "The object might have been deleted and then recreated"
    )
    return conflict(kind, "", name, why)


ENDPOINT = Endpoint(handle, subresources=(("", "serviceaccounts", "token"),))
