"""Writes whose answers enter the informer at once, so that the next reconcile reads what this one wrote and makes nothing twice.

This takes the place of client-go's expectations: there is nothing to count and nothing that can be forgotten.
"""

from typing import Any

from kk.base.errors import StatusError
from kk.client.informer import Informer
from kk.control.manager import Context

Obj = dict[str, Any]


class Through:
    """One resource, read through its informer and written through to it. Every write raises StatusError or Unreachable."""

    def __init__(self, ctx: Context, api_version: str, plural: str):
        self.ctx, self.api_version, self.plural = ctx, api_version, plural
        self.informer: Informer = ctx.informer(api_version, plural)

    def get(self, key: str) -> Obj | None:
        """An object of the cache, by `namespace/name` or `name`; never change it."""
        return self.informer.get(key)

    def list(self, namespace: str | None = None) -> list[Obj]:
        """Objects of the cache."""
        return self.informer.list(namespace)

    def read(self, obj: Obj) -> Obj | None:
        """The object as the server has it now, None where it is gone."""
        try:
            return self._at(obj).get(obj["metadata"]["name"])
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    def note(self, obj: Obj) -> Obj:
        """Take over an answer."""
        self.informer.note(obj)
        return obj

    def create(self, obj: Obj) -> Obj:
        """Create."""
        return self.note(self._at(obj).create(obj))

    def update(self, obj: Obj) -> Obj:
        """Replace, if nobody changed it since it was read."""
        return self.note(self._at(obj).update(obj))

    def update_status(self, obj: Obj) -> Obj:
        """Replace the status, if nobody changed the object since it was read."""
        return self.note(self._at(obj).update_status(obj))

    def patch(self, obj: Obj, patch: Obj, type: str = "merge") -> Obj:
        """Patch."""
        return self.note(self._at(obj).patch(obj["metadata"]["name"], patch, type))

    def delete(self, obj: Obj) -> None:
        """Delete this very object (by uid), in the background."""
        answer = self._at(obj).delete(
            obj["metadata"]["name"], preconditions={"uid": obj["metadata"]["uid"]}, propagationPolicy="Background"
        )
        if answer.get("kind") == obj.get("kind"):
            self.note(answer)

    def _at(self, obj: Obj) -> Any:
        return self.ctx.resource(self.api_version, self.plural, obj["metadata"].get("namespace"))


def terminating(error: Exception) -> bool:
    """A create that was refused because the namespace is going: nothing to tell and nothing to try again."""
    return isinstance(error, StatusError) and any(
        c.get("reason") == "NamespaceTerminating" for c in error.details.get("causes") or ()
    )
