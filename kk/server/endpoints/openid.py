"""The issuer of ServiceAccount tokens, for whoever checks them by himself: OpenID discovery and the public key."""

from kk.server.authenticators.service_account import issuers, keys
from kk.server.context import Endpoint, Request, Response
from kk.server.encoding import encode
from kk.server.endpoints._answers import PAGE_NOT_FOUND, read_only

_CONFIGURATION = "/.well-known/openid-configuration"
_KEYS = "/openid/v1/jwks"
_CACHED = ((b"cache-control", b"public, max-age=3600"),)


async def handle(request: Request) -> Response:
    """Answer the two documents."""
    if request.info.path not in (_CONFIGURATION, _KEYS):
        return PAGE_NOT_FOUND
    read_only(request)
    held = keys(request.server)
    if request.info.path == _KEYS:
        return Response(encode(held.jwks()), 200, b"application/jwk-set+json", _CACHED)
    config = request.server.config
    found = {
        "issuer": issuers(request.server)[0],
        "jwks_uri": config.flag("service-account-jwks-uri") or f"https://{config.host}:{config.port}{_KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": held.algorithms,
    }
    return Response(encode(found), 200, b"application/json", _CACHED)


ENDPOINT = Endpoint(handle, paths=(_CONFIGURATION, _KEYS))
