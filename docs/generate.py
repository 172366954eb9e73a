"""Write what the documentation takes from the code; `--check` only says which page is stale.

    python docs/generate.py            writes
    python docs/generate.py --check    writes nothing, exits 1 when a page is not current

A page is written by hand but for its generated parts, which stand between two markers:

    <!-- generated: graph-fields -->
    <!-- end of graph-fields -->
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generator import commands, errors, events, formats, picture, public, results

ROOT = Path(__file__).resolve().parent.parent
PICTURE = Path("docs/img/demo.svg")
PART = re.compile(
    r"^<!-- generated: (?P<name>[\w-]+) -->\n(?P<text>.*?)^<!-- end of (?P=name) -->$", re.M | re.S
)
PARTS: Mapping[str, Callable[[], str]] = {
    "graph-fields": formats.graph_fields,
    "node-fields": formats.node_fields,
    "node-kinds": formats.node_kinds,
    "expert-fields": formats.expert_fields,
    "type-words": formats.type_words,
    "expression-words": formats.expression_words,
    "template-filters": formats.template_filters,
    "model-names": formats.model_names,
    "commands": commands.commands,
    "exit-codes": commands.exit_codes,
    "error-codes": errors.codes,
    "exceptions": errors.exceptions,
    "events": events.events,
    "run-json": results.run_json,
    "limits": results.limits,
    "public-names": public.names,
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page as it is on disk, and as it should be."""

    path: Path
    text: str
    wanted: str

    @property
    def is_current(self) -> bool:
        """Return whether nothing has to be written."""
        return self.text == self.wanted


def main(arguments: Sequence[str] = ()) -> int:
    """Write every page that is stale, or with `--check` name it; return the exit code."""
    checking = "--check" in arguments
    stale = [page for page in pages(ROOT) if not page.is_current]
    for page in stale:
        if checking:
            print(f"{page.path.relative_to(ROOT)}: stale")
        else:
            page.path.write_text(page.wanted, encoding="utf-8")
            print(f"wrote {page.path.relative_to(ROOT)}")
    if checking and stale:
        print("  fix: python docs/generate.py")
    return 1 if checking and stale else 0


def pages(root: Path) -> Iterator[Page]:
    """Yield every page that has generated parts, and the picture of the demo.

    Raises:
        SystemExit: a page names a part that does not exist, or no page uses one that does.
    """
    used: set[str] = set()
    for path in sorted([root / "README.md", *root.glob("docs/**/*.md")]):
        text = path.read_text(encoding="utf-8")
        used |= {match["name"] for match in PART.finditer(text)}
        yield Page(path=path, text=text, wanted=PART.sub(_filled, text))
    if forgotten := PARTS.keys() - used:
        raise SystemExit(
            f"no page has the part {min(forgotten)!r}: write <!-- generated: {min(forgotten)} -->"
        )
    image = root / PICTURE
    old = image.read_text(encoding="utf-8") if image.exists() else ""
    yield Page(path=image, text=old, wanted=picture.demo(old))


def _filled(match: re.Match[str]) -> str:
    name = match["name"]
    if name not in PARTS:
        raise SystemExit(f"unknown part {name!r}: one of {', '.join(PARTS)}")
    return f"<!-- generated: {name} -->\n{_made(name)}\n<!-- end of {name} -->"


@cache
def _made(name: str) -> str:
    return PARTS[name]().strip("\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
