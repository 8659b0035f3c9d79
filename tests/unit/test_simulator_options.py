"""Options of the simulator: manners, keys, and bad values."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from simulator.options import Options
from simulator.quirks import PLAIN, QUIRKY, Quirk

pytestmark = pytest.mark.unit


def test_manners_have_names() -> None:
    assert Options.model_validate({"quirks": "quirky"}).quirks == QUIRKY
    assert Options().changed({"quirks": ["pings"]}).quirks == {Quirk.PINGS}
    assert Options().quirks == PLAIN


@pytest.mark.parametrize(
    "values",
    [
        {"pace": -1},
        {"handshake_ms": "soon"},
        {"unknown": 1},
        {"quirks": "rude"},
        {"speak_modes": ["mime"]},
        {"keys": 1},
    ],
)
def test_bad_options_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Options().changed(values)


def test_any_key_opens_but_bad_ones() -> None:
    assert Options().accepts("a-key")
    assert not Options().accepts("bad-key")
    assert not Options().accepts("")


def test_configured_keys_are_the_only_ones_and_survive_a_change() -> None:
    options = Options.model_validate({"keys": ["bad-but-mine"]}).changed({"pace": 2})
    assert options.accepts("bad-but-mine")
    assert not options.accepts("a-key")
    assert "bad-but-mine" not in repr(options)
