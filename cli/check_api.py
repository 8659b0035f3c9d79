"""The doctor's checks of the api and of the workers, over HTTP."""

from __future__ import annotations

from typing import Any

from cli.api_client import open_api
from cli.api_url import running_api_url
from cli.failure import Failure
from settings import Settings


def api(settings: Settings) -> str:
    """The api lives and everything it needs is ready, the workers left aside."""
    with open_api() as client:
        status, _ = client.get("/health")
        if status != 200:
            raise Failure(
                f"{running_api_url(settings)}/health answers with HTTP {status}: is it another program's port?"
            )
    missing = [name for name, check in _checks().items() if not _is_ok(check) and not name.startswith("worker_")]
    if missing:
        raise Failure(f"it is not ready: {', '.join(missing)}; see {settings.server.data_dir / 'logs'}")
    return running_api_url(settings)


def workers(settings: Settings) -> str:
    """Every lane has a worker."""
    found = {name.removeprefix("worker_"): check for name, check in _checks().items() if name.startswith("worker_")}
    missing = [lane for lane, check in found.items() if not _is_ok(check)]
    if missing or not found:
        logs = settings.server.data_dir / "logs"
        raise Failure(f"no worker for {', '.join(missing) or 'any lane'}: run ./start.sh; see {logs}/worker-*.log")
    return ", ".join(found)


def _checks() -> dict[str, Any]:
    with open_api() as client:
        status, answer = client.get("/ready")
    checks = answer.get("checks")
    if not isinstance(checks, dict):
        raise Failure(f"/ready answers with HTTP {status} and without checks: is the key in RECITE_API_KEYS right?")
    return checks


def _is_ok(check: Any) -> bool:
    return isinstance(check, dict) and check.get("status") == "ok"
