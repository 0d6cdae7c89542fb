"""The issuer of ServiceAccount tokens, for whoever checks them by himself: OpenID discovery and the public key."""

from kk.server.authn import authenticator
from kk.server.context import Endpoint, Request, Response
from kk.server.encoding import encode
from kk.server.endpoints._answers import PAGE_NOT_FOUND, read_only
from kk.server.tokens import ISSUER

_CONFIGURATION = "/.well-known/openid-configuration"
_KEYS = "/openid/v1/jwks"
_CACHED = ((b"cache-control", b"public, max-age=3600"),)


async def handle(request: Request) -> Response:
    """Answer the two documents."""
    if request.info.path not in (_CONFIGURATION, _KEYS):
        return PAGE_NOT_FOUND
    read_only(request)
    keys = authenticator(request.server).keys
    if request.info.path == _KEYS:
        return Response(encode(keys.jwks()), 200, b"application/jwk-set+json", _CACHED)
    config = request.server.config
    found = {
        "issuer": ISSUER,
        "jwks_uri": f"https://{config.host}:{config.port}{_KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.algorithm],
    }
    return Response(encode(found), 200, b"application/json", _CACHED)


ENDPOINT = Endpoint(handle, paths=(_CONFIGURATION, _KEYS))
