"""`recite doctor`: checks one piece after the other and says what is wrong and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

import typer
from rich.console import Console
from rich.text import Text

from cli import check_api, check_audio, check_relay, check_services, check_upstream
from cli.failure import Failure
from settings import Settings, SettingsError, load_settings

_PYTHONS = ((3, 11), (3, 12))

Check = Callable[[], str]


def doctor() -> None:
    """Prints a line per piece; exit status 1 when one of them is wrong."""
    console = Console(highlight=False)
    try:
        given, settings = load_settings(with_embedded=False), load_settings()
    except SettingsError as error:
        _print(console, "settings", str(error), is_fine=False)
        raise typer.Exit(1) from None
    _print(console, "settings", "they fit together", is_fine=True)
    wrong = [name for name, check in _checks(given, settings) if not _passes(console, name, check)]
    if wrong:
        console.print(f"\nNot well: {', '.join(wrong)}")
        if not settings.server.data_dir.exists():
            console.print("Recite was never started in this folder: run it where ./start.sh was run.")
        raise typer.Exit(1)
    console.print("\nAll is well.")


def _checks(given: Settings, settings: Settings) -> Iterator[tuple[str, Check]]:
    """Every check by the name of its piece. `given` are the settings without what the embedded services wrote."""
    yield "Python", _python
    yield "Redis", partial(check_services.redis, given, settings)
    yield "broker", partial(check_services.broker, given, settings)
    yield "bucket", partial(check_services.bucket, given, settings)
    yield "codecs", check_audio.codecs
    yield "api", partial(check_api.api, settings)
    yield "workers", partial(check_api.workers, settings)
    yield "relay", partial(check_relay.relay, settings)
    yield "key", partial(check_upstream.token, given, settings)
    yield "speech", partial(check_upstream.phrase, given, settings)


def _passes(console: Console, name: str, check: Check) -> bool:
    is_fine = False
    with console.status(f"{name} …"):
        try:
            words, is_fine = check(), True
        except Failure as failure:
            words = str(failure)
        except Exception as error:  # a doctor that falls ill helps nobody; the error's text may hold a secret
            words = f"the check itself failed ({type(error).__name__}): please report it"
    _print(console, name, words, is_fine=is_fine)
    return is_fine


def _print(console: Console, name: str, words: str, *, is_fine: bool) -> None:
    mark = Text("✓" if is_fine else "✗", style="green" if is_fine else "bold red")
    console.print(Text.assemble(mark, f" {name:<9} ", words), soft_wrap=True)


def _python() -> str:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] not in _PYTHONS:
        raise Failure(f"this is Python {version}: install 3.11 or 3.12 and run ./start.sh")
    return version
