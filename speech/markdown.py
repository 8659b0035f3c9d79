"""Markdown as it is said: what is written for the eye is left out or put into words, and never spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from speech.formulas import said_formula

_ENDS = ".!?…:;。！？：；।॥։؟۔።"
_CLOSING = "\"'”’»›)]}）】」』〉》*_"
_FULL_STOPS = (("\u3040", "\u30ff", "。"), ("\u3400", "\u9fff", "。"), ("\u0900", "\u097f", "।"))
_SPACELESS = re.compile(r"(?<=[\u3040-\u9fff。，、！？：；]) (?=[\u3040-\u9fff])")
# What is left out is said to be, in the languages that are known here; in any other there is a pause.
_CODE = dict.fromkeys(("en", "nl"), "Code.") | dict.fromkeys(("es", "pt"), "Código.")
_CODE |= dict.fromkeys(("pl", "sv", "tr"), "Kod.")
_CODE |= {"de": "Programmcode.", "fr": "Du code.", "it": "Codice.", "ru": "Код.", "ja": "コード。", "zh": "代码。"}
_TABLE = {"en": "A table.", "de": "Eine Tabelle.", "fr": "Un tableau.", "es": "Una tabla.", "it": "Una tabella."}
_TABLE |= {"pt": "Uma tabela.", "nl": "Een tabel.", "pl": "Tabela.", "sv": "En tabell.", "tr": "Tablo."}
_TABLE |= {"ru": "Таблица.", "ja": "表。", "zh": "表格。"}
_UNHEARD = frozenset({"script", "style", "head", "template", "svg", "math", "iframe", "object", "noscript", "textarea"})
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")

_LONGEST_INLINE, _LONGEST_MATH, _LONGEST_HTML = 2000, 500, 10_000

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"'“”«»]+", re.I)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,32}\]:?")
_SOURCE = re.compile(r"\[?\d{1,3}\]?|\^\S+")
_TASK = re.compile(r"\A\[[ xX]\]\s+")
_SHORTCODE = re.compile(r"(?<!\S):[a-z][a-z0-9_+-]+:(?!\S)")
# Pictures, dingbats, flags, and what joins or colours them; joiners between letters shape words and stay.
_EMOJI = re.compile(
    "(?:[\U0001f000-\U0001faff\u2600-\u27bf\u2300-\u23ff\u2b00-\u2bff\u25a0-\u25ff\u2139\u3030\u303d\u3297\u3299]"
    "[\ufe0f\u20e3\U000e0020-\U000e007f]*\u200d?)+|[\ufe0e\ufe0f\u20e3]"
)
_ARROW = re.compile(r"\s*(?:[\u2190-\u21ff\u27f0-\u27ff]|(?<=\s)(?:->|=>|-->)(?=\s))\s*")
_ARROW_HEAD = re.compile(r"[\u2190-\u21ff\u27f0-\u27ff>]")
_BROKEN_MARKUP = re.compile(r"\*{2,}|_{2,}|~~+|`+")
_SPACES = re.compile(r"[ \t]+")
_BEFORE_MARK = re.compile(r" +(?=[,.;!?](?:\s|\Z))")


def speakable(markdown: str, *, language: str = "auto") -> str:
    """The words of a Markdown text, with the ends of headings and list items marked; empty when it has none."""
    tongue = language.lower().split("-")[0]
    reading = _Reading(code=_CODE.get(tongue, ""), table=_TABLE.get(tongue, ""))
    return "\n\n".join(reading.texts(_PARSER.parse(markdown)))


def settled(markdown: str) -> int:
    """How many characters of a text that is still being written are blocks that what follows can't change."""
    blocks = [
        token.map[0] for token in _PARSER.parse(markdown) if token.level == 0 and token.map and token.nesting >= 0
    ]
    lines = markdown.splitlines(keepends=True)
    return sum(len(line) for line in lines[: blocks[-1]]) if blocks else 0


def _math(state: StateInline, silent: bool) -> bool:
    """`$x$`, `$$x$$`, `\\(x\\)` and `\\[x\\]`; amounts of money are none."""
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if state.src.startswith(opening, state.pos):
            start = state.pos + len(opening)
            end = state.src.find(closing, start, start + _LONGEST_MATH)
            content = state.src[start:end]
            if (
                end < 0
                or not content.strip()
                or (opening == "$" and not _is_math(content, state.src[end + 1 : end + 2]))
            ):
                continue
            if not silent:
                state.push("math", "", 0).content = content
            state.pos = end + len(closing)
            return True
    return False


def _is_math(content: str, following: str) -> bool:
    return content == content.strip() and "\n\n" not in content and not following.isdigit()


def _shorten(state: StateCore) -> None:
    """Cuts what is too long to be read as one piece: the time that brackets take grows with the square of it."""
    tokens: list[Token] = []
    for token in state.tokens:
        content = token.content if token.type == "inline" else ""
        while len(content) > _LONGEST_INLINE:
            # Between two sentences if that can be, or two words.
            ends = [content.rfind(end, 0, _LONGEST_INLINE) + 1 for end in (". ", "! ", "? ", "\n")]
            at = max(ends) or content.rfind(" ", 0, _LONGEST_INLINE)
            at = at if at > 0 else _LONGEST_INLINE
            tokens.append(Token("inline", "", 0, content=content[:at], children=[]))
            content = token.content = content[at:].lstrip()
        tokens.append(token)
    state.tokens = tokens


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "math", _math)
    parser.core.ruler.before("inline", "shorten", _shorten)
    return parser


_PARSER = _parser()


class _Reading:
    """Walks through the blocks; a list is one text with a line for each item."""

    def __init__(self, *, code: str, table: str) -> None:
        self._left_out = {"fence": code, "code_block": code, "table_open": table}
        self._items: list[str] = []
        # One for each list that is open: the next item's number, where it has one.
        self._numbers: list[int | None] = []
        self._mark = ""
        self._in_table = self._in_heading = False

    def texts(self, tokens: Sequence[Token]) -> Iterator[str]:
        """One for each paragraph, heading, or list; some are empty."""
        for token in tokens:
            self._step(token)
            said = self._said(token)
            if said and self._numbers:
                self._items.append(said)
            elif said:
                yield said
            elif self._items and not self._numbers:
                yield "\n".join(self._items)
                self._items = []

    def _step(self, token: Token) -> None:
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            self._numbers.append(int(token.attrGet("start") or 1) if kind == "ordered_list_open" else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self._numbers.pop()
        elif kind == "list_item_open":
            number = self._numbers[-1]
            self._mark = "" if number is None else f"{number}. "
            self._numbers[-1] = None if number is None else number + 1
        elif kind in ("table_open", "table_close"):
            self._in_table = kind == "table_open"
        elif kind in ("heading_open", "heading_close"):
            self._in_heading = kind == "heading_open"

    def _said(self, token: Token) -> str:
        if token.type == "html_block":
            return _tidy(_html_words(token.content))
        if token.type != "inline" or self._in_table:
            return self._left_out.get(token.type, "")
        said = _tidy(_TASK.sub("", "".join(_words(token.children or []))))
        if said and (self._in_heading or self._numbers):
            said, self._mark = _ended(self._mark + said), ""
        return said


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    unheard = ""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "html_inline":
            if tag := _TAG.match(token.content):
                name = tag[2].lower()
                if unheard:
                    unheard = "" if tag[1] and name == unheard else unheard
                elif name in _UNHEARD and not tag[1] and not token.content.endswith("/>"):
                    unheard = name
                elif name == "br":
                    yield "\n"
        elif unheard:
            pass
        elif token.type == "link_open":
            end = next(n for n in range(at + 1, len(tokens)) if tokens[n].type == "link_close")
            words = "".join(_words(tokens[at + 1 : end]))
            # Numbers and footnotes lead to sources.
            yield "" if _SOURCE.fullmatch(words.strip()) else words
            at = end
        elif token.type == "image":
            yield "".join(_words(token.children or []))
        elif token.type in ("text", "code_inline"):
            yield token.content
        elif token.type == "math":
            yield said_formula(token.content)
        elif token.type == "softbreak":
            yield " "
        elif token.type == "hardbreak":
            yield "\n"
        at += 1


class _Heard(HTMLParser):
    """Collects what a page would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unheard = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words.append(" ")
        if not self._unheard and tag in _UNHEARD:
            self._unheard = tag

    def handle_endtag(self, tag: str) -> None:
        self.words.append(" ")
        if tag == self._unheard:
            self._unheard = ""

    def handle_data(self, data: str) -> None:
        if not self._unheard:
            self.words.append(data)


def _html_words(source: str) -> str:
    if len(source) > _LONGEST_HTML:
        return ""
    heard = _Heard()
    heard.feed(source)
    heard.close()
    return " ".join("".join(heard.words).split())


def _tidy(text: str) -> str:
    """The text without what nobody says."""
    text = _ADDRESS.sub(_host, _FOOTNOTE.sub("", text))
    text = _SHORTCODE.sub("", _EMOJI.sub(" ", text))
    # Looking for one everywhere takes as long as all the rest.
    text = _ARROW.sub(", ", text) if _ARROW_HEAD.search(text) else text
    text = _SPACELESS.sub("", _SPACES.sub(" ", _BROKEN_MARKUP.sub("", text)))
    lines = (_BEFORE_MARK.sub("", line).strip(" ,") for line in text.split("\n"))
    return "\n".join(line for line in lines if any(unicodedata.category(c)[0] in "LN" for c in line))


def _host(address: re.Match[str]) -> str:
    """The site's name stands for the whole address; what ends the sentence is no part of it."""
    whole = address[0]
    bare = whole.rstrip(".,;:!?)]}*_。，！？）")
    host = re.sub(r"\A(?:https?://)?(?:[^/@\s]*@)?(?:www\.)?", "", bare, flags=re.I)
    return re.split(r"[/?#:]", host, maxsplit=1)[0] + whole[len(bare) :].lstrip("*_")


def _ended(text: str) -> str:
    """With a full stop, as its script writes it, unless something ends it already."""
    bare = text.rstrip().rstrip(_CLOSING) or text
    if bare[-1] in _ENDS:
        return text
    stop = next((stop for first, last, stop in _FULL_STOPS if first <= bare[-1] <= last), ".")
    return text.rstrip(" ,") + stop
