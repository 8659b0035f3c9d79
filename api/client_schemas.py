"""What is said of clients: all their settings, and never their upstream key."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from audio.codecs import FORMATS
from front.refusals import refuse
from front.webhook_urls import MAX_URL, check_form
from speech.client import XAI, Client
from speech.errors import InvalidRequest
from speech.request import MAX_PRONUNCIATION_CHARACTERS, MAX_PRONUNCIATIONS
from speech.voices import resolve_voice

MAX_BODY = 256 * 1024
MAX_PROMPT, MAX_ORIGINS, MAX_ORIGIN = 32_000, 50, 255
MAX_BUDGET, MAX_RATE, MAX_DATA_WAIT = 10**12, 1_000_000, 30.0
SHORTEST_TOKEN, TOKEN_SECONDS, LONGEST_TOKEN = 60, 3600, 86_400

# What goes into a header as it is.
_KEY = re.compile(r"[!-~]{1,512}")
_PLAIN = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]*")
_EXAMPLE: dict[str, Any] = {
    "name": "Shop",
    "system_prompt": "You help customers of a shop. Be brief.",
    "voice": "eve",
    "allowed_origins": ["https://shop.example.com"],
}


def _said(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise ValueError("must not hold control characters or lone surrogates")
    return value


Spoken = Annotated[str, Field(min_length=1, max_length=MAX_PRONUNCIATION_CHARACTERS)]


class ClientSettings(BaseModel):
    """What a client is, as it is sent and shown."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str = Field("", max_length=200, description="For people.")
    ai_provider: str = Field(
        XAI, pattern=r"^[a-z0-9._-]{1,32}$", description="Who answers in chats; only `xai` speaks, too."
    )
    ai_model: str = Field("grok-3-fast", pattern=r"^[!-~]{1,128}$", description="The model that answers in chats.")
    system_prompt: str = Field("", max_length=MAX_PROMPT, description="What the model is told to be.")
    voice: str | None = Field(None, description="See `GET /v1/voices`; the service's default when left out.")
    format: str | None = Field(None, description=f"One of {', '.join(FORMATS)}; the service's default when left out.")
    audio: Literal["auto", "url", "data", "none"] = Field(
        "auto", description="How chats hand audio out, unless they say it themselves."
    )
    pronunciations: dict[Spoken, Spoken] = Field(
        {}, max_length=MAX_PRONUNCIATIONS, description="How words are to be said: `{word: sound}`."
    )
    allowed_origins: list[str] = Field(
        [],
        max_length=MAX_ORIGINS,
        description="Pages that may ask for this client, such as `https://shop.example.com`; none: `ALLOWED_ORIGINS`.",
    )
    monthly_character_budget: int | None = Field(
        None, ge=0, le=MAX_BUDGET, description="Characters that may be bought in a month; null: no limit."
    )
    requests_per_minute: int | None = Field(None, ge=1, le=MAX_RATE, description="null: no limit.")
    cache: Literal["shared", "private"] = Field(
        "shared",
        description="`private`: its audio has other names than the same words have for others, and links that expire.",
    )
    webhook_url: str | None = Field(
        None,
        max_length=MAX_URL,
        description="Is told of the end of every job and batch that is asked for with this client's id.",
    )
    data_wait_seconds: float = Field(
        8.0, ge=0, le=MAX_DATA_WAIT, description="How long a chat may wait for audio that it is to hold itself."
    )

    @field_validator("name", "system_prompt")
    @classmethod
    def _readable(cls, value: str) -> str:
        return _said(value)

    @field_validator("voice")
    @classmethod
    def _known_voice(cls, value: str | None) -> str | None:
        try:
            return None if value is None else resolve_voice(value)
        except InvalidRequest as error:
            raise ValueError(error.problems[0].message) from None

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        return None if value is None else check_form(value)

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str | None) -> str | None:
        if value is not None and value not in FORMATS:
            raise ValueError(f"must be one of {', '.join(FORMATS)}")
        return value

    @field_validator("pronunciations")
    @classmethod
    def _speakable(cls, value: dict[str, str]) -> dict[str, str]:
        for word, sound in value.items():
            if not _said(word).strip() or not _said(sound).strip():
                raise ValueError("words and sounds must not be blank")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(_origin(one) for one in value))


class ClientRequest(ClientSettings):
    """The body of `PUT /v1/clients/{id}`: the whole client; what is left out takes its default.

    Only the key stays as it is when it is left out.
    """

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    ai_api_key: SecretStr | None = Field(
        None,
        description="Write-only. The client's own upstream key, by which it chats and, if its provider is xai, speaks; "
        "left out or null: stays; empty: removed, then the service's own key serves.",
    )

    @field_validator("ai_api_key")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value() and not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError("must be 1 to 512 visible ASCII characters without spaces")
        return value

    @classmethod
    def read(cls, body: bytes) -> ClientRequest:
        """Reads a JSON body; raises MalformedBody or InvalidRequest with every field that is wrong."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"name": "Shop"}')

    @property
    def key(self) -> str | None:
        """The upstream key as the store takes it."""
        return None if self.ai_api_key is None else self.ai_api_key.get_secret_value()

    def client(self, id: str) -> Client:
        """The client that it describes."""
        fields = self.model_dump(exclude={"ai_api_key", "pronunciations", "allowed_origins"})
        return Client(
            id=id,
            pronunciations=tuple(sorted(self.pronunciations.items())),
            allowed_origins=tuple(self.allowed_origins),
            **fields,
        )


class ClientView(ClientSettings):
    """A client as it is shown; of its upstream key only whether it has one of its own.

    `webhook_secret` is shown once: when it was made.
    """

    id: str
    has_ai_api_key: bool
    has_webhook_secret: bool
    webhook_disabled: bool = Field(description="Its receiver answered 410; putting the client again switches it on.")
    webhook_secret: str | None = Field(None, description="In the answer to the `PUT` that made it only.")


class ClientsView(BaseModel):
    """All clients, by id."""

    clients: list[ClientView]


class WebhookSecretView(BaseModel):
    """What signs the client's webhooks from now on; the one before signs beside it for 24 hours."""

    client_id: str
    webhook_secret: str


class TokenRequest(BaseModel):
    """The body of `POST /v1/clients/{id}/widget-token`; may be left out."""

    model_config = ConfigDict(strict=True, extra="forbid")

    seconds: int = Field(TOKEN_SECONDS, ge=SHORTEST_TOKEN, le=LONGEST_TOKEN, description="How long it is good for.")

    @classmethod
    def read(cls, body: bytes) -> TokenRequest:
        """Reads a JSON body or none; raises MalformedBody or InvalidRequest."""
        try:
            return cls.model_validate_json(body) if body.strip() else cls()
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"seconds": 3600}')


class TokenView(BaseModel):
    """A page sends the token as `Authorization: Bearer …`."""

    token: str
    client_id: str
    expires_at: str


def client_document(client: Client) -> dict[str, Any]:
    """The client as ClientView describes it."""
    fields = {name: getattr(client, name) for name in ClientSettings.model_fields}
    shown = {"pronunciations": dict(client.pronunciations), "allowed_origins": list(client.allowed_origins)}
    has = {"has_ai_api_key": client.has_key, "has_webhook_secret": client.has_webhook_secret}
    return {"id": client.id, **fields, **shown, **has, "webhook_disabled": client.webhook_disabled}


def _origin(value: str) -> str:
    """As browsers write it: lower case, no port where it is the scheme's own, nothing behind the host."""
    try:
        parts = urlsplit(value.strip().lower())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not is_bare or not _HOST.fullmatch(host) or len(value) > MAX_ORIGIN:
        raise ValueError("each must be an origin such as https://shop.example.com, without a path")
    name = f"[{host}]" if ":" in host else host
    is_default = port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{name}" + ("" if is_default else f":{port}")


_HOST = re.compile(r"[a-z0-9.:_-]{1,253}")
