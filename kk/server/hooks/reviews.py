"""AdmissionReviews: what a webhook is asked, and what its answer means.

Pure: calls nobody, changes nothing. Shapes are those of admission.k8s.io/v1 and v1beta1; the words follow
k8s.io/apiserver `pkg/admission/plugin/webhook/request` and `…/errors`.
"""

import base64
import binascii
from typing import Any
from uuid import uuid4

from kk.base.errors import StatusError
from kk.kinds.kind import Resource
from kk.server.context import Attributes
from kk.server.hooks.matching import name_of, namespace_of

Obj = dict[str, Any]
GROUP = "admission.k8s.io"
_KNOWN = ("v1", "v1beta1")
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


class Unusable(Exception):
    """An answer that breaks the protocol."""


def version_of(versions: list[str]) -> str:
    """The version of the review to send: the first that both know. Raises Unusable."""
    for version in versions:
        if version in _KNOWN:
            return version
    raise Unusable("webhook does not accept known AdmissionReview versions (v1, v1beta1)")


def _options(a: Attributes) -> Obj | None:
    """Options of the write; a patch is told as the update, or the creation, that it is."""
    kind = _OPTIONS.get(a.operation)
    if kind is None:
        return None
    kept = {k: v for k, v in (a.options or {}).items() if k not in ("kind", "apiVersion", "force")}
    return {"kind": kind, "apiVersion": "meta.k8s.io/v1", **kept}


def _place(resource: Resource) -> Obj:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def request(
    a: Attributes, version: str, resource: Resource, kinds: tuple[Obj, Obj], obj: Obj | None, old: Obj | None
) -> Obj:
    """A review. `resource` is what the webhook asked for, `kinds` that one's kind and the request's; obj and old are of it."""
    found: Obj = {
        "uid": str(uuid4()),
        "kind": kinds[0],
        "resource": _place(resource),
        "subResource": a.subresource,
        "requestKind": kinds[1],
        "requestResource": _place(a.resource),
        "requestSubResource": a.subresource,
        "name": name_of(a),
        "namespace": namespace_of(a),
        "operation": a.operation,
        "userInfo": a.user.info(),
        "object": obj,
        "oldObject": old,
        "dryRun": a.dry_run,
        "options": _options(a),
    }
    for key in ("subResource", "requestSubResource", "name", "namespace"):
        if not found[key]:
            del found[key]
    return {"kind": "AdmissionReview", "apiVersion": f"{GROUP}/{version}", "request": found}


def response(answer: Obj, asked: Obj, mutating: bool) -> Obj:
    """The response in an answer, with its `patch` decoded to bytes. Raises Unusable."""
    found = answer.get("response")
    if not isinstance(found, dict):
        raise Unusable("webhook response was absent")
    if asked["apiVersion"] == f"{GROUP}/v1":
        _hold_v1(answer, found, asked, mutating)
    patch = found.get("patch") or ""
    try:
        data = base64.b64decode(patch, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Unusable(f"illegal base64 data in response.patch: {error}") from None
    return {**found, "patch": data if mutating else b""}


def _hold_v1(answer: Obj, found: Obj, asked: Obj, mutating: bool) -> None:
    uid = asked["request"]["uid"]
    if found.get("uid", "") != uid:
        raise Unusable(f'expected response.uid="{uid}", got "{found.get("uid", "")}"')
    given = _shown(str(answer.get("apiVersion") or ""), str(answer.get("kind") or ""))
    wanted = _shown(asked["apiVersion"], "AdmissionReview")
    if given != wanted:
        raise Unusable(f"expected webhook response of {wanted}, got {given}")
    patch, kind = bool(found.get("patch")), found.get("patchType")
    if not mutating:
        if patch:
            raise Unusable("validating webhook may not return response.patch")
        if kind is not None:
            raise Unusable("validating webhook may not return response.patchType")
        return
    if patch and kind is None:
        raise Unusable("webhook returned response.patch but not response.patchType")
    if not patch and kind is not None:
        raise Unusable("webhook returned response.patchType but not response.patch")
    if patch and kind != "JSONPatch":
        raise Unusable(f'webhook returned invalid response.patchType of "{kind}"')


def _shown(api_version: str, kind: str) -> str:
    """A group, version and kind as Go prints them."""
    return f"{api_version if '/' in api_version else '/' + api_version}, Kind={kind}"


def denial(name: str, status: Any) -> StatusError:
    """The refusal of a webhook: what it said, under its name. Codes below 400 are none for a refusal."""
    given: Obj = dict(status) if isinstance(status, dict) else {}
    message, reason = str(given.get("message") or ""), str(given.get("reason") or "")
    denied = f'admission webhook "{name}" denied the request'
    text = f"{denied}: {message or reason}" if message or reason else f"{denied} without explanation"
    code = given.get("code")
    error = StatusError(code if isinstance(code, int) and code >= 400 else 400, reason, text)
    made: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": text}
    if reason:
        made["reason"] = reason
    if isinstance(given.get("details"), dict):
        made["details"] = given["details"]
    error.status = {**made, "code": error.code}
    return error
