"""Refuses new objects of a custom resource whose definition is going: they would only be deleted again."""

from kk.base.errors import forbidden
from kk.server.context import Attributes, Plugin


def mutate(attributes: Attributes) -> None:
    """Raise 403 where the definition is terminating."""
    resource = attributes.resource
    if resource.custom and resource.terminating:  # type: ignore[attr-defined]
        name = (attributes.obj or {}).get("metadata", {}).get("name") or attributes.name
        why = "create not allowed while custom resource definition is terminating"
        raise forbidden(resource.plural, resource.group, name, why)


PLUGIN = Plugin("CustomResourceTerminating", 1, mutate=mutate, operations=("CREATE",))
