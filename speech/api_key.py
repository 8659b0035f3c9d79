"""A caller's key as the operator names it, of which only the hash is kept, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

_RIGHTS = r"(?:admin|submit|read)"
_NAMED = re.compile(rf"(?:({_RIGHTS}(?:\+{_RIGHTS})*):)?(.+)", re.DOTALL)
_HASHED = "sha256:"
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Right(StrEnum):
    """What a call needs, and what a key gives: clients and removing audio; asking for speech; looking and listening."""

    ADMIN = "admin"
    SUBMIT = "submit"
    READ = "read"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`digest` is the SHA-256 of what callers send."""

    digest: bytes
    rights: frozenset[Right]

    @classmethod
    def of(cls, named: str) -> Self:
        """Reads `KEY`, `submit+read:KEY` or either with `sha256:<hex>` for the key; raises ValueError."""
        rights, key = _parts(named)
        if not key.startswith(_HASHED):
            return cls(digest_of(key), rights)
        hexadecimal = key.removeprefix(_HASHED)
        if not _DIGEST.fullmatch(hexadecimal):
            raise ValueError("sha256: must be followed by the 64 hexadecimal digits of a key's SHA-256")
        return cls(bytes.fromhex(hexadecimal), rights)

    def is_opened_by(self, digest: bytes) -> bool:
        """Whether it is the key of this digest; takes as long either way."""
        return hmac.compare_digest(self.digest, digest)


def digest_of(key: str) -> bytes:
    """What is kept of a key, and compared."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def sent_as(named: str) -> str | None:
    """What a caller sends who was given this key; None when only its hash is known."""
    _, key = _parts(named)
    return None if key.startswith(_HASHED) else key


def _parts(named: str) -> tuple[frozenset[Right], str]:
    found = _NAMED.fullmatch(named)
    if found is None:
        raise ValueError("a key must not be empty")
    rights = frozenset(Right(name) for name in found[1].split("+")) if found[1] else frozenset(Right)
    return rights, found[2]
