"""Every setting, read once from the environment, `.env` and what the embedded services wrote about themselves."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, TypedDict, TypeVar

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from speech.addresses import is_loopback
from speech.api_key import ApiKey, Right, sent_as
from speech.errors import InvalidRequest
from speech.prices import MICRO, Prices
from speech.spending import Spending
from speech.upstream_key import UpstreamKey, group_of
from speech.voices import resolve_voice

ENV_FILE = Path(".env")
EMBEDDED_FILE = "embedded.env"
SECRET_FILE = "secret.env"


class SettingsError(Exception):
    """The settings contradict each other or don't parse; the message names the variable and what to do."""


def _seconds(value: object) -> object:
    """A plain number is seconds; whatever else pydantic knows of durations stays as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _parts(value: object) -> object:
    """What stands between commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

Seconds = Annotated[timedelta, BeforeValidator(_seconds)]


class _Group(BaseSettings):
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8", populate_by_name=False
    )


Group = TypeVar("Group", bound=_Group)


class XaiSettings(_Group):
    """The upstream: where it is, which key opens it, how much of it may be used."""

    api_key: SecretStr | None = Field(None, alias="XAI_API_KEY")
    auth: Literal["key", "ephemeral"] = Field("key", alias="XAI_AUTH")
    realtime_url: str = Field("wss://api.x.ai/v1/realtime", alias="API_URL", pattern="^wss?://")
    rest_url: str = Field("https://api.x.ai/v1", alias="XAI_REST_URL", pattern="^https?://")
    model: str = Field("grok-voice-latest", alias="XAI_MODEL", min_length=1)
    speak_mode: Literal["force_message", "instructed", "user_text"] = Field("force_message", alias="XAI_SPEAK_MODE")
    max_sessions: int = Field(10, alias="XAI_MAX_SESSIONS", ge=1)
    reserved: int = Field(3, alias="XAI_RESERVED_SESSIONS", ge=0)
    quota_group: str | None = Field(None, alias="XAI_QUOTA_GROUP", pattern="^[A-Za-z0-9._-]{1,64}$")
    render_timeout: Seconds = Field(timedelta(seconds=30), alias="RENDER_TIMEOUT", gt=timedelta(0))
    minute_price: float = Field(0.05, alias="XAI_PRICE_PER_MINUTE", ge=0)
    item_price: float = Field(0.004, alias="XAI_PRICE_PER_ITEM", ge=0)
    asked_price: float = Field(5.0, alias="XAI_PRICE_PER_MILLION_INPUT_TOKENS", ge=0)
    said_price: float = Field(25.0, alias="XAI_PRICE_PER_MILLION_OUTPUT_TOKENS", ge=0)
    daily_dollars: float | None = Field(None, alias="DAILY_SPEND_LIMIT_USD", ge=0)
    shutdown_grace: Seconds = Field(timedelta(seconds=30), alias="SHUTDOWN_GRACE", ge=timedelta(0))

    @model_validator(mode="after")
    def _reserved_of_the_maximum(self) -> Self:
        if self.reserved_sessions > self.max_sessions:
            raise ValueError("XAI_RESERVED_SESSIONS is more than XAI_MAX_SESSIONS")
        return self

    @property
    def reserved_sessions(self) -> int:
        """How many never serve bulk; when nobody said so, no more than leave one to it."""
        return self.reserved if "reserved" in self.model_fields_set else min(self.reserved, self.max_sessions - 1)

    @property
    def prices(self) -> Prices:
        """What the upstream takes."""
        return Prices(
            minute=self.minute_price,
            item=self.item_price,
            asked_tokens=self.asked_price,
            said_tokens=self.said_price,
        )

    @property
    def spending(self) -> Spending:
        """What the upstream takes, and what may be spent in a day."""
        daily = None if self.daily_dollars is None else round(self.daily_dollars * MICRO)
        return Spending(prices=self.prices, daily_limit=daily)

    @property
    def bulk_sessions(self) -> int:
        """How many bulk may have: one even when all are reserved."""
        return max(1, self.max_sessions - self.reserved_sessions)

    @property
    def worker_threads(self) -> int:
        """Renders at once in a worker: enough to keep all sessions busy while others wait, encode or are put."""
        return max(64, 2 * self.max_sessions)


class RedisSettings(_Group):
    """Where Redis and the broker are; None until the embedded ones have an address."""

    url: SecretStr | None = Field(None, alias="REDIS_URL")
    broker: SecretStr | None = Field(None, alias="CELERY_BROKER_URL")


class StoreOptions(TypedDict):
    """How an S3 audio store is opened."""

    endpoint_url: str | None
    public_url: str | None
    access_key_id: str | None
    secret_access_key: str | None
    session_token: str | None
    region: str


class BucketSettings(_Group):
    """Where the audio is kept, and how browsers get it."""

    endpoint_url: str | None = Field(None, alias="S3_ENDPOINT_URL", pattern="^https?://")
    public_url: str | None = Field(None, alias="S3_PUBLIC_URL", pattern="^https?://")
    bucket: str = Field("recite", alias="S3_BUCKET")
    access_key_id: str | None = Field(None, alias="AWS_ACCESS_KEY_ID")
    secret_access_key: SecretStr | None = Field(None, alias="AWS_SECRET_ACCESS_KEY")
    session_token: SecretStr | None = Field(None, alias="AWS_SESSION_TOKEN")
    region: str = Field("us-east-1", alias="AWS_REGION")
    delivery: Literal["proxy", "redirect"] = Field("proxy", alias="AUDIO_DELIVERY")
    cdn_url: str | None = Field(None, alias="PUBLIC_AUDIO_URL", pattern="^https?://")

    @field_validator("bucket")
    @classmethod
    def _a_bucket_name(cls, value: str) -> str:
        if not _BUCKET_NAME.fullmatch(value):
            raise ValueError("a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens")
        return value

    def store_options(self) -> StoreOptions:
        """The keyword arguments of a store on this bucket."""
        secret, token = self.secret_access_key, self.session_token
        return StoreOptions(
            endpoint_url=self.endpoint_url,
            public_url=self.public_url,
            access_key_id=self.access_key_id,
            secret_access_key=None if secret is None else secret.get_secret_value(),
            session_token=None if token is None else token.get_secret_value(),
            region=self.region,
        )


_SHORTEST_SECRET = 32


class SecretSettings(_Group):
    """What clients' keys are sealed with and tokens are signed with; the first is the present one."""

    values: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), alias="RECITE_SECRET")

    @field_validator("values", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value)

    @field_validator("values")
    @classmethod
    def _long(cls, values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(value.get_secret_value()) < _SHORTEST_SECRET for value in values):
            raise ValueError(f"must have {_SHORTEST_SECRET} characters or more (recite init makes one)")
        return values


class ServerSettings(_Group):
    """Our own addresses and who may call them."""

    host: str = Field("127.0.0.1", alias="HOST")
    port: int = Field(8080, alias="API_PORT", ge=1, le=65535)
    public_url: str | None = Field(None, alias="PUBLIC_URL", pattern="^https?://")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://localhost:3000", "http://localhost:5173", "http://localhost:8080"), alias="ALLOWED_ORIGINS"
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), alias="RECITE_API_KEYS")
    data_dir: Path = Field(Path(".recite"), alias="RECITE_DATA_DIR")
    spool_megabytes: int = Field(1000, alias="SPOOL_MEGABYTES", ge=0)
    voice: str = Field("ara", alias="VOICE")
    queue_limit: int = Field(10_000, alias="QUEUE_LIMIT", ge=1)

    @field_validator("voice")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return resolve_voice(value)
        except InvalidRequest as error:
            raise ValueError(error.problems[0].message) from None

    @field_validator("allowed_origins", "api_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value)

    @field_validator("api_keys")
    @classmethod
    def _readable(cls, values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for value in values:
            ApiKey.of(value.get_secret_value())
        return values

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """The callers' keys, as hashes with their rights."""
        return tuple(ApiKey.of(value.get_secret_value()) for value in self.api_keys)

    def own_key(self, *rights: Right) -> str | None:
        """The first key with these rights that stands here in clear: by it commands on this machine call."""
        named = [value.get_secret_value() for value in self.api_keys]
        fitting = [sent_as(one) for one in named if ApiKey.of(one).rights.issuperset(rights)]
        return next((key for key in fitting if key), None)

    @property
    def base_url(self) -> str:
        """Where callers see us, as far as is known without a call of theirs; without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def spool_bytes(self) -> int:
        """How much may wait on this machine until the bucket is back."""
        return self.spool_megabytes * 1_000_000

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the api."""
        return is_loopback(self.host)

    @model_validator(mode="after")
    def _open_only_on_loopback(self) -> Self:
        if self.is_loopback:
            return self
        if not self.api_keys:
            raise ValueError("HOST is not a loopback address: set RECITE_API_KEYS (recite init makes one)")
        if not self.public_url:
            raise ValueError("HOST is not a loopback address: set PUBLIC_URL, the address callers use")
        return self


_PROVIDER = re.compile(r"[a-z0-9_-]{1,32}=https?://[^\s=,]+")

LOGGED = Literal["off", "types", "words"]
CHANGEABLE = ("audio", "turn_detection", "voice", "instructions", "tools", "force_message")
_INSTRUCTIONS = "You are a helpful voice assistant. Keep your answers short and natural: they are spoken aloud."


class RelaySettings(_Group):
    """Live voice: where it listens, what a session is, and how much one caller may take."""

    port: int = Field(8000, alias="PORT", ge=1, le=65535)
    instructions: str = Field(_INSTRUCTIONS, alias="INSTRUCTIONS")
    max_sessions: int | None = Field(None, alias="RELAY_MAX_SESSIONS", ge=1)
    per_client: int = Field(5, alias="RELAY_SESSIONS_PER_CLIENT", ge=0)
    per_address: int = Field(10, alias="RELAY_SESSIONS_PER_ADDRESS", ge=0)
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field((), alias="TRUSTED_PROXIES")
    unused: Seconds = Field(timedelta(seconds=120), alias="RELAY_UNUSED_SECONDS", gt=timedelta(0))
    idle: Seconds = Field(timedelta(seconds=300), alias="RELAY_IDLE_SECONDS", gt=timedelta(0))
    longest: Seconds = Field(timedelta(seconds=1800), alias="RELAY_SESSION_SECONDS", gt=timedelta(0))
    grace: Seconds = Field(timedelta(seconds=30), alias="RELAY_GRACE_SECONDS", ge=timedelta(0))
    message_bytes: int = Field(1_048_576, alias="RELAY_MESSAGE_BYTES", ge=1024, le=16 * 1_048_576)
    messages_per_second: float = Field(200, alias="RELAY_MESSAGES_PER_SECOND", gt=0)
    may_change: Annotated[frozenset[str], NoDecode] = Field(
        frozenset({"audio", "turn_detection"}), alias="RELAY_CLIENT_MAY_CHANGE"
    )
    log: LOGGED = Field("types", alias="RELAY_LOG")
    recording: bool = Field(False, alias="RELAY_RECORDING")

    @field_validator("trusted_proxies", "may_change", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value)

    @field_validator("may_change")
    @classmethod
    def _known(cls, value: frozenset[str]) -> frozenset[str]:
        if value - {*CHANGEABLE}:
            raise ValueError(f"some of {', '.join(CHANGEABLE)}, separated by commas")
        return value


class ChatSettings(_Group):
    """The chat: who answers, how long that may take, and how much of a conversation is remembered for how long."""

    model: str = Field("grok-3-fast", alias="CHAT_MODEL", min_length=1)
    timeout: Seconds = Field(timedelta(seconds=60), alias="CHAT_TIMEOUT", gt=timedelta(0))
    message_characters: int = Field(16_000, alias="CHAT_MESSAGE_CHARACTERS", ge=1, le=100_000)
    turns: int = Field(10, alias="CHAT_TURNS", ge=0, le=200)
    memory_characters: int = Field(32_000, alias="CHAT_MEMORY_CHARACTERS", ge=0, le=1_000_000)
    memory: Seconds = Field(timedelta(days=1), alias="CHAT_MEMORY", gt=timedelta(0))
    providers: Annotated[tuple[str, ...], NoDecode] = Field(
        ("openai=https://api.openai.com/v1",), alias="CHAT_PROVIDERS"
    )

    @field_validator("providers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value)

    @field_validator("providers")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_PROVIDER.fullmatch(provider) for provider in value):
            raise ValueError("name=https://address/v1, separated by commas")
        return value

    @property
    def provider_urls(self) -> dict[str, str]:
        """Where the other providers are, by their names."""
        return dict(provider.split("=", 1) for provider in self.providers)


class WebhookSettings(_Group):
    """Webhooks: what signs those of callers that no client's secret signs, whom they may reach, how long they try."""

    secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), alias="WEBHOOK_SECRET")
    allow_private: bool = Field(False, alias="WEBHOOK_ALLOW_PRIVATE")
    timeout: Seconds = Field(timedelta(seconds=15), alias="WEBHOOK_TIMEOUT", gt=timedelta(0), le=timedelta(minutes=2))
    first_retry: Seconds = Field(timedelta(seconds=5), alias="WEBHOOK_FIRST_RETRY", gt=timedelta(0))
    retry_for: Seconds = Field(timedelta(days=1), alias="WEBHOOK_RETRY_FOR", ge=timedelta(0), le=timedelta(days=2))

    @field_validator("secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value)

    @field_validator("secrets")
    @classmethod
    def _decodable(cls, values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not all(_WEBHOOK_SECRET.fullmatch(value.get_secret_value()) for value in values):
            raise ValueError("must be whsec_ and 24 to 64 bytes in base64 (leave it out: RECITE_SECRET makes one)")
        return values


# As Standard Webhooks has them.
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,86}={0,2}")


class SimulatorSettings(_Group):
    """The stand-in upstream; times in milliseconds, `pace` in times faster than speech (0: at once)."""

    port: int = Field(8090, alias="SIMULATOR_PORT", ge=1, le=65535)
    handshake_ms: int = Field(500, alias="SIMULATOR_HANDSHAKE_MS", ge=0)
    first_audio_ms: int = Field(300, alias="SIMULATOR_FIRST_AUDIO_MS", ge=0)
    pace: float = Field(4.0, alias="SIMULATOR_PACE", ge=0)
    first_token_ms: int = Field(300, alias="SIMULATOR_FIRST_TOKEN_MS", ge=0)
    token_ms: int = Field(10, alias="SIMULATOR_TOKEN_MS", ge=0)
    sessions: int = Field(10, alias="SIMULATOR_SESSIONS", ge=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings; frozen. Made by `load_settings` only."""

    xai: XaiSettings
    redis: RedisSettings
    bucket: BucketSettings
    server: ServerSettings
    secrets: SecretSettings
    relay: RelaySettings
    chat: ChatSettings
    webhooks: WebhookSettings
    simulator: SimulatorSettings

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for one purpose, the present one first; one tells nothing of another, nor of RECITE_SECRET.

        Raises SettingsError when there is no RECITE_SECRET.
        """
        # Commands that need no key start without this library.
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        if not self.secrets.values:
            raise SettingsError(
                "RECITE_SECRET is not set: it is made only where Redis and the bucket are the embedded ones; "
                "recite init writes one"
            )
        return tuple(
            HKDF(algorithm=SHA256(), length=32, salt=None, info=f"recite/{purpose}".encode()).derive(
                value.get_secret_value().encode()
            )
            for value in self.secrets.values
        )

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """What signs webhooks that no client's secret signs, all of them at once; the first is the present one."""
        given = tuple(value.get_secret_value() for value in self.webhooks.secrets)
        return given or tuple(f"whsec_{b64encode(key).decode()}" for key in self.derived("webhooks"))

    @property
    def redis_url(self) -> str:
        """The address of Redis; raises SettingsError when there is none."""
        return _given(self.redis.url, "REDIS_URL")

    @property
    def broker_url(self) -> str:
        """The address of Celery's broker: Redis, unless another is named."""
        return _given(self.redis.broker or self.redis.url, "REDIS_URL")

    @property
    def xai_key(self) -> str:
        """The global upstream key; raises SettingsError when there is none."""
        return _given(self.xai.api_key, "XAI_API_KEY")

    @property
    def live_sessions(self) -> int:
        """How many upstream sessions live voice may have over the whole fleet: unless said, it leaves renders one."""
        return self.relay.max_sessions or max(1, self.xai.max_sessions - 1)

    @property
    def quota_group(self) -> str:
        """What the upstream counts together with the global key: as it is named, else all that uses it."""
        key = self.xai.api_key.get_secret_value() if self.xai.api_key else ""
        return self.xai.quota_group or group_of(key)

    @property
    def service_key(self) -> UpstreamKey:
        """The global upstream key with its quota group; raises SettingsError when there is none."""
        return UpstreamKey(group=self.quota_group, secret=self.xai_key)


def load_settings(*, with_embedded: bool = True) -> Settings:
    """Reads the settings: environment first, then `.env`, then (unless told not to) the embedded services' own file.

    Raises SettingsError with one line per variable that is wrong.
    """
    try:
        server = ServerSettings(_env_file=ENV_FILE)
        embedded = server.data_dir / EMBEDDED_FILE if with_embedded else None
        redis, bucket = RedisSettings(_env_file=ENV_FILE), BucketSettings(_env_file=ENV_FILE)
        # One that was made for the embedded ones is no other system's.
        is_embedded = with_embedded and redis.url is None and bucket.endpoint_url is None
        return Settings(
            xai=_completed(XaiSettings, embedded, unless="api_key"),
            redis=_completed(RedisSettings, embedded, unless="url"),
            bucket=_completed(BucketSettings, embedded, unless="endpoint_url"),
            server=server,
            secrets=_completed(SecretSettings, server.data_dir / SECRET_FILE if is_embedded else None, unless="values"),
            relay=RelaySettings(_env_file=ENV_FILE),
            chat=ChatSettings(_env_file=ENV_FILE),
            webhooks=WebhookSettings(_env_file=ENV_FILE),
            simulator=SimulatorSettings(_env_file=ENV_FILE),
        )
    except ValidationError as error:
        raise SettingsError(_explained(error)) from None


def setting_names() -> frozenset[str]:
    """Every variable that is read."""
    groups = (
        XaiSettings,
        RedisSettings,
        BucketSettings,
        ServerSettings,
        SecretSettings,
        RelaySettings,
        ChatSettings,
        WebhookSettings,
        SimulatorSettings,
    )
    return frozenset(str(field.alias) for group in groups for field in group.model_fields.values())


def _completed(group: type[Group], embedded: Path | None, *, unless: str) -> Group:
    """What is given, unless the real thing is not named: then the embedded twin's file knows better, keys included."""
    given = group(_env_file=ENV_FILE)
    if embedded is None or getattr(given, unless):
        return given
    aliases = {field.alias for field in group.model_fields.values()}
    told = {name: value for name, value in dotenv_values(embedded).items() if name in aliases}
    return group(_env_file=ENV_FILE, **told)  # type: ignore[arg-type]


def _explained(error: ValidationError) -> str:
    """What is wrong, by the variables' names and without their values: some are secrets."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        variable = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{variable}: {message}" if variable else message)
    return "\n".join(lines)


def _given(secret: SecretStr | None, variable: str) -> str:
    if secret is None:
        raise SettingsError(f"{variable} is not set: start everything with ./start.sh here, or set it in .env")
    return secret.get_secret_value()
