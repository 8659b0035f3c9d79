"""Markdown becomes what a reader would say of it."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.markdown import speakable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("Some **bold**, *it* and `code`.", "Some bold, it and code."),
        ("# Hi\nText", "Hi.\n\nText"),
        ("Setext!\n===\nText", "Setext!\n\nText"),
        ("See [the docs](http://x.com/y_z).", "See the docs."),
        ("[the docs][1]\n\n[1]: http://x.com", "the docs"),
        ("![A cat](cat.png) and [![a dog](x)](y) and ![](z)", "A cat and a dog and"),
        ("- one\n- two,\n- three!\n  1. a\n  2. b\n\nEnd", "one.\ntwo.\nthree!\n1. a.\n2. b.\n\nEnd"),
        ("3. three\n4. four", "3. three.\n4. four."),
        ("1. First\n\n   more\n2. Second", "1. First.\nmore.\n2. Second."),
        ("- [x] done\n- [ ] to do", "done.\nto do."),
        ("> quoted\n> words\n\n---\nafter", "quoted words\n\nafter"),
        ("Line one  \nLine two\nstill two", "Line one\nLine two still two"),
        ("~~old~~ new", "old new"),
        ("Before\n```python\nprint(1)\n```\nAfter", "Before\n\nAfter"),
        ("Before\n\n    indented code\n\nAfter", "Before\n\nAfter"),
        ("Before\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nAfter", "Before\n\nAfter"),
        ("Term &amp; more &lt;b&gt; \\* star", "Term & more <b> * star"),
        ("2 * 3 is 6, a_b and snake_case stay", "2 * 3 is 6, a_b and snake_case stay"),
        ("**not closed. And `neither", "not closed. And neither"),
        ("Fact.[[1]](http://x.com) More[^2].\n\n[^2]: http://y.org", "Fact. More."),
        ("", ""),
        ("---", ""),
        ("🎉🎉", ""),
    ],
)
def test_marks_become_words_or_pauses(markdown: str, said: str) -> None:
    assert speakable(markdown) == said


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("See https://www.example.com/a/b?c=d_e_f#x.", "See example.com."),
        ("<https://foo.org/bar>, or www.bar.net!", "foo.org, or bar.net!"),
        ("(http://user:secret@host.com:80/path)", "(host.com)"),
        ("Write to me@example.com", "Write to me@example.com"),
        ("I paid $5 and then $10.", "I paid $5 and then $10."),
        ("$x + 1$ and \\(a \\times b\\)", "x + 1 and a × b"),
        ("$$\\frac{a}{b}$$", "a/b"),
        ("\\[ \\sqrt{2} \\approx 1.4 \\text{ or so} \\]", "√2 ≈ 1.4 or so"),
        ("Hi 👋🏽 there 👨‍👩‍👧! Flag 🇩🇪, 1️⃣ ✅ ❤️.", "Hi there! Flag, 1."),
        ("home → work", "home, work"),
        ("All good :tada: at 10:30:45", "All good at 10:30:45"),
    ],
)
def test_what_has_no_sound_is_put_sensibly(markdown: str, said: str) -> None:
    assert speakable(markdown) == said


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("<script>alert(1)</script>\n\nHello <b>there</b><br>you", "Hello there\nyou"),
        ("Hello <script>alert(1)</script> you <!-- nobody --> there", "Hello you there"),
        ("<div>Shown <style>x{}</style>text</div>", "Shown text"),
        ('<img src=x onerror="alert(1)">', ""),
        ("<script>never closed", ""),
    ],
)
def test_html_is_not_said(markdown: str, said: str) -> None:
    assert speakable(markdown) == said


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("## 标题\n\n- 一\n- 二\n\n你好\n世界", "标题。\n\n一。\n二。\n\n你好世界"),
        ("# नमस्ते\n\n**दुनिया**", "नमस्ते।\n\nदुनिया"),
        ("- می‌خواهم", "می‌خواهم."),
        ("# Привет\n\n*мир*", "Привет.\n\nмир"),
        ("# مرحبا؟\n\n[رابط](x)", "مرحبا؟\n\nرابط"),
    ],
)
def test_scripts_have_their_own_full_stops(markdown: str, said: str) -> None:
    assert speakable(markdown) == said


def test_what_is_left_out_is_announced_in_a_known_language() -> None:
    markdown = "```\nx\n```\n\n|a|\n|-|\n|b|"
    assert speakable(markdown, language="de-AT") == "Programmcode.\n\nEine Tabelle."
    assert speakable(markdown, language="fi") == ""


@pytest.mark.parametrize("piece", ["[", "![", "\\(", "<!--", "[^", "*a_", "$", "> ", "|a", "[a](b", "`a", "&"])
def test_nothing_takes_long_to_read(piece: str) -> None:
    started = perf_counter()
    speakable(piece * (10_000 // len(piece)))
    assert perf_counter() - started < 1


@given(st.text(alphabet="ab *_`#>-[]()!<>/\\$\n|1.~:&;", max_size=80))
def test_anything_can_be_read(markdown: str) -> None:
    said = speakable(markdown)
    assert "**" not in said
    assert "`" not in said
    assert "\n\n\n" not in said
