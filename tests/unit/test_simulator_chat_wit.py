"""What the simulator's chat writes, in which pieces, and what it reads from a request."""

from __future__ import annotations

import orjson
import pytest

from simulator.chat_faults import CHAT_FAULTS, ChatAct
from simulator.chat_request import read_request
from simulator.chat_tokens import tokens_in
from simulator.chat_wit import RICH, chat_answer
from simulator.fault_plan import ChatFaultPlan
from simulator.faults import FAULTS
from simulator.options import Options
from simulator.wit import answer

pytestmark = pytest.mark.unit


def test_it_writes_what_it_would_say() -> None:
    assert chat_answer("Hello there", turn=3) == answer("Hello there", turn=3).text


def test_a_test_may_ask_for_an_answer() -> None:
    assert chat_answer("Please answer in Markdown.", turn=1) == RICH
    assert chat_answer("Say exactly: <b>\n# Hi</b> ", turn=1) == "<b>\n# Hi</b> "
    three = chat_answer("Answer in 3 sentences", turn=1)
    assert [f"number {number}." in three for number in range(1, 5)] == [True, True, True, False]
    assert chat_answer("Answer in 2 sentences", turn=9) + " " == three[: three.index("3.")].rpartition(". ")[0] + ". "
    assert 800 < len(chat_answer("Talk for 1 minute", turn=1)) < 1_100


@pytest.mark.parametrize("text", [RICH, "", " ", "a\n\n  b \n", "👩‍👩‍👧 ﷺ ok"])
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(tokens_in(text)) == text


def test_marks_come_in_parts() -> None:
    assert tokens_in("**Marvellous** ```") == ["*", "*", "Marve", "llous", "*", "*", " `", "`", "`"]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": 5}]}, "content"),
        ({"messages": [{"role": "user", "content": "x" * 500_001}]}, "length"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_a_bad_request_is_named(changed: dict[str, object], names: str) -> None:
    body = {"model": "grok-3-fast", "messages": [{"role": "user", "content": "x"}], **changed}
    with pytest.raises(ValueError, match=names):
        read_request(orjson.dumps(body), options=Options())


def test_parts_and_turns_are_read() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "image_url"}]},
        {"role": "assistant", "content": None},
    ]
    read = read_request(orjson.dumps({"model": "any", "messages": messages, "stream_options": 5}), options=Options())
    assert (read.last, read.turn, read.prompt_tokens) == ("One", 1, 4)


def test_the_tables_share_no_name_and_every_act_has_a_row() -> None:
    assert not FAULTS.keys() & CHAT_FAULTS.keys()
    assert {fault.act for fault in CHAT_FAULTS.values()} == set(ChatAct)


def test_a_chats_fault_is_counted_down() -> None:
    plan = ChatFaultPlan()
    plan.add(CHAT_FAULTS["chat_500"], times=1)
    plan.add(CHAT_FAULTS["chat_cut"], text="Bye")
    assert [plan.take(text) for text in ("Hi", "Hi", "Bye")] == [
        CHAT_FAULTS["chat_500"],
        None,
        CHAT_FAULTS["chat_cut"],
    ]
