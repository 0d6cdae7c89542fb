"""ServiceAccount tokens: JSON Web Tokens signed with sa.key (ES256, or RS256 where the key is RSA).

Signs and checks signatures only; whether the account and the objects that a token is bound to still exist is asked in
kk.server.authenticators.service_account.
Claims as kubernetes `pkg/serviceaccount/claims.go` writes them.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from kk.server.authenticators._types import NotOurs, Refused

#: the issuer, and the audience of tokens that ask for none
ISSUER = "https://kubernetes.default.svc"
_SIZE = 32


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The reverse of b64. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Keys:
    """The cluster's signing key, its public half, and further public keys whose tokens are still taken."""

    def __init__(self, private: Any, others: Iterable[Any] = ()):
        self._private = private
        self._public = PublicKey(private.public_key())
        self.id, self.algorithm = self._public.id, self._public.algorithm
        self._known = {key.id: key for key in (self._public, *(PublicKey(o) for o in others))}

    @classmethod
    def load(cls, path: str | os.PathLike[str], others: Iterable[str] = ()) -> "Keys":
        """Read a private key in PEM, and files of further keys, private or public. Raises OSError or ValueError."""
        found = [key for other in others for key in _public_keys(Path(other).read_bytes())]
        return cls(serialization.load_pem_private_key(Path(path).read_bytes(), None), found)

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact token."""
        header = b64(json.dumps({"alg": self.algorithm, "kid": self.id}, separators=(",", ":")).encode())
        payload = b64(json.dumps(claims, separators=(",", ":")).encode())
        signed = f"{header}.{payload}".encode()
        if self.algorithm == "ES256":
            r, s = utils.decode_dss_signature(self._private.sign(signed, ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")
        else:
            signature = self._private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return f"{header}.{payload}.{b64(signature)}"

    def verify(self, token: str, issuers: Collection[str] = (ISSUER,)) -> dict[str, Any]:
        """The claims of a token with a good signature. Raises NotOurs or Refused; says nothing of its time."""
        try:
            header, payload, signature = token.split(".")
            claims = json.loads(unb64(payload))
            head = json.loads(unb64(header))
            algorithm, kid = head.get("alg"), head.get("kid")
            raw = unb64(signature)
        except (ValueError, AttributeError, RecursionError):
            raise NotOurs from None
        if not isinstance(claims, dict) or claims.get("iss") not in issuers:
            raise NotOurs
        candidates = [k for k in self._known.values() if k.algorithm == algorithm and kid in (None, "", k.id)]
        if not any(k.algorithm == algorithm for k in self._known.values()):
            raise Refused(f"unexpected signature algorithm {json.dumps(algorithm)}")
        if not any(key.signed(f"{header}.{payload}".encode(), raw) for key in candidates):
            raise Refused("failed to verify token: invalid signature")
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set."""
        return {"keys": [key.jwk() for key in self._known.values()]}

    @property
    def algorithms(self) -> list[str]:
        """The algorithms of all keys."""
        return list(dict.fromkeys(key.algorithm for key in self._known.values()))


class PublicKey:
    """One public key that tokens may be signed with."""

    def __init__(self, key: Any):
        self._key = key
        der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = b64(hashlib.sha256(der).digest())
        self._ec = isinstance(key, ec.EllipticCurvePublicKey)
        if not self._ec and not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("a key of ServiceAccount tokens is neither an EC nor an RSA key")
        self.algorithm = "ES256" if self._ec else "RS256"

    def signed(self, data: bytes, raw: bytes) -> bool:
        """Whether a signature is this key's."""
        try:
            if not self._ec:
                self._key.verify(raw, data, padding.PKCS1v15(), hashes.SHA256())
            elif len(raw) != 2 * _SIZE:
                return False
            else:
                r, s = int.from_bytes(raw[:_SIZE], "big"), int.from_bytes(raw[_SIZE:], "big")
                self._key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def jwk(self) -> dict[str, Any]:
        """This key as a JSON Web Key."""
        numbers = self._key.public_numbers()
        key: dict[str, Any] = {"use": "sig", "kid": self.id, "alg": self.algorithm}
        if self._ec:
            key |= {"kty": "EC", "crv": "P-256"}
            key |= {"x": b64(numbers.x.to_bytes(_SIZE, "big")), "y": b64(numbers.y.to_bytes(_SIZE, "big"))}
        else:
            length = (numbers.n.bit_length() + 7) // 8
            key |= {"kty": "RSA", "n": b64(numbers.n.to_bytes(length, "big")), "e": b64(numbers.e.to_bytes(3, "big"))}
        return key


def _public_keys(pem: bytes) -> Iterator[Any]:
    """The public keys of a PEM file of private or public keys."""
    for block in re.findall(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", pem, re.DOTALL):
        if b"PRIVATE KEY" in block:
            yield serialization.load_pem_private_key(block, None).public_key()
        else:
            yield serialization.load_pem_public_key(block)
