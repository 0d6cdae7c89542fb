"""May somebody do something? SubjectAccessReview, its form for one namespace, and the one about oneself."""

from kk.base.errors import FieldError, invalid_value
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints import _reviews
from kk.server.endpoints._reviews import Obj

_LOCAL, _SELF = "localsubjectaccessreviews", "selfsubjectaccessreviews"


async def handle(request: Request) -> Response:
    """Answer one review."""
    review = await _reviews.read(request)
    spec, resource = review["spec"], request.info.resource
    faults = _reviews.attribute_faults(spec)
    if resource != _SELF and not spec.get("user") and not spec.get("groups"):
        faults.append(invalid_value("spec.user", "", "at least one of user or group must be specified"))
    if not faults:
        faults += _place_faults(review, resource)
    _reviews.refuse(faults)
    user = request.user if resource == _SELF else _reviews.user_of(spec)
    return _reviews.answer(request, review, _reviews.access_status(request, user, spec))


def _place_faults(review: Obj, resource: str) -> list[FieldError]:
    """Faults of metadata, and of where a local review asks."""
    spec, metadata = review["spec"], review["metadata"]
    allowed = ("managedFields", "namespace") if resource == _LOCAL else ("managedFields",)
    if any(v for k, v in metadata.items() if k not in allowed):
        return [invalid_value("metadata", metadata, "must be empty")]
    if resource != _LOCAL:
        return []
    if spec.get("nonResourceAttributes") is not None:
        shown = _reviews.path_value(spec["nonResourceAttributes"])
        return [invalid_value("spec.nonResourceAttributes", shown, "disallowed on this kind of request")]
    asked = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if asked != metadata.get("namespace", ""):
        field = "spec.resourceAttributes.namespace"
        return [invalid_value(field, asked, "must match metadata.namespace")]
    return []


ENDPOINT = Endpoint(
    handle,
    resources=tuple((_reviews.GROUP, plural) for plural in ("subjectaccessreviews", _LOCAL, _SELF)),
)
