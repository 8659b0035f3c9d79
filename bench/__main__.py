"""All benchmarks, one after the other: `python -m bench`."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    *("startup", "hits", "job_latency", "throughput", "long_text", "worker_memory"),
    *("live", "listeners", "crowd", "recovery", "clients"),
    *("chat", "data_url", "delivery", "batch_intake", "batch"),
    *("relay", "relay_capacity", "relay_memory"),
)


def main() -> int:
    """Runs each in a process of its own; 1 when one of them missed its limit."""
    missed = [name for name in BENCHMARKS if subprocess.call([sys.executable, "-m", f"bench.{name}"])]
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
