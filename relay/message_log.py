"""What is logged of the messages that pass: types, sizes and times; words only when asked for, audio never."""

from __future__ import annotations

import logging
from typing import Literal

logger = logging.getLogger(__name__)

LogLevel = Literal["off", "types", "words"]


class MessageLog:
    """One for the process; `level` is RELAY_LOG."""

    def __init__(self, level: LogLevel = "types") -> None:
        self.level = level
