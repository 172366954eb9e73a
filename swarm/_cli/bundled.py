"""Where the support chatbot that ships with swarm is: the demo runs it, and `init` starts from it."""

from __future__ import annotations

from pathlib import Path

from swarm.errors import InternalError

__all__ = ["GRAPH", "support_chatbot"]

GRAPH = "support.swarm.yaml"


def support_chatbot() -> Path:
    """Return its folder: in the installed package, else in the checkout.

    Raises:
        InternalError: it is in neither.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_demo", package.parent / "examples" / "support_chatbot"):
        if (folder / GRAPH).is_file():
            return folder
    raise InternalError("the support chatbot is not in this installation", hint="install swarm-slm again")
