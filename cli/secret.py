"""The secret of an embedded system: made at the first start, and kept as long as what it sealed."""

from __future__ import annotations

import secrets

from cli.data_dir import DataDir
from cli.twins import Twins, write_variables
from settings import SECRET_FILE, Settings

VARIABLE = "RECITE_SECRET"


def fresh() -> str:
    """A new secret."""
    return secrets.token_hex(32)


def is_needed(settings: Settings, twins: Twins) -> bool:
    """Whether somebody must set one: what is given may be shared with systems that must have the same."""
    return not settings.secrets.values and not (twins.redis and twins.bucket)


def keep(home: DataDir, settings: Settings, twins: Twins) -> None:
    """Makes one where none is set, unless there is one from an earlier start."""
    if not settings.secrets.values and not is_needed(settings, twins) and not home.child(SECRET_FILE).exists():
        comment = "# Clients' keys in the bucket are sealed with it: lost, they have to be put again."
        home.write(SECRET_FILE, write_variables({VARIABLE: fresh()}, comment=comment))
