"""Cut documents into passages: paragraphs with the title and the headings that stand over them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swarm.backends.embedded.words import sentences

__all__ = ["CODE", "FENCE", "Document", "passages_of"]

FENCE = "```"
CODE = re.compile(r"(^[ \t]*```.*?^[ \t]*```[ \t]*$)", re.DOTALL | re.MULTILINE)
PASSAGE_WORDS = 120  # longer paragraphs are cut between sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text to search, by name."""

    name: str
    text: str


def _name_words(name: str) -> str:
    stem = name.rpartition("/")[2].rpartition(".")[0] or name
    return stem.replace("-", " ").replace("_", " ")


def passages_of(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (name in words and headings, text) of each paragraph; one that only introduces joins the next."""
    name = _name_words(document.name)
    headings: list[str] = []
    intro = ""
    for block in _paragraphs(document.text):
        first, _, rest = block.partition("\n")
        if first.startswith("#"):
            level = len(first) - len(first.lstrip("#"))
            headings = [*headings[: level - 1], first.lstrip("# ").strip()]
            block = rest.strip()
            if not block:
                continue
        block = f"{intro}\n{block}" if intro else block
        intro = block if block.endswith(":") and len(block) < 300 else ""
        if not intro:
            for piece in _pieces(block):
                yield (name, *headings), piece
    if intro:
        yield (name, *headings), intro


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the blocks of text between blank lines; a heading begins one of its own.

    Code between fences stays whole, with the block before it.
    """
    lines: list[str] = []
    fenced = False
    for line in text.replace("\x00", " ").splitlines():
        fence = line.lstrip().startswith(FENCE)
        if lines and not fenced and not fence and (not line.strip() or line.startswith("#")):
            yield "\n".join(lines)
            lines = []
        fenced ^= fence
        if line.strip() or fenced:
            lines.append(line.rstrip())
    if lines:
        yield "\n".join(lines)


def _pieces(block: str) -> Iterator[str]:
    """Cut a long paragraph between sentences, and a sentence without end between words."""
    if len(block.split(None, PASSAGE_WORDS)) <= PASSAGE_WORDS and len(block) <= 10 * PASSAGE_WORDS:
        yield block
        return
    piece: list[str] = []
    size = 0
    for part in _bounded(sentences(block)):
        words = len(part.split())
        if piece and size + words > PASSAGE_WORDS:
            yield " ".join(piece)
            piece, size = [], 0
        piece.append(part)
        size += words
    if piece:
        yield " ".join(piece)


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        for start in range(0, len(part), 10 * PASSAGE_WORDS):
            yield part[start : start + 10 * PASSAGE_WORDS]
