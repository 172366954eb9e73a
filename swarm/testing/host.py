"""What a fake server knows between two requests: models, whose turn it is, what is loaded, the time."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from swarm.testing.fake_model import DEFAULT_NUM_CTX, ChatRequest, FakeModel, Reply
from swarm.testing.wire import ApiError

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
DEFAULT_KEEP_ALIVE = timedelta(minutes=5)
FOREVER = timedelta(days=106_751)  # about the most that Ollama's 64 bits of nanoseconds hold

_DURATION = re.compile(r"-?(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+|0")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model in memory."""

    expires_at: datetime
    keep_alive: timedelta
    num_ctx: int


class Host:
    """The state behind the routes. Its clock goes on by a millisecond each time it is read."""

    def __init__(self, models: Mapping[str, FakeModel]) -> None:
        self.models = {canonical(name): model for name, model in models.items()}
        self.loaded: dict[str, Loaded] = {}
        self._turns: dict[str, int] = {}
        self._now = START
        self._calls = 0

    def find(self, name: str) -> FakeModel:
        """The model called `name`; without a tag, `latest` is meant."""
        model = self.models.get(canonical(name))
        if model is None:
            raise ApiError(404, f"model '{name}' not found")
        return model

    def serve(self, name: str, model: FakeModel) -> None:
        """Add a model, or put another in its place with its script at the start."""
        self.models[canonical(name)] = model
        self._turns.pop(canonical(name), None)

    def next_reply(self, model: FakeModel, request: ChatRequest) -> Reply:
        """The reply whose turn it is."""
        script = model.reply
        if callable(script):
            script = script(request)
        if isinstance(script, str | Reply):
            return _reply(script)
        name = canonical(request.model)
        turn = self._turns.get(name, 0)
        if turn == len(script):
            raise ApiError(
                400, f"fake model '{request.model}' has no reply left: its script has {len(script)}"
            )
        self._turns[name] = turn + 1
        return _reply(script[turn])

    def load(self, name: str, keep_alive: object, num_ctx: int = DEFAULT_NUM_CTX) -> None:
        """Keep a model in memory; an absent `keep_alive` leaves what is set, 0 puts it out."""
        name = canonical(name)
        before = self.loaded.get(name)
        lifetime = before.keep_alive if before else DEFAULT_KEEP_ALIVE
        if keep_alive is not None:
            lifetime = duration(keep_alive)
        if lifetime:
            self.loaded[name] = Loaded(expires_at=self._now + lifetime, keep_alive=lifetime, num_ctx=num_ctx)
        else:
            self.loaded.pop(name, None)

    def digest(self, name: str) -> str:
        """The digest of a model's manifest."""
        name = canonical(name)
        return self.models[name].digest or hashlib.sha256(name.encode()).hexdigest()

    def now(self) -> str:
        """The next moment, as RFC 3339 in UTC with nanoseconds."""
        self._now += TICK
        return rfc3339(self._now)

    def call_id(self) -> str:
        """The next id of a tool call, of the form that Ollama gives."""
        self._calls += 1
        return f"call_{hashlib.sha256(str(self._calls).encode()).hexdigest()[:8]}"


def canonical(name: str) -> str:
    """A model's full name."""
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def rfc3339(moment: datetime) -> str:
    """Write a moment as Ollama does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def duration(value: object) -> timedelta:
    """Read a keep_alive: seconds, or a Go duration; negative is for ever. Wrong ones are a 400."""
    if isinstance(value, str):
        seconds = _seconds(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise ApiError(400, f"Unsupported type: '{type(value).__name__}'")
    return FOREVER if seconds < 0 or seconds > FOREVER.total_seconds() else timedelta(seconds=seconds)


def _seconds(text: str) -> float:
    if not _DURATION.fullmatch(text):
        raise ApiError(400, f'time: invalid duration "{text}"')
    parts = cast("list[tuple[str, str]]", re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", text))
    total = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return -total if text.startswith("-") else total


def _reply(script: str | Reply) -> Reply:
    return Reply(text=script) if isinstance(script, str) else script
