"""Calls that this caller may not make, and keys that open nothing."""

from __future__ import annotations

from speech.errors.root import ReciteError


class Unauthorized(ReciteError):
    """No valid key came with the call."""

    code = "unauthorized"
    title = "A valid API key is needed: Authorization: Bearer <key>"
    status = 401


class Forbidden(ReciteError):
    """Whoever calls is known, and may not do this."""

    code = "forbidden"
    title = "This key is not for this call"
    status = 403


class BadSignature(ReciteError):
    """Private audio is opened by a signed link that has not expired."""

    code = "bad_signature"
    title = "This audio is private: its link must be signed, and has expired or isn't; the job's answer has a new one"
    status = 403


class ForeignPage(ReciteError):
    """A page of an origin that is not allowed, or a host name that is not ours."""

    code = "foreign_page"
    title = "Pages of this origin may not do this; ALLOWED_ORIGINS, PUBLIC_URL and the client name those that may"
    status = 403


class BadToken(ReciteError):
    """The token is not the session's, or was used before."""

    code = "bad_token"
    title = "The token is not valid, or was used before"
    status = 403


class KeySealed(ReciteError):
    """The client has a key of its own that RECITE_SECRET doesn't open; no other key may be used in its place."""

    code = "key_sealed"
    title = "The client's own key can't be read with RECITE_SECRET; put it again"
    status = 503
