"""The extractive summarizer: texts, conversations and requests; and the sentence splitter under it."""

from __future__ import annotations

import time

import pytest

from swarm.backends.embedded.backend import EmbeddedBackend
from swarm.backends.embedded.texts.instructions import Request, read_request
from swarm.backends.embedded.texts.textrank import Summary, summarize
from swarm.backends.embedded.texts.transcripts import read_turns
from swarm.backends.embedded.texts.trimming import clean_speech, trim
from swarm.backends.embedded.words import sentences, stem
from swarm.errors import BackendError
from swarm.messages import CompletionRequest, Task

POOL = (
    "The swimming pool in Marlow Street will be closed for three weeks in September. "
    "During the three weeks the tiles of the swimming pool are replaced. "
    "My aunt likes oranges. "
    "Season tickets for the swimming pool are extended by three weeks. "
    "The pool opens again at the end of September."
)


def test_the_sentence_that_shares_most_with_the_others_is_kept() -> None:
    assert summarize(POOL, sentences=1).text.startswith(("The swimming pool", "Season tickets", "During"))


def test_what_nothing_else_is_about_is_left_out() -> None:
    assert "oranges" not in summarize(POOL, sentences=3).text


def test_sentences_stay_in_the_order_of_the_text() -> None:
    kept = summarize(POOL, sentences=3).text
    places = [POOL.index(sentence) for sentence in sentences(kept)]
    assert len(places) == 3
    assert places == sorted(places)


def test_a_sentence_that_repeats_another_is_not_taken_twice() -> None:
    twice = "The bridge is closed for repairs. The bridge is closed for repairs. Buses take another way."
    assert summarize(twice, sentences=2).text.count("The bridge is closed") == 1


def test_about_how_many_words_is_honoured_and_no_sentence_is_cut() -> None:
    for wanted in (15, 30, 45):
        short = summarize(POOL, words=wanted).text
        assert 0.6 * wanted <= len(short.split()) <= 1.2 * wanted
        assert all(one in POOL for one in sentences(short))


def test_a_text_asked_for_in_few_words_gives_one_whole_sentence() -> None:
    assert summarize(POOL, words=2).text in sentences(POOL)


def test_more_sentences_cover_more_and_all_of_them_cover_everything() -> None:
    covered = [summarize(POOL, sentences=count).confidence for count in (1, 2, 3, 5)]
    assert covered == sorted(covered)
    assert covered[-1] == pytest.approx(1)


@pytest.mark.parametrize("text", ["", "   \n\n ", "\x00\x00", "...", "!!! ???", "🙂"])
def test_a_text_without_words_gives_nothing(text: str) -> None:
    assert summarize(text).text == ""
    assert summarize(text).confidence == 0.0


def test_no_sentences_wanted_gives_nothing() -> None:
    assert summarize(POOL, sentences=0).text == ""


def test_one_sentence_is_its_own_summary() -> None:
    assert summarize("Hello there, old friend.").text == "Hello there, old friend."


def test_other_scripts_and_broken_text_are_taken_as_they_are() -> None:
    assert summarize("你好世界。今天天气很好。", sentences=1).text in ("你好世界。", "今天天气很好。")
    assert summarize("a \ud800 broken text. another one.", sentences=2).confidence > 0


def test_the_same_text_gives_the_same_summary() -> None:
    assert summarize(POOL * 20) == summarize(POOL * 20)


@pytest.mark.parametrize("piece", [POOL + "\n\n", "a", ".", "- "])
def test_ten_megabytes_of_anything_end_in_seconds(piece: str) -> None:
    before = time.process_time()
    summarize(piece * (10_000_000 // len(piece)))
    assert time.process_time() - before < 10, "measured 0.4 to 2.1 s on one core"


def test_abbreviations_numbers_initials_and_links_end_no_sentence() -> None:
    text = "Dr. Smith paid 3.50 EUR, see Fig. 3. J. K. Lowe left. Visit https://a.b/c?d=1 now. It was 5 p.m. already."
    assert sentences(text) == [
        "Dr. Smith paid 3.50 EUR, see Fig. 3.",
        "J. K. Lowe left.",
        "Visit https://a.b/c?d=1 now.",
        "It was 5 p.m. already.",
    ]


def test_list_items_and_headings_are_sentences_of_their_own_and_wrapped_lines_are_joined() -> None:
    text = "# Returns\nYou may return\nit soon.\n- within 30 days\n- unused\n1. First\n2. Second"
    expected = ["Returns", "You may return it soon.", "within 30 days", "unused", "First", "Second"]
    assert sentences(text) == expected


def test_a_question_quoted_inside_a_sentence_does_not_cut_it() -> None:
    assert sentences('"Really?" she said. Yes.') == ['"Really?" she said.', "Yes."]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shipping", "shipped"),
        ("deliveries", "delivered"),
        ("cancellation", "cancel"),
        ("cancelled", "cancel"),
        ("refunds", "refunded"),
        ("payment", "pay"),
        ("policies", "policy"),
        ("boxes", "box"),
        ("package", "parcels"),
    ],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("bill", "bile"), ("pass", "past"), ("news", "newt")])
def test_different_words_do_not_meet(one: str, other: str) -> None:
    assert stem(one) != stem(other)


# --- what about, and how long


def test_a_query_brings_the_sentences_about_it() -> None:
    short = summarize(POOL, query="What happens to the tiles?", sentences=1)
    assert "tiles" in short.text
    assert "tiles" not in summarize(POOL, sentences=1).text


def test_a_query_about_nothing_there_changes_nothing() -> None:
    assert summarize(POOL, query="zebra").text == summarize(POOL).text


def test_a_sentence_that_says_what_is_proposed_stands_for_an_abstract() -> None:
    abstract = (
        "Networks need much memory and much memory is dear. We propose a network that needs less memory by sharing it. "
        "Memory is saved, and the network is as good as before."
    )
    assert summarize(abstract, words=15).text.startswith("We propose a network")


def test_where_it_has_to_be_short_brackets_and_connectives_go() -> None:
    text = "However, the old boiler (built by Kessel & Sons in 1961) is taken out this week."
    assert summarize(text, words=12).text == "The old boiler is taken out this week."
    assert summarize(text).text == text


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("Thus, no.", "Thus, no."),
        ("(All of it in brackets.)", "(All of it in brackets.)"),
        ("In this paper, we study how bees find home [3, 4].", "We study how bees find home."),
        ("Here the bees (and wasps (few)) find their way home.", "Here the bees find their way home."),
    ],
)
def test_a_trimmed_sentence_stays_a_sentence(sentence: str, kept: str) -> None:
    assert trim(sentence) == kept


# --- conversations

TALK = """Anna: Uh so we we 're going to keep the the rubber buttons , I think .
Ben: Yeah .
Anna: The rubber buttons are cheaper than the metal ones , and the budget for the remote is tight .
Ben: Mm-hmm . What about the display ? I mean , a display costs two euros for each remote .
Anna: Then the display goes , because the price of the remote cannot be more than twelve euros .
Ben: I just love lunch ."""


def test_a_conversation_is_told_line_by_line_with_its_speakers() -> None:
    lines = summarize(TALK, words=40).text.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(("Anna: ", "Ben: ")) for line in lines)


def test_the_noise_of_speech_is_left_out() -> None:
    assert (
        clean_speech("Uh so we we 're going to keep the , the buttons .")
        == "We're going to keep the buttons."
    )
    assert clean_speech("Yeah , okay .") == ""
    short = summarize(TALK, words=60).text
    assert "Uh" not in short
    assert "the the" not in short


def test_a_conversation_is_shortened_to_what_is_asked() -> None:
    assert "display" in summarize(TALK, query="What did they say about the display?", words=20).text
    assert "button" in summarize(TALK, query="Why keep the rubber buttons?", words=20).text


def test_a_conversation_keeps_to_about_the_wanted_length() -> None:
    for wanted in (20, 40):
        assert 0.5 * wanted <= len(summarize(TALK, words=wanted).text.split()) <= 1.4 * wanted


def test_small_talk_is_the_first_to_go() -> None:
    assert "lunch" not in summarize(TALK, words=40).text


@pytest.mark.parametrize(
    "text",
    [
        "From: anna@example.org\nTo: ben@example.org\nSubject: The remote\n\nThe buttons stay.",
        "Note: the pool is closed.\nIt opens in June.\nTickets are extended.",
        "Anna: I said it all on my own.\nAnna: And nobody answered me.",
        "",
    ],
)
def test_a_form_a_note_or_a_monologue_is_no_conversation(text: str) -> None:
    assert read_turns(text) == []


def test_names_with_a_party_and_lines_that_go_on_belong_to_their_speaker() -> None:
    turns = read_turns(
        "Mr. Alain Roy (La Prairie, BQ): One thing.\nand another.\nThe Chair: Yes.\nAnna: So?\nThe Chair: Next.\n"
    )
    assert [(turn.speaker, turn.text) for turn in turns] == [
        ("Mr. Alain Roy (La Prairie, BQ)", "One thing. and another."),
        ("The Chair", "Yes."),
        ("Anna", "So?"),
        ("The Chair", "Next."),
    ]


def test_a_conversation_without_anything_said_gives_nothing() -> None:
    assert summarize("Anna: \nBen: Yeah .\nAnna: Uh .\nBen: No .") == Summary(text="", confidence=0.0)


def test_a_day_of_talk_ends_in_seconds() -> None:
    before = time.process_time()
    summarize(TALK.replace("rubber", "wooden") + ("\n" + TALK) * 5_000, query="display")
    assert time.process_time() - before < 20, "30,000 lines"


# --- what the request says


@pytest.mark.parametrize(
    ("asked", "request_"),
    [
        ("Shorten this: The board met.", Request(text="The board met.")),
        ("tl;dr please: Long thread.", Request(text="Long thread.")),
        ("Summarize the e-mail in two sentences: Hi.", Request(text="Hi.", sentences=2)),
        ("Give me a one-sentence summary: Hi.", Request(text="Hi.", sentences=1)),
        ("Cut this down to 20 words: Hi.", Request(text="Hi.", words=20)),
        (
            "Sum up what Marta said about the lift: Hi.",
            Request(text="Hi.", query="Marta said about the lift"),
        ),
        ("Give me the key points on the text below: Hi.", Request(text="Hi.")),
        ("The board met: it was late.", Request(text="The board met: it was late.")),
        ("", Request(text="")),
    ],
)
def test_a_request_in_front_of_the_text_is_read(asked: str, request_: Request) -> None:
    assert read_request(asked) == request_


def asking(text: str, **inputs: object) -> CompletionRequest:
    task = Task(expert="e", key="k", kind="summarize", inputs={"text": text, **inputs}, text=text)
    return CompletionRequest(model="textrank", messages=(), task=task)


async def test_the_expert_is_told_what_about_and_how_long() -> None:
    backend = EmbeddedBackend()
    told = await backend.complete(asking(POOL, query="season tickets", words=10))
    assert told.text == "Season tickets for the swimming pool are extended by three weeks."
    assert told.sources == ()


async def test_what_the_inputs_say_goes_before_what_the_text_says() -> None:
    told = await EmbeddedBackend().complete(asking(f"Summarize in 50 words: {POOL}", words=10))
    assert len(sentences(told.text)) == 1


@pytest.mark.parametrize("words", [0, -5])
async def test_a_length_that_no_summary_can_have_is_an_error(words: int) -> None:
    with pytest.raises(BackendError, match=r"a summary cannot have .* words\n  fix: say about how many"):
        await EmbeddedBackend().complete(asking(POOL, words=words))
