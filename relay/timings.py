"""How long frames stay inside the relay."""

from __future__ import annotations


class Timings:
    """One for the process."""

    def figures(self) -> dict[str, dict[str, float]]:
        """For each direction (`client_to_upstream`, `upstream_to_client`): count, mean_ms, p50_ms, p99_ms, max_ms."""
        return {}
