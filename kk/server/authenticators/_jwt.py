"""Signatures of JSON Web Tokens by keys of a JSON Web Key Set, for the algorithms that OpenID issuers use (RFC 7515, 7517, 7518).

Checks signatures only; what the claims say is the caller's business.
"""

import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from kk.server.tokens import unb64

_HASHES: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES: dict[str, Any] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
#: what may stand in --oidc-signing-algs
ALGORITHMS = tuple(f"{family}{size}" for family in ("RS", "ES", "PS") for size in _HASHES)


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """(header, claims, what is signed, signature) of a compact token. Raises ValueError for what is none."""
    head, payload, signature = token.split(".")
    header, claims = json.loads(unb64(head)), json.loads(unb64(payload))
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("a token's header and claims are objects")
    return header, claims, f"{head}.{payload}".encode(), unb64(signature)


def public_key(jwk: dict[str, Any]) -> Any:
    """The key of a JWK; None for kinds that sign nothing here."""
    try:
        if jwk.get("use") not in (None, "sig"):
            return None
        if jwk.get("kty") == "RSA":
            return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        if jwk.get("kty") == "EC":
            curve = _CURVES[jwk["crv"]]()
            return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curve).public_key()
    except (KeyError, ValueError, TypeError):
        return None
    return None


def _number(text: str) -> int:
    return int.from_bytes(unb64(text), "big")


def signed(key: Any, algorithm: str, data: bytes, signature: bytes) -> bool:
    """Whether the key made a signature by an algorithm of ALGORITHMS."""
    chosen = _HASHES[algorithm[2:]]()
    try:
        if algorithm.startswith("ES"):
            if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) % 2:
                return False
            half = len(signature) // 2
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(chosen))
        elif not isinstance(key, rsa.RSAPublicKey):
            return False
        elif algorithm.startswith("PS"):
            pad = padding.PSS(padding.MGF1(chosen), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, data, pad, chosen)
        else:
            key.verify(signature, data, padding.PKCS1v15(), chosen)
    except (InvalidSignature, ValueError):
        return False
    return True
