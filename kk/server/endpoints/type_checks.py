"""/kk/typechecks/NAME: what the type checker says of a stored ValidatingAdmissionPolicy.

The one path that Kubernetes has not. There the controller that writes such a status holds the checker itself; here only the server knows CEL,
and only controllers write statuses. Nothing is stored.
"""

from kk.base.errors import no_such_path, not_found
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints._answers import json_only, read_only

_PATH = "/kk/typechecks/"
_GROUP, _PLURAL = "admissionregistration.k8s.io", "validatingadmissionpolicies"


async def handle(request: Request) -> Response:
    """Answer with the generation that was looked at and its warnings."""
    name = request.info.path.removeprefix(_PATH)
    if not name or "/" in name:
        raise no_such_path()
    read_only(request)
    policy = request.server.cache.get(_GROUP, _PLURAL, "", name)
    if policy is None:
        raise not_found(_PLURAL, _GROUP, name)
    from kk.server.cel import typechecking

    found = typechecking.warnings(policy, request.server.resources)
    generation = policy["metadata"].get("generation", 0)
    return json_only(request, {"observedGeneration": generation, "expressionWarnings": found})


ENDPOINT = Endpoint(handle, paths=(_PATH,))
