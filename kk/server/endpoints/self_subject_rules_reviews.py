"""What may I do in a namespace? All rules that hold for the caller, as roles have them."""

from kk.base.errors import bad_request
from kk.server import authz, authz_node
from kk.server.context import Endpoint, Request, Response
from kk.server.endpoints import _reviews

_RESOURCE = ("verbs", "apiGroups", "resources", "resourceNames")
_PATH = ("verbs", "nonResourceURLs")


async def handle(request: Request) -> Response:
    """Answer one review."""
    review = await _reviews.read(request)
    namespace = review["spec"].get("namespace", "")
    if not namespace:
        raise bad_request("no namespace on request")
    rules, errors = authz.rules_for(request.server, request.user, namespace)
    resources, paths = [], []
    for rule in rules:
        source = rule.source
        if source.get("resources"):
            resources.append({k: source[k] for k in _RESOURCE if source.get(k)})
        if source.get("nonResourceURLs"):
            paths.append({k: source[k] for k in _PATH})
    faults = list(errors)
    # a binding to a role that is not there hides nothing; what the node authorizer would allow is not told
    node = authz_node.is_node(request.user)
    if node:
        faults.insert(0, "node authorizer does not support user rule resolution")
    status = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": node}
    if faults:
        status["evaluationError"] = authz.errors_text(faults)
    return _reviews.answer(request, {**review, "spec": {}}, status)


ENDPOINT = Endpoint(handle, resources=((_reviews.GROUP, "selfsubjectrulesreviews"),))
