"""ServiceAccount tokens: JSON Web Tokens signed with sa.key (ES256, or RS256 where the key is RSA).

Signs and checks signatures only; whether the account and the objects that a token is bound to still exist is asked in kk.server.authn.
Claims as kubernetes `pkg/serviceaccount/claims.go` writes them.
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

#: the issuer, and the audience of tokens that ask for none
ISSUER = "https://kubernetes.default.svc"
_SIZE = 32


class NotOurs(Exception):
    """Not a token of this issuer: another authenticator may know it."""


class Refused(Exception):
    """A token of this issuer that does not hold; the text says why."""


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The reverse of b64. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Keys:
    """The cluster's signing key and its public half."""

    def __init__(self, private: Any):
        self._private = private
        self._public = private.public_key()
        der = self._public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = b64(hashlib.sha256(der).digest())
        self._ec = isinstance(private, ec.EllipticCurvePrivateKey)
        if not self._ec and not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("sa.key is neither an EC nor an RSA key")
        self.algorithm = "ES256" if self._ec else "RS256"

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Keys":
        """Read a private key in PEM."""
        return cls(serialization.load_pem_private_key(Path(path).read_bytes(), None))

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact token."""
        header = b64(json.dumps({"alg": self.algorithm, "kid": self.id}, separators=(",", ":")).encode())
        payload = b64(json.dumps(claims, separators=(",", ":")).encode())
        signed = f"{header}.{payload}".encode()
        if self._ec:
            r, s = utils.decode_dss_signature(self._private.sign(signed, ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")
        else:
            signature = self._private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return f"{header}.{payload}.{b64(signature)}"

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token with a good signature. Raises NotOurs or Refused; says nothing of its time."""
        try:
            header, payload, signature = token.split(".")
            claims = json.loads(unb64(payload))
            algorithm = json.loads(unb64(header)).get("alg")
            raw = unb64(signature)
        except (ValueError, AttributeError, RecursionError):
            raise NotOurs from None
        if not isinstance(claims, dict) or claims.get("iss") != ISSUER:
            raise NotOurs
        if algorithm != self.algorithm:
            raise Refused(f"unexpected signature algorithm {json.dumps(algorithm)}")
        try:
            self._check(f"{header}.{payload}".encode(), raw)
        except (InvalidSignature, ValueError):
            raise Refused("failed to verify token: invalid signature") from None
        return claims

    def _check(self, signed: bytes, raw: bytes) -> None:
        if self._ec:
            if len(raw) != 2 * _SIZE:
                raise InvalidSignature
            r, s = int.from_bytes(raw[:_SIZE], "big"), int.from_bytes(raw[_SIZE:], "big")
            self._public.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        else:
            self._public.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set."""
        numbers = self._public.public_numbers()
        key: dict[str, Any] = {"use": "sig", "kid": self.id, "alg": self.algorithm}
        if self._ec:
            key |= {"kty": "EC", "crv": "P-256"}
            key |= {"x": b64(numbers.x.to_bytes(_SIZE, "big")), "y": b64(numbers.y.to_bytes(_SIZE, "big"))}
        else:
            length = (numbers.n.bit_length() + 7) // 8
            key |= {"kty": "RSA", "n": b64(numbers.n.to_bytes(length, "big")), "e": b64(numbers.e.to_bytes(3, "big"))}
        return {"keys": [key]}
