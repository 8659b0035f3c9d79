"""Callers' keys as they are named in RECITE_API_KEYS."""

from __future__ import annotations

import hashlib

import pytest

from speech.api_key import ApiKey, Right, digest_of, sent_as

pytestmark = pytest.mark.unit

HASHED = hashlib.sha256(b"key").hexdigest()
ALL = set(Right)


@pytest.mark.parametrize(
    ("named", "sent", "rights"),
    [
        ("key", "key", ALL),
        ("read:key", "key", {Right.READ}),
        ("submit+read:key", "key", {Right.SUBMIT, Right.READ}),
        ("admin:read:key", "read:key", {Right.ADMIN}),
        ("other:key", "other:key", ALL),
        (f"sha256:{HASHED}", "key", ALL),
        (f"read:sha256:{HASHED.upper()}", "key", {Right.READ}),
    ],
)
def test_a_key_is_opened_by_what_its_holder_sends(named: str, sent: str, rights: set[Right]) -> None:
    key = ApiKey.of(named)

    assert key.rights == rights
    assert key.is_opened_by(digest_of(sent))
    assert not key.is_opened_by(digest_of(named)) or named == sent
    assert sent_as(named) == (None if "sha256:" in named else sent)
    assert "key" not in repr(key.digest)


@pytest.mark.parametrize("named", ["sha256:hush", f"read:sha256:{HASHED}0", "sha256:", ""])
def test_what_is_no_key_is_refused_without_showing_it(named: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        ApiKey.of(named)
    assert "hush" not in str(refused.value)
