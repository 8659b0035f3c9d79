"""A client: a page or a program that speaks through us under a name and with settings of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from speech.errors import FieldProblem, InvalidRequest

# What another program may also send as `client_id`; a name of dots alone would be a path.
CLIENT_ID = r"[A-Za-z0-9._-]{1,64}"
SHARED, PRIVATE = "shared", "private"
# The one provider that speaks, whose chats the service's own key opens and of which prices are known.
XAI = "xai"

_CLIENT_ID = re.compile(CLIENT_ID)


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A client as it is stored, without its upstream key; `has_key` says whether there is one of its own.

    `voice` and `format` are the service's defaults when None; budgets and rates have no limit when None.
    `webhook_disabled`: its receiver wanted nothing more.
    """

    id: str
    name: str = ""
    ai_provider: str = XAI
    ai_model: str = "grok-3-fast"
    system_prompt: str = ""
    voice: str | None = None
    format: str | None = None
    audio: str = "auto"
    pronunciations: tuple[tuple[str, str], ...] = ()
    allowed_origins: tuple[str, ...] = ()
    monthly_character_budget: int | None = None
    requests_per_minute: int | None = None
    cache: str = SHARED
    data_wait_seconds: float = 8.0
    webhook_url: str | None = None
    webhook_disabled: bool = False
    has_key: bool = False
    has_webhook_secret: bool = False

    @property
    def pays_itself(self) -> bool:
        """Whether its speech is bought with its own key: another provider's is for the chat alone."""
        return self.has_key and self.ai_provider == XAI


def check_client_id(id: str) -> str:
    """The id, when it is one; raises InvalidRequest otherwise."""
    if not _CLIENT_ID.fullmatch(id) or not id.strip("."):
        message = "must be 1 to 64 letters, digits, `.`, `_`, `-`, and not dots alone"
        raise InvalidRequest([FieldProblem(field="client_id", message=message, limit=f"^{CLIENT_ID}$")])
    return id
