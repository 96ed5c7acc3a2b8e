"""Tokens of user pools that can be verified: RS256 without a cryptography package.

Why: without one the engine signs its tokens with random bytes and trusts none, so a route with a
`cognito` or `jwt` authorizer would let nobody in. One key, kept beside the engine's state, signs
for all pools; a token names its pool as its issuer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .needs import need, replace

COGNITO = "services.cognito"
BITS = 2048
EXPONENT = 65537
#: DER of the algorithm in front of a SHA-256 digest (RFC 8017, 9.2)
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
SMALL = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
#: rounds of Miller and Rabin's test: a mistake in 2^80
ROUNDS = 40

_lock = threading.Lock()


@dataclass(frozen=True)
class Key:
    modulus: int
    private: int

    def jwk(self) -> dict[str, str]:
        number = self.modulus.to_bytes(BITS // 8, "big")
        kid = hashlib.sha256(number).hexdigest()[:16]
        said = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "e": "AQAB"}
        return {**said, "n": encoded(number)}


def install() -> None:
    verify = ("token", "jwk")
    for module in ("services.apigateway", "services.apigateway_v1"):
        replace(module, "_verify_rs256_signature", verified, *verify)
    replace(COGNITO, "_signed_jwt", signed, "claims", "pool_id", "use")
    replace(COGNITO, "well_known_jwks", jwks, "pool_id")
    need(COGNITO, "_STATE_DIR")


def jwks(pool_id: str) -> Any:  # noqa: ARG001
    body = json.dumps({"keys": [key().jwk()]}).encode()
    return 200, {"Content-Type": "application/json"}, body


def signed(claims: dict[str, Any], pool_id: str = "", use: str = "") -> str:  # noqa: ARG001
    """The claims as a token."""
    mine = key()
    header = encoded(json.dumps({"alg": "RS256", "kid": mine.jwk()["kid"]}).encode())
    said = f"{header}.{encoded(json.dumps(claims).encode())}"
    signature = pow(int.from_bytes(padded(said), "big"), mine.private, mine.modulus)
    return f"{said}.{encoded(signature.to_bytes(BITS // 8, 'big'))}"


def verified(token: str, jwk: dict[str, Any]) -> bool:
    """Whether `jwk` signed the token."""
    said, _, signature = token.rpartition(".")
    try:
        modulus = int.from_bytes(decoded(jwk["n"]), "big")
        exponent = int.from_bytes(decoded(jwk["e"]), "big")
        given = decoded(signature)
        size = (modulus.bit_length() + 7) // 8
        if modulus < 2**1023 or len(given) != size:
            return False
        shown = pow(int.from_bytes(given, "big"), exponent, modulus).to_bytes(size, "big")
    except (ValueError, KeyError, TypeError):
        return False
    return secrets.compare_digest(shown, padded(said, size))


def padded(text: str, size: int = BITS // 8) -> bytes:
    """The digest of `text` as it is signed (PKCS #1 v1.5)."""
    digest = SHA256 + hashlib.sha256(text.encode()).digest()
    return b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key() -> Key:
    """The engine's key, made when it is first asked for."""
    place = Path(need(COGNITO, "_STATE_DIR")) / "tokens.json"
    with _lock:
        if place.exists():
            return Key(**json.loads(place.read_text()))
        made = generate()
        place.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"modulus": made.modulus, "private": made.private}, file)
        return made


def generate() -> Key:
    while True:
        one, other = prime(BITS // 2), prime(BITS // 2)
        totient = (one - 1) * (other - 1)
        if one != other and totient % EXPONENT:
            return Key(one * other, pow(EXPONENT, -1, totient))


def prime(bits: int) -> int:
    """A random prime with its two highest bits set, so that two make a product of full length."""
    while True:
        number = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(number % small for small in SMALL) and probably_prime(number):
            return number


def probably_prime(number: int) -> bool:
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(ROUNDS):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True
