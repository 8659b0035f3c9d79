import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import AudioUnusable, WordsDiffer
from speech.proof import Proof, Verdict, check_duration, combine, prove

pytestmark = pytest.mark.unit

LONG = "The quick brown fox jumps over the lazy dog while seven cats are watching from the old garden wall"
ARTICLE = f"{LONG}. {LONG.replace('fox', 'wolf')}. Nobody knows who opened the gate, and nobody asks. {LONG}."


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Hello, world!", "hello world"),
        ("It\u2019s a café", "It's a cafe."),
        ("Send an e-mail to the F.B.I. office", "send an email to the FBI office"),
        ("你好,世界。", "你好世界"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया।"),
        ("مرحبا، كيف حالك؟", "مرحبا كيف حالك"),
        ("مُحَمَّد هنا", "محمد هنا"),
        ("Visit example.com now", "visit example dot com now"),
        ("https://example.com/docs", "https colon slash slash example dot com slash docs"),
        ("john.doe@x.ai", "john dot doe at x dot ai"),
        ("Tom and Jerry", "Tom & Jerry"),
        ("AT&T", "a t and t"),
        ("C++ and C#", "c plus plus and c sharp"),
        (".NET", "dot net"),
        ("cincuenta por ciento", "50%"),
    ],
)
def test_spelling_apart_the_same_words_are_exact(text: str, transcript: str) -> None:
    proof = prove(text, transcript)
    assert (proof.verdict, proof.word_error_rate, proof.longest_run) == (Verdict.EXACT, 0, 0)


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Your order of 3 items ships on Friday.", "your order of three items ships on friday"),
        ("Three men", "3 men"),
        ("The war ended in 1945.", "the war ended in nineteen forty five"),
        ("In 2005, and in 2021", "in twenty oh five and in twenty twenty one"),
        (
            "It costs $1,299.50 or 3 million euros",
            "it costs one thousand two hundred ninety nine dollars and fifty cents or three million euros",
        ),
        ("On May 5th at 10:30", "on may fifth at ten thirty"),
        ("Pi is 3.14, about 3%", "pi is three point one four about three percent"),
        ("Call 555-0123", "call five five five zero one two three"),
        ("Ich habe 5 Äpfel und 1999 Birnen", "ich habe fünf äpfel und neunzehnhundertneunundneunzig birnen"),
        ("En 1999, il a 0 amis", "en mille neuf cent quatre vingt dix neuf il a zéro amis"),
        ("Tengo 31 años", "tengo treinta y un años"),
        ("الساعة ٣", "الساعة 3"),
        ("It costs $5.00 at 10:00", "it costs five dollars at ten"),
        ("Extension 5500", "extension five five zero zero"),
        ("42", "forty-two"),
        ("10,000 dollars", "ten thousand dollars"),
        ("10.000 Euro", "10000 euro"),
        ("10\u202f000 euros", "dix mille euros"),
        ("$1,500.00", "fifteen hundred dollars"),
        ("$1,500.00", "one thousand five hundred dollars"),
        ("$20.00 and $30.00", "twenty dollars and thirty dollars"),
        ("$5 at 10", "$5.00 at 10:00"),
        ("It costs $14.94 and no more", "it costs fourteen dollars and ninety four cents and no more"),
        ("2.5 mg", "two point five mg"),
        ("2,5 mg", "zwei komma fünf mg"),
        ("1,799 Euro", "eins komma sieben neun neun euro"),
        (".5 mg", "0.5 mg"),
        ("0.5 mg", "point five mg"),
        ("٢٫٥", "2.5"),
        ("1999", "nineteen ninety nine"),
        ("At 5:30, 50 % of them", "at five thirty fifty percent of them"),
        ("The 3rd", "the third"),
        ("Version 1.2.3", "version one point two point three"),
        ("Version 1.2.3", "version one two three"),
        ("10.30 Uhr", "zehn Uhr dreißig"),
        ("我有23个苹果", "我有二十三个苹果"),
        ("2024年5月3日", "二零二四年五月三日"),
        ("上午10:30", "上午十点三十分"),
        ("205 元, 30万人, 零下 -5 度", "二百零五元三十万人零下负五度"),
        ("Um 8:05 Uhr", "um acht Uhr fünf"),
        ("19,99 Euro", "neunzehn Euro neunundneunzig"),
        ("À 14h30", "à quatorze heures trente"),
        ("09:00", "nine"),
        ("Open 9-5", "open nine to five"),
        ("Open 9am-5pm", "open nine a m to five p.m."),
        ("5 - 3 = 2", "five minus three equals two"),
        ("50 EUR", "fünfzig Euro"),
        ("1939–1945", "nineteen thirty nine to nineteen forty five"),
        ("3-1", "three to one"),
        ("50 %", "cinquante pour cent"),
        ("$0.99", "ninety nine cents"),
        ("$1.5M", "one point five million dollars"),
        ("100k users", "one hundred thousand users"),
        ("5 Mio. Euro", "fünf Millionen Euro"),
        ("3 million", "3,000,000"),
        ("0.001", "zero point zero zero one"),
        ("In the 1990s", "in the nineteen nineties"),
        ("die 90er", "die neunziger"),
        ("4 July 2021", "the fourth of july twenty twenty one"),
        ("Chapter IV", "chapter four"),
        ("Ludwig XIV.", "Ludwig der Vierzehnte"),
        ("-5", "minus five"),
        ("It is -5.5 outside", "it is negative five point five outside"),
        ("−5 graden", "min vijf graden"),
        ("-$20", "minus twenty dollars"),
    ],
)
def test_numbers_are_the_same_in_digits_and_in_words(text: str, transcript: str) -> None:
    assert prove(text, transcript).verdict is Verdict.EXACT


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("42", "forty three"),
        ("42", "41"),
        ("Flight 5", "flight fifty"),
        (f"{LONG}, and pay 10 dollars", f"{LONG} and pay one dollar"),
        (f"{LONG} at 10:30", f"{LONG} at ten forty"),
        ("Ich habe heute leider nur 5 Äpfel", "ich habe heute leider nur sechs äpfel"),
        ("10,000 dollars", "ten dollars"),
        ("10 000 euros", "dix euros"),
        ("10,000", "10"),
        ("10,000", "ten million"),
        ("272,445.53 Euro", "515,642 Euro"),
        (f"{LONG} 1,500 times", f"{LONG} 500 times"),
        ("2,000 units", "2 units"),
        ("2.5 mg", "25 mg"),
        ("2,5 mg", "fünfundzwanzig mg"),
        ("٢٫٥ مغ", "25 مغ"),
        (f"{LONG} with 0.5 mg", f"{LONG} with five mg"),
        (f"{LONG} with .5 mg", f"{LONG} with 5 mg"),
        ("5.0", "50"),
        ("Room 1", "room one zero zero"),
        ("Please take 5 units", "please take 5.5 units"),
        ("Please pay them 20 million dollars", "please pay them 20 dollars"),
        (f"{LONG} for 20 km", f"{LONG} for thirty kilometres"),
        ("-5", "5"),
        ("我有23个苹果", "我有二十四个苹果"),
        ("私は3匹の猫を飼っています", "私は五匹の猫を飼っています"),
        (f"{LONG} at -5 degrees", f"{LONG} at five degrees"),
        (f"{LONG} at 5 degrees", f"{LONG} at minus five degrees"),
        (f"{LONG} at 5 degrees", f"{LONG} at -5 degrees"),
        ("Call 555-123-4567 now", "call 555-123-4568 now"),
        (f"{LONG} for order 12345678", f"{LONG} for order one two three four five six eight seven"),
        (f"{LONG} of Louis XIV", f"{LONG} of Louis XVI"),
        (f"{LONG} for 5 €", f"{LONG} for five dollars"),
        (f"{LONG} for 3 million euros", f"{LONG} for 3 billion euros"),
        (f"{LONG} at 2.05", f"{LONG} at 2.5"),
        ("10k people came", "ten people came"),
        (f"{LONG} at 10:30 am", f"{LONG} at 10:30 pm"),
        (f"{LONG} at 5pm", f"{LONG} at five a m"),
    ],
)
def test_another_number_is_another_word(text: str, transcript: str) -> None:
    with pytest.raises(WordsDiffer):
        prove(text, transcript)


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Do not press the button.", "do press the button"),
        ("Press the red button now.", "don't press the red button now"),
        (f"You can't go back: {ARTICLE}", f"you can go back {ARTICLE}"),
        ("There is no way back from here", "there is a way back from here"),
        ("He has no 5 euro note", "he has a 5 euro note"),
        (f"I said no. 5 people saw it: {LONG}", f"I said 5 people saw it {LONG}"),
        ("Das ist nicht das rote Haus", "das ist das rote haus"),
        ("Er hat keine roten Äpfel", "er hat eine roten äpfel"),
        ("Je ne veux pas de ces pommes", "je ne veux de ces pommes"),
        ("Eu não quero esta casa", "eu quero esta casa"),
        (f"Nobody came: {LONG}", f"somebody came {LONG}"),
        ("Wir gehen ohne den Hund spazieren", "wir gehen mit den hund spazieren"),
        ("Nadie viene a la fiesta de hoy", "alguien viene a la fiesta de hoy"),
        ("Я не хочу этого делать сегодня", "я хочу этого делать сегодня"),
        ("我不喜欢你的新衣服", "我喜欢你的新衣服"),
        ("मैं नहीं जाऊँगा आज बाज़ार", "मैं जाऊँगा आज बाज़ार"),
        ("나는 안 가요 오늘은 집에", "나는 가요 오늘은 집에"),
        ("لا أريد هذا الكتاب الآن", "أريد هذا الكتاب الآن"),
        (f"That is unlikely: {LONG}", f"that is likely {LONG}"),
    ],
)
def test_the_opposite_is_refused_although_one_word_differs(text: str, transcript: str) -> None:
    with pytest.raises(WordsDiffer):
        prove(text, transcript)


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Do not press the button.", "don't press the button"),
        ("You cannot go back there", "you can't go back there"),
        ("Il n'a pas vu la mer", "il a pas vu la mer"),
        ("Take bus No. 5 to the sea", "take bus number five to the sea"),
        ("Take bus No. 5 to the sea", "take bus number 5 to the sea"),
    ],
)
def test_a_negation_may_be_spelled_in_another_way(text: str, transcript: str) -> None:
    assert prove(text, transcript).verdict is Verdict.CLOSE


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Код 4829", "код четыре восемь два девять"),
        ("मेरे पास 3 किताबें हैं", "मेरे पास तीन किताबें हैं"),
        ("上午10:30开会", "上午十点半开会"),
    ],
)
def test_numbers_of_other_languages_are_passed_over(text: str, transcript: str) -> None:
    proof = prove(text, transcript)
    assert (proof.verdict, proof.word_error_rate) == (Verdict.CLOSE, 0)


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Call 1-800-555-0199 now", "call one eight hundred five five five zero one nine nine now"),
        (f"{LONG} at 4:30", f"{LONG} at half past four"),
        ("When Louis XIV was king of France", "when louis the fourteenth was king of france"),
        ("We meet on 12/25 at noon, all of us", "we meet on december twenty fifth at noon all of us"),
        ("We leave all of this on 05 May", "we leave all of this on five may"),
        ("2.5 mg", "two point five milligrams"),
        ("Call 200-3000", "call two hundred three thousand"),
        ("On 12/25/2024 we meet", "on december twenty fifth twenty twenty four we meet"),
        ("On 2024-12-25", "on december twenty fifth two thousand twenty four"),
        ("Am 03.10.1990", "am dritten Oktober neunzehnhundertneunzig"),
    ],
)
def test_numbers_may_be_said_in_many_ways(text: str, transcript: str) -> None:
    assert prove(text, transcript).verdict is not Verdict.UNPROVEN


def test_a_number_alone_in_a_language_that_nobody_knows_is_unproven() -> None:
    assert prove("4829", "четыре восемь два девять").verdict is Verdict.UNPROVEN


@pytest.mark.parametrize(
    ("text", "transcript", "run"),
    [
        ("Dr. Smith lives on Elm St. near the old mill", "Doctor Smith lives on Elm Street near the old mill", 0),
        (LONG, LONG.replace("lazy", "hazy"), 1),
        (LONG, LONG.replace("over the lazy dog ", ""), 4),
    ],
)
def test_small_differences_are_close(text: str, transcript: str, run: int) -> None:
    proof = prove(text, transcript)
    assert (proof.verdict, proof.longest_run) == (Verdict.CLOSE, run)
    assert proof.word_error_rate is not None
    assert 0 < proof.word_error_rate < 0.5


@pytest.mark.parametrize(
    "transcript",
    [
        "Sure! Here is what you asked for, with something else altogether in place of it.",
        " ".join(LONG.split()[: len(LONG.split()) // 2]),
        "no",
    ],
)
def test_other_words_or_half_of_them_are_refused(transcript: str) -> None:
    with pytest.raises(WordsDiffer) as caught:
        prove(LONG, transcript)
    assert caught.value.retryable


@pytest.mark.parametrize(
    "transcript",
    [
        ARTICLE.replace("Nobody knows who opened the gate, and", "And"),
        ARTICLE.replace("who opened the gate", "how any of this could ever have happened"),
        f"{ARTICLE} Is there anything else you want to hear?",
    ],
    ids=["left out", "replaced", "added"],
)
def test_a_run_of_wrong_words_is_refused_however_long_the_text(transcript: str) -> None:
    assert prove(ARTICLE, ARTICLE.replace("who opened the gate", "who had opened a gate")).longest_run == 1
    with pytest.raises(WordsDiffer):
        prove(ARTICLE, transcript)


def test_many_wrong_words_are_refused_although_none_stand_in_a_row() -> None:
    words = ARTICLE.split()
    with pytest.raises(WordsDiffer):
        prove(ARTICLE, " ".join("something" if at % 4 == 0 else word for at, word in enumerate(words)))
    assert prove(ARTICLE, " ".join("so" if at % 8 == 0 else word for at, word in enumerate(words))).longest_run == 1


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Dr. Smith", "doctor smith"),
        ("Prof. Dr. Müller", "Professor Doktor Müller"),
        ("5 km", "five kilometers"),
        ("5 km", "5 kilometers"),
        ("60 mph", "sixty miles per hour"),
        ("16GB", "sixteen gigabytes"),
        ("It is 20°C", "it is twenty degrees celsius"),
        ("z. B. so", "zum Beispiel so"),
        ("usw.", "und so weiter"),
        ("ASAP", "as soon as possible"),
        ("No. 5", "number five"),
        ("Nr. 5", "Nummer fünf"),
        ("OK", "okay"),
        ("10x faster", "ten times faster"),
        ("I can't", "I cannot"),
    ],
)
def test_abbreviations_are_close_to_what_they_stand_for(text: str, transcript: str) -> None:
    assert prove(text, transcript).verdict is Verdict.CLOSE
    assert prove(transcript, text).verdict is Verdict.CLOSE


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("I love you", "I loathe you"),
        ("Good morning everyone", "good morning"),
        ("It is 5 km", "it is five miles"),
        ("Take 5 mg", "take five grams"),
        ("Dr. Smith", "mister smith"),
        ("jo@example.com", "jo example net"),
        ("It is 5 km", "it is five kilometers more or less"),
        ("Take me to Elm St.", "take me to elm sure that is easy"),
    ],
)
def test_a_short_text_has_no_room_for_another_word(text: str, transcript: str) -> None:
    with pytest.raises(WordsDiffer):
        prove(text, transcript)


def test_a_run_of_other_spellings_is_no_run_of_other_words() -> None:
    text = f"{ARTICLE} Take the Rhein Main Donau Dampf Schiff Fahrt."
    assert prove(text, text.replace("Rhein Main Donau Dampf", "Rhain-Maindonaudampf")).verdict is Verdict.CLOSE


@pytest.mark.parametrize("transcript", [None, "", "..."])
def test_without_a_transcript_nothing_is_proven(transcript: str | None) -> None:
    proof = prove("Hello", transcript)
    assert (proof.verdict, proof.word_error_rate, proof.longest_run) == (Verdict.UNPROVEN, None, None)


def test_words_may_come_back_as_they_were_to_be_said() -> None:
    pronunciations = [("Xylo", "zai low")]
    assert prove("Xylo", "zai low", pronunciations=pronunciations).verdict is Verdict.EXACT
    assert prove("Xylo", "Xylo", pronunciations=pronunciations).verdict is Verdict.EXACT
    with pytest.raises(WordsDiffer):
        prove("Xylo", "zai low")


@pytest.mark.parametrize(
    ("text", "seconds", "speed"), [(LONG, 5.5, 1.0), (LONG, 4.0, 1.5), ("42", 1.0, 1.0), ("好" * 20, 5, 1.0)]
)
def test_a_likely_length_passes(text: str, seconds: float, speed: float) -> None:
    check_duration(text, seconds, speed=speed)


@pytest.mark.parametrize(("text", "seconds"), [(LONG, 0.5), (LONG, 2.7), (LONG, 200.0), ("a" * 250, 0.1)])
def test_a_length_that_nobody_needs_is_refused(text: str, seconds: float) -> None:
    with pytest.raises(AudioUnusable):
        check_duration(text, seconds, speed=1.0)


@given(st.text(min_size=1, max_size=60))
def test_a_text_proves_itself(text: str) -> None:
    assert prove(text, text).verdict in (Verdict.EXACT, Verdict.UNPROVEN)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_heard_the_rate_is_one_of_words(text: str, transcript: str) -> None:
    try:
        proof = prove(text, transcript)
    except WordsDiffer:
        return
    assert (proof.longest_run or 0) <= (proof.word_error_rate or 0) * proof.words + 0.001 * proof.words


def test_a_reading_is_as_sure_as_its_least_sure_utterance() -> None:
    exact = Proof(verdict=Verdict.EXACT, word_error_rate=0.0, words=30, longest_run=0)
    close = Proof(verdict=Verdict.CLOSE, word_error_rate=0.2, words=10, longest_run=2)
    unproven = Proof(verdict=Verdict.UNPROVEN, word_error_rate=None, words=5)
    assert combine([exact]) == exact
    assert combine([exact, close]) == Proof(verdict=Verdict.CLOSE, word_error_rate=0.05, words=40, longest_run=2)
    assert combine([exact, unproven]).verdict is Verdict.UNPROVEN
    assert Proof.from_json(combine([exact, unproven]).to_json()) == combine([exact, unproven])


def test_a_proof_of_another_version_is_read() -> None:
    older = {"verdict": "close", "word_error_rate": 0.1, "words": 10}
    assert Proof.from_json(older) == Proof(verdict=Verdict.CLOSE, word_error_rate=0.1, words=10)
    assert Proof.from_json({**older, "confidence": 1}).words == 10
    with pytest.raises(TypeError):
        Proof.from_json({"verdict": "close"})
