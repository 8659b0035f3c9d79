"""What passed through one session."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Figures:
    """`in` is from the client, `out` to it; sizes are characters of text and bytes of binary frames."""

    messages_in: int = 0
    bytes_in: int = 0
    messages_out: int = 0
    bytes_out: int = 0
    dropped: int = 0

    def received(self, size: int) -> None:
        """The client sent something."""
        self.messages_in += 1
        self.bytes_in += size

    def sent(self, size: int) -> None:
        """The client took something."""
        self.messages_out += 1
        self.bytes_out += size

    def to_json(self) -> dict[str, int]:
        """All of them."""
        return asdict(self)
