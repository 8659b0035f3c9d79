"""Where the api of these settings is reached from this machine."""

from __future__ import annotations

from cli.twins import read_variables
from settings import EMBEDDED_FILE, ServerSettings, Settings

# What the last start wrote down, for commands in other terminals.
API_ADDRESS = "RECITE_API_ADDRESS"

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def api_url(settings: Settings) -> str:
    """`http://host:port` without a slash at the end, as the settings have it."""
    host = _ANYWHERE.get(settings.server.host, settings.server.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def running_api_url(settings: Settings) -> str:
    """The same, or where the last start in this folder put it when the settings at hand name no port of their own."""
    told = read_variables(settings.server.data_dir / EMBEDDED_FILE).get(API_ADDRESS)
    is_default = settings.server.port == ServerSettings.model_fields["port"].default
    return told if told and is_default else api_url(settings)
