"""Files' names made of what callers call their lines."""

from __future__ import annotations

import pytest

from speech.file_names import FileNames, safe_stem

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("wanted", "stem"),
    [
        ("greeting", "greeting"),
        ("Grüße, 你好", "Grüße, 你好"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows", "C__Windows"),
        ("..", "unnamed"),
        ("", "unnamed"),
        (" .hidden. ", "hidden"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("console", "console"),
        ("-rf", "_-rf"),
        ("a\x00b\nc", "a_b_c"),
        ("txt.\u202eexe", "txt._exe"),
        ("e\u0301", "\u00e9"),
        ("\ud800", "?"),
    ],
)
def test_names_are_safe_everywhere(wanted: str, stem: str) -> None:
    assert safe_stem(wanted) == stem


def test_long_names_are_cut_between_letters() -> None:
    assert safe_stem("ü" * 300) == "ü" * 100


def test_every_name_is_given_once_whatever_its_case() -> None:
    names = FileNames("manifest.csv")
    wanted = ["a", "A", "a", "a (2)", "ﬁ", "FI", "manifest"]
    given = [names.name(one, extension="csv") for one in wanted]
    assert given == ["a.csv", "A (2).csv", "a (3).csv", "a (2) (2).csv", "ﬁ.csv", "FI (2).csv", "manifest (2).csv"]
    assert len({name.casefold() for name in given}) == len(given)
