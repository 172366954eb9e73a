"""How the SVG picture looks: colours of the kinds, light and dark, and the icons, 20 px square."""

from __future__ import annotations

__all__ = ["ARROWS", "ICONS", "STYLE"]

_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_MONO = "ui-monospace,SFMono-Regular,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"
_COLOURS = {  # of a kind's tile, light and dark
    "input": ("#57606a", "#8b949e"),
    "expert": ("#6d4fd8", "#8f76ee"),
    "tool": ("#0f7b6c", "#2aa894"),
    "reply": ("#2563c9", "#4f8ef0"),
    "route": ("#b4530a", "#d97a2b"),
    "each": ("#8a4b9c", "#b070c4"),
    "repeat": ("#a03a68", "#d0668f"),
    "graph": ("#3f5873", "#6f8cab"),
    "ask": ("#a8730b", "#cf9a2e"),
}
ICONS = {
    "input": "M10 3v12M5 10.5l5 5l5-5",
    "expert": "M10 2.5c.9 4.6 2.9 6.6 7.5 7.5c-4.6.9-6.6 2.9-7.5 7.5c-.9-4.6-2.9-6.6-7.5-7.5c4.6-.9 6.6-2.9 7.5-7.5z",
    "tool": "M10 2.6l6.4 3.7v7.4L10 17.4l-6.4-3.7V6.3zM12.6 10a2.6 2.6 0 1 1-5.2 0a2.6 2.6 0 1 1 5.2 0z",
    "reply": "M4.5 4h11a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H9l-4 3.4V14h-.5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z",
    "route": "M10 17.5V11c0-3-5-2.5-5-7M10 11c0-3 5-2.5 5-7M2.8 6L5 3.5L7.2 6M12.8 6L15 3.5L17.2 6",
    "each": "M10 2.8l7.4 3.9L10 10.6L2.6 6.7zM2.6 10.2l7.4 3.9l7.4-3.9M2.6 13.6l7.4 3.9l7.4-3.9",
    "repeat": "M16.8 8.2A7 7 0 0 0 4.4 5.9L2.8 8.2M2.8 3.6v4.6h4.6M3.2 11.8a7 7 0 0 0 12.4 2.3l1.6-2.3M17.2 16.4v-4.6h-4.6",
    "graph": "M7 4.5a2.5 2.5 0 1 1-5 0a2.5 2.5 0 1 1 5 0zM18 10a2.5 2.5 0 1 1-5 0a2.5 2.5 0 1 1 5 0z"
    "M7 15.5a2.5 2.5 0 1 1-5 0a2.5 2.5 0 1 1 5 0zM6.8 5.6l6.4 3.3M6.8 14.4l6.4-3.3",
    "ask": "M13.4 6.2a3.4 3.4 0 1 1-6.8 0a3.4 3.4 0 1 1 6.8 0zM3.5 17.4c.5-3.6 3.1-5.3 6.5-5.3s6 1.7 6.5 5.3",
}
ARROWS = "".join(
    f'<marker id="{name}" viewBox="0 0 10 10" refX="3" refY="5" markerWidth="9" markerHeight="9"'
    f' markerUnits="userSpaceOnUse" orient="auto"><path class="head {name}" d="M0 0.8L9 5L0 9.2L2 5z"/></marker>'
    for name in ("edge", "error", "taken")
)


def _palette(*, dark: bool) -> str:
    """Return the rules that differ between light and dark."""
    page, box, line, ink, muted, code, edge, red, green = (
        ("#0d1117", "#161b22", "#30363d", "#e6edf3", "#9198a1", "#d2a8ff", "#6e7681", "#f85149", "#3fb950")
        if dark
        else (
            "#fbfbfd",
            "#ffffff",
            "#d5d9e0",
            "#1f2328",
            "#626c77",
            "#7a3e9d",
            "#98a1ad",
            "#cf222e",
            "#1a7f37",
        )
    )
    tiles = "".join(f".{kind}>.tile{{fill:{pair[dark]}}}" for kind, pair in _COLOURS.items())
    return (
        f".page{{fill:{page}}}.box{{fill:{box};stroke:{line}}}.title,.name{{fill:{ink}}}.label{{fill:{muted}}}"
        f".code{{fill:{code}}}.edge{{stroke:{edge}}}.head{{fill:{edge}}}.edge.error{{stroke:{red}}}"
        f".head.error{{fill:{red}}}.edge.taken{{stroke:{green}}}.head.taken{{fill:{green}}}"
        f".end>rect{{fill:{box};stroke:{line}}}.end>text{{fill:{muted}}}.done>.badge>circle{{fill:{green}}}"
        f".failed>.badge>circle{{fill:{red}}}.badge>circle{{stroke:{page}}}.failed>.box{{stroke:{red}}}"
        f".done>.box{{stroke:{green}}}{tiles}"
    )


STYLE = (
    f"text{{font-family:{_FONT}}}.title{{font-size:20px;font-weight:650}}.name{{font-size:14px;font-weight:600}}"
    f".label{{font-size:12px}}.label.small{{font-size:11px}}.code{{font-size:11px;font-family:{_MONO}}}"
    ".end>text{font-size:10px;text-anchor:middle;letter-spacing:.3px}"
    ".box{stroke-width:1}.icon{fill:none;stroke:#fff;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}"
    ".edge{fill:none;stroke-width:1.5}.edge.when{stroke-dasharray:5 4}.edge.after{stroke-dasharray:1.5 4;"
    "stroke-linecap:round}.edge.error{stroke-dasharray:5 4}.edge.taken{stroke-width:2}.skipped{opacity:.45}"
    ".skipped>.box{stroke-dasharray:4 3}.badge>circle{stroke-width:2}"
    ".badge>path{fill:none;stroke:#fff;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}"
    f"{_palette(dark=False)}@media (prefers-color-scheme:dark){{{_palette(dark=True)}}}"
)
