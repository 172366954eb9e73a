"""Static vectors of word pieces: a text is the mean of the vectors of its pieces.

The table (32,000 pieces of 256 numbers, 16 MB) ships inside the package `wordllama`; only its files are
read, its code is not imported and nothing is ever downloaded. numpy, tokenizers and safetensors are imported
when the first text is embedded.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["DIMENSIONS", "Vectors", "shared_vectors"]

DIMENSIONS = 256
PACKAGE = "wordllama"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
WEIGHTS = "weights/l2_supercat_256.safetensors"


class Vectors:
    """The table of vectors and the way from a text to its rows.

    Raises:
        ModuleNotFoundError: the package with the table is not installed.
    """

    def __init__(self) -> None:
        spec = find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
        from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]
        from tokenizers import Tokenizer

        folder = Path(spec.origin).parent
        tensors: dict[str, Any] = load_file(str(folder / WEIGHTS))
        self._table: Any = next(iter(tensors.values()))  # (32000, 256) float16
        self._tokenizer: Any = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def pieces(self, text: str) -> Any:
        """Return the vectors of a text's pieces, in order: (pieces, 256), float32."""
        import numpy as np

        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return self._table[ids].astype(np.float32) if ids else np.zeros((0, DIMENSIONS), np.float32)

    def embed(self, texts: Sequence[str]) -> Any:
        """Return one unit vector per text: (texts, 256), float32; zeros for a text without a piece."""
        import numpy as np

        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            pieces = self.pieces(text)
            if len(pieces):
                mean = pieces.mean(axis=0)
                row[:] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return rows


_lock = threading.Lock()
_loaded: list[Vectors | None] = []


def shared_vectors() -> Vectors | None:
    """Return the table, loaded once a process (about 0.15 s); None where the package is not installed."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(None if find_spec(PACKAGE) is None else Vectors())
    return _loaded[0]
