"""What a fake model says (replies, tool calls, logprobs, embeddings) and in which pieces it arrives."""

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

CHARS_PER_TOKEN = 4  # the rule of thumb for English; a double needs no tokenizer, only one that never changes
DEFAULT_NUM_CTX = 4096  # Ollama's own default below 23 GiB of GPU memory

Capability = Literal["completion", "tools", "thinking", "decision", "embedding"]


@dataclass(frozen=True, kw_only=True)
class TokenLogprob:
    """One generated token, with natural-log probabilities.

    `top` are the alternatives, the token itself among them.
    """

    token: str
    logprob: float
    top: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class FakeToolCall:
    """One call of a tool. `arguments` as text stands for JSON that the model got wrong."""

    name: str
    arguments: Mapping[str, object] | str = field(default_factory=dict[str, object])
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of a model.

    Args:
        text: a list is sent piece by piece, a string word by word; None is what the `logprobs` spell.
        thinking: sent before the text when the model can think and the request lets it.
        logprobs: sent when the request asks for them; without any, made up (each token 0.9 sure).
        error: what goes wrong after the text: an error line in a stream that began, else `error_status`.
    """

    text: str | Sequence[str] | None = None
    thinking: str = ""
    tool_calls: Sequence[FakeToolCall] = ()
    logprobs: Sequence[TokenLogprob] = ()
    done_reason: Literal["stop", "length"] = "stop"
    error: str = ""
    error_status: int = 500


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """What a client asked, the same for every route; `fields` is the body as it came."""

    route: str
    model: str
    messages: tuple[Mapping[str, object], ...] = ()
    tools: tuple[Mapping[str, object], ...] = ()
    format: object = None
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    stream: bool = True
    think: bool = False
    logprobs: bool = False
    top_logprobs: int = 0
    fields: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def prompt(self) -> str:
        """All that the model reads, as one text."""
        return "\n".join(_text(message.get("content")) for message in self.messages)

    @property
    def last(self) -> str:
        """The content of the last message."""
        return _text(self.messages[-1].get("content")) if self.messages else ""


Answer = float | Mapping[str, object]
Script = str | Reply | Sequence[str | Reply] | Callable[[ChatRequest], str | Reply]
Decide = Mapping[str, Answer] | Callable[[object, Mapping[str, Mapping[str, object]]], Mapping[str, Answer]]


@dataclass(frozen=True, kw_only=True)
class FakeModel:
    """A model on a fake server.

    Args:
        reply: the same answer each time; a list for one request after the other (one request too many is a
            400 that says so); a function for anything else.
        decide: answers for `/v1/systemone` by question id, or a function of (state, questions). An answer is
            the probability of "true" (noul), a mapping of probabilities (choice by option, score by level
            "0", "1", ...; what it leaves out shares the rest), or a whole wire answer with its `type`.
            Without it: undecided.
        embed: the vector of a text; without it, one that depends on the words alone.
        num_ctx: context window when a request names none, in tokens of 4 characters.
        logprobs: False for a server that accepts the wish for logprobs and ignores it.
        rendered: True for Ollama's other path: tool calls come in a chunk of their own before the last one,
            and logprobs together with tools are allowed.
        digest: of its manifest; by default a hash of the name.
    """

    reply: Script = "ok"
    capabilities: Collection[Capability] = ("completion", "tools")
    decide: Decide | None = None
    embed: Callable[[str], Sequence[float]] | None = None
    dimensions: int = 64
    num_ctx: int = DEFAULT_NUM_CTX
    context_length: int = 32_768
    logprobs: bool = True
    rendered: bool = False
    digest: str = ""
    size: int = 2_500_000_000
    family: str = "fake"
    parameter_size: str = "4B"
    quantization_level: str = "Q4_K_M"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one chunk of a stream carries."""

    text: str = ""
    thinking: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


def pieces(model: FakeModel, request: ChatRequest, reply: Reply) -> tuple[Piece, ...]:
    """Say in which chunks `reply` arrives: thinking first, then text, logprobs beside them when asked for.

    Scripted logprobs are dealt out one to a chunk of text; what is left over comes in chunks without text,
    as real servers send it: chunks and tokens do not line up.
    """
    thinking = [Piece(thinking=word) for word in _words(reply.thinking)] if request.think else []
    text = _text_pieces(reply)
    if not (request.logprobs and model.logprobs):
        return (*thinking, *(Piece(text=part) for part in text))
    if not reply.logprobs:
        marked = [Piece(thinking=piece.thinking, logprobs=(_sure(piece.thinking),)) for piece in thinking]
        return (*marked, *(Piece(text=part, logprobs=(_sure(part),)) for part in text))
    dealt = itertools.zip_longest(text, reply.logprobs)
    return (*thinking, *(Piece(text=part or "", logprobs=(token,) if token else ()) for part, token in dealt))


def alternatives(token: TokenLogprob, count: int) -> list[tuple[str, float]]:
    """The `count` best alternatives of a token, best first; made up where none are scripted."""
    if token.top:
        return sorted(token.top.items(), key=lambda pair: (-pair[1], pair[0]))[:count]
    rest = 1.0 - math.exp(token.logprob)
    made_up = [(f"~{place}", math.log(max(rest, 1e-9) / 2**place)) for place in range(1, count)]
    return [(token.token, token.logprob), *made_up][:count]


def token_count(text: str) -> int:
    """How many tokens a text is said to have."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def embedding(model: FakeModel, text: str, dimensions: int = 0) -> list[float]:
    """The vector of `text`, of length 1: texts that share words lie close together."""
    vector = list(model.embed(text)) if model.embed is not None else _bag_of_words(text, model.dimensions)
    if dimensions:
        vector = vector[:dimensions]
    length = math.hypot(*vector) or 1.0
    return [round(value / length, 7) for value in vector]


def _bag_of_words(text: str, dimensions: int) -> list[float]:
    vector = [0.01] * dimensions  # so that no text, not even an empty one, is the zero vector
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
        vector[int.from_bytes(digest[:4]) % dimensions] += 1.0 if digest[4] % 2 else -1.0
    return vector


def _text_pieces(reply: Reply) -> list[str]:
    if reply.text is None:
        return [token.token for token in reply.logprobs]
    if not isinstance(reply.text, str):
        return list(reply.text)
    tokens = [token.token for token in reply.logprobs]
    return tokens if "".join(tokens) == reply.text else _words(reply.text)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _sure(token: str) -> TokenLogprob:
    return TokenLogprob(token=token, logprob=math.log(0.9))


def _text(content: object) -> str:
    """Read a message's content: a string, or OpenAI's list of parts."""
    if isinstance(content, list):
        parts = cast("list[dict[str, object]]", content)
        return "".join(str(part.get("text", "")) for part in parts)
    return content if isinstance(content, str) else ""
