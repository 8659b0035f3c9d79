"""Which addresses a webhook may have, as far as they tell it; where a name leads to is checked when it is sent."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from speech.addresses import is_loopback, is_public
from speech.errors import FieldProblem, InvalidRequest

MAX_URL = 2048
_URL = re.compile(rf"[!-~]{{1,{MAX_URL}}}")
_HOST = re.compile(r"[a-z0-9.:_-]{1,253}")
_NUMERIC = re.compile(r"[0-9.]+|.*:.*")


def check_form(url: str) -> str:
    """The address, when it has the form of one; raises ValueError in words."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no address such as https://example.com/hooks") from None
    if not _URL.fullmatch(url) or "\\" in url:
        raise ValueError(f"must be 1 to {MAX_URL} visible ASCII characters; write others in percents or punycode")
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or port == 0:
        raise ValueError("must be an address such as https://example.com/hooks")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name and password: the signature says who sends")
    return url


def check_reach(url: str, *, allow_private: bool) -> None:
    """Raises ValueError for an address that is not for the public internet, unless private ones are allowed."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if allow_private:
        return
    if parts.scheme != "https":
        raise ValueError("must begin with https://")
    if is_loopback(host) or (_NUMERIC.fullmatch(host) and not is_public(host)):
        raise ValueError("leads to this machine or a private network, which WEBHOOK_ALLOW_PRIVATE=true would allow")


def check_webhook_url(url: str | None, *, allow_private: bool, field: str = "webhook_url") -> None:
    """Both, for one that a caller gave; raises InvalidRequest."""
    try:
        if url is not None:
            check_reach(check_form(url), allow_private=allow_private)
    except ValueError as error:
        raise InvalidRequest([FieldProblem(field=field, message=str(error))]) from None
