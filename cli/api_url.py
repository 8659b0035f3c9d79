"""Where the api and the relay of these settings are reached from this machine."""

from __future__ import annotations

from cli.twins import read_variables
from settings import EMBEDDED_FILE, RelaySettings, ServerSettings, Settings

# What the last start wrote down, for commands in other terminals.
API_ADDRESS, RELAY_ADDRESS = "RECITE_API_ADDRESS", "RECITE_RELAY_ADDRESS"

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def api_url(settings: Settings) -> str:
    """`http://host:port` without a slash at the end, as the settings have it."""
    return _url(settings, settings.server.port)


def relay_url(settings: Settings) -> str:
    """The same of the relay."""
    return _url(settings, settings.relay.port)


def running_api_url(settings: Settings) -> str:
    """The same, or where the last start in this folder put it when the settings at hand name no port of their own."""
    is_default = settings.server.port == ServerSettings.model_fields["port"].default
    return _told(settings, API_ADDRESS, is_default=is_default) or api_url(settings)


def running_relay_url(settings: Settings) -> str:
    """The same of the relay."""
    is_default = settings.relay.port == RelaySettings.model_fields["port"].default
    return _told(settings, RELAY_ADDRESS, is_default=is_default) or relay_url(settings)


def _told(settings: Settings, address: str, *, is_default: bool) -> str | None:
    return read_variables(settings.server.data_dir / EMBEDDED_FILE).get(address) if is_default else None


def _url(settings: Settings, port: int) -> str:
    host = _ANYWHERE.get(settings.server.host, settings.server.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
