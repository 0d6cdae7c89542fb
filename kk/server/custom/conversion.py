"""Between the versions of a custom resource: by changing apiVersion only, or by asking a webhook (ConversionReview v1).

The rules and words are those of k8s.io/apiextensions-apiserver `pkg/apiserver/conversion`.
"""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kk.base.errors import StatusError, internal
from kk.server.custom import structural
from kk.server.encoding import Obj, decode, encode
from kk.server.writes.write import Elsewhere

if TYPE_CHECKING:
    from kk.server.context import Server
    from kk.server.custom.resource import Custom

_TIMEOUT = 30.0
_REMEMBERED = 64
_REVIEW = "apiextensions.k8s.io/v1"
#: what a webhook may change of metadata
_ITS_OWN = ("labels", "annotations")


class Conversion:
    """How one definition converts. `versions` are all its versions, served or not, by api_version; `webhook` is its client configuration, or None."""

    def __init__(
        self, server: "Server", kind: str, versions: "dict[str, Custom]", webhook: Obj | None, reviews: list[str]
    ):
        self._server, self._kind, self._versions = server, kind, versions
        self.webhook, self._reviews = webhook, reviews
        self._known: dict[
            tuple[str, bytes], bytes
        ] = {}  # what the webhook made of objects while their ownership was worked out

    def local(self, obj: Obj, api_version: str) -> Obj:
        """A stored object (the caller's own) as another version says it, where nobody has to be asked: shaped by its own schema, then by that one's."""
        given = obj.get("apiVersion", "")
        own, other = self._versions.get(given), self._versions.get(api_version)
        if own is not None:
            structural.shaped(obj, own.compiled)
        if given != api_version:
            obj["apiVersion"] = api_version
            if other is not None:
                structural.prune(obj, other.compiled)
        return obj

    def renamed(self, obj: Obj, api_version: str) -> "tuple[Obj, Any] | None":
        """An object (the caller's own) in another version, and that version's type; None where there is none. Raises Elsewhere."""
        other = self._versions.get(api_version)
        if other is None:
            return None
        if self.webhook is not None and obj.get("apiVersion") != api_version:
            obj = self._asked(obj, api_version)
        obj["apiVersion"] = api_version
        structural.prune(obj, other.compiled)
        return obj, other.schema

    def _asked(self, obj: Obj, api_version: str) -> Obj:
        """What the webhook made of an object. Raises Elsewhere where it was not asked yet."""
        key = (api_version, encode(obj))
        made = self._known.get(key)
        if made is None:

            async def ask() -> None:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[key] = encode((await self.remote([obj], api_version))[0])

            raise Elsewhere(ask)
        found: Obj = decode(made)
        return found

    async def one(self, obj: Obj, api_version: str) -> Obj:
        """One object in another version, with that one's shape and defaults. Raises StatusError."""
        if obj.get("apiVersion") == api_version:
            return obj
        if self.webhook is None:
            made: Obj = structural.copied({**obj, "apiVersion": api_version})
        else:
            made = (await self.remote([obj], api_version))[0]
        other = self._versions.get(api_version)
        if other is not None:
            structural.shaped(made, other.compiled)
        return made

    async def remote(self, objs: list[Obj], api_version: str) -> list[Obj]:
        """Objects in another version, as the webhook converts them. Raises StatusError 500."""
        from kk.server.hooks import client

        uid = str(uuid4())
        request = {"uid": uid, "desiredAPIVersion": api_version, "objects": objs}
        review = {"kind": "ConversionReview", "apiVersion": _REVIEW, "request": request}
        group, _, version = objs[0].get("apiVersion", "").rpartition("/")
        what = f"{group}/{version}, Kind={self._kind}"
        if "v1" not in self._reviews:
            raise internal("Conversion webhook does not support any of the review versions that this server sends")
        try:
            answer = await client.call(self._server, self.webhook or {}, review, _TIMEOUT, tell_timeout=False)
        except StatusError as error:
            raise _failed(what, error.message) from None
        except (OSError, ValueError) as error:
            raise _failed(what, str(error)) from None
        return self._converted(what, uid, objs, answer, api_version)

    def _converted(self, what: str, uid: str, objs: list[Obj], answer: Obj, api_version: str) -> list[Obj]:
        """The objects of an answer, checked against what was asked."""
        response = answer.get("response") if isinstance(answer, dict) else None
        if not isinstance(response, dict):
            raise _failed(what, "no response provided")
        if answer.get("kind") != "ConversionReview" or answer.get("apiVersion") != _REVIEW:
            raise _failed(what, f"invalid webhook response: expected {_REVIEW}, Kind=ConversionReview")
        if response.get("uid") != uid:
            raise _failed(what, f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
        result = response.get("result") or {}
        if result.get("status") != "Success":
            raise _failed(what, result.get("message") or "unknown reason")
        made = response.get("convertedObjects") or []
        if len(made) != len(objs):
            raise _failed(what, f"webhook returned {len(made)} objects, expected {len(objs)}")
        return [self._checked(what, at, old, new, api_version) for at, (old, new) in enumerate(zip(objs, made))]

    def _checked(self, what: str, at: int, old: Obj, new: Any, api_version: str) -> Obj:
        if not isinstance(new, dict) or new.get("apiVersion") != api_version:
            got = new.get("apiVersion") if isinstance(new, dict) else type(new).__name__
            raise _failed(
                what,
                f"invalid converted object at index {at}: invalid groupVersion (expected {api_version}, received {got})",
            )
        if new.get("kind") != old.get("kind"):
            raise _failed(
                what,
                f"invalid converted object at index {at}: invalid kind (expected {old.get('kind')}, received {new.get('kind')})",
            )
        before, after = old.get("metadata") or {}, new.get("metadata") or {}
        for key in ("name", "namespace", "uid"):
            if (before.get(key) or "") != (after.get(key) or ""):
                raise _failed(what, f"invalid metadata of converted object at index {at}: {key} must not be changed")
        metadata = {k: v for k, v in before.items() if k not in _ITS_OWN}
        metadata |= {k: after[k] for k in _ITS_OWN if after.get(k)}
        rest = {k: v for k, v in new.items() if k not in ("kind", "apiVersion", "metadata")}
        return {"kind": old["kind"], "apiVersion": api_version, "metadata": metadata, **rest}


def _failed(what: str, why: str) -> StatusError:
    return StatusError(500, "", f"conversion webhook for {what} failed: {why}")
