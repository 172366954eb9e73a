"""JSON as an Ollama server reads and writes it: typed look-ups, the two error shapes, lines and events."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from swarm.testing.http import Request, Response

NDJSON = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"

_SURROGATE = re.compile("[\ud800-\udfff]")
# Go's encoder escapes these five and no other: U+0085 goes out raw, and some clients take it for a line's end
_GO_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


class ApiError(Exception):
    """A request that the server refuses: becomes an error response of the route's protocol."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def encode(value: object) -> bytes:
    """Write JSON the way Go does: compact, UTF-8, a lone surrogate becomes U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _SURROGATE.sub("\ufffd", text).translate(_GO_ESCAPES).encode()


def json_response(value: object, *, status: int = 200) -> Response:
    """Answer with one JSON value."""
    return Response(status=status, steps=(encode(value),))


def plain_response(text: str, *, status: int = 200) -> Response:
    """Answer with plain text."""
    return Response(status=status, content_type="text/plain; charset=utf-8", steps=(text.encode(),))


def stream_response(content_type: str, values: Iterable[object], *, closing: int) -> Response:
    """Answer with a stream of JSON values; the last `closing` of them say that it is complete."""
    steps = tuple(
        framed(content_type, value if isinstance(value, bytes) else encode(value)) for value in values
    )
    return Response(content_type=content_type, steps=steps, chunked=True, closing=closing)


def framed(content_type: str, data: bytes) -> bytes:
    """Make one line or event of a stream out of `data`."""
    return b"data: %b\n\n" % data if content_type == EVENT_STREAM else data + b"\n"


def error_response(path: str, status: int, message: str) -> Response:
    """Say an error in the shape of the protocol that `path` belongs to."""
    if not path.startswith("/v1/") or path == "/v1/systemone":
        return json_response({"error": message}, status=status)
    kinds = {400: "invalid_request_error", 404: "not_found_error"}
    kind = kinds.get(status, "api_error")
    return json_response(
        {"error": {"message": message, "type": kind, "param": None, "code": None}}, status=status
    )


def runner_error(message: str, kind: str = "invalid_request_error", **details: object) -> ApiError:
    """Refuse as the model's own process does: Ollama passes its JSON body on as the text of the error."""
    body = {"error": {"code": 400, "message": message, "type": kind, **details}}
    return ApiError(400, encode(body).decode())


def read_json(request: Request) -> "Body":
    """Read the body of a POST, which must be a JSON object."""
    if not request.body:
        raise ApiError(400, "missing request body")
    try:
        value = json.loads(request.body.decode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        broken = error.doc[error.pos : error.pos + 1]
        what = f"invalid character {broken!r} looking for beginning of value" if broken else "unexpected EOF"
        raise ApiError(400, what) from None
    except (RecursionError, ValueError) as error:  # nested too deeply, a number of too many digits
        raise ApiError(400, f"json: {error}") from None
    if not isinstance(value, dict):
        raise ApiError(400, f"json: cannot unmarshal {_kind(value)} into Go value")
    return Body(cast("dict[str, object]", value))


class Body:
    """The fields of a request, looked up by type; a wrong type is a 400, a null is an absence."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields

    def get(self, name: str) -> object:
        return self.fields.get(name)

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._mismatch(name, value, "string")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.fields.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._mismatch(name, value, "bool")
        return value

    def whole(self, name: str) -> int:
        value = self.fields.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._mismatch(name, value, "int")
        return value

    def objects(self, name: str) -> tuple[Mapping[str, object], ...]:
        value = self.fields.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._mismatch(name, value, "[]object")
        for item in cast("list[object]", value):
            if not isinstance(item, dict):
                raise self._mismatch(name, item, "object")
        return tuple(cast("list[dict[str, object]]", value))

    def mapping(self, name: str) -> Mapping[str, object]:
        value = self.fields.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._mismatch(name, value, "map[string]interface {}")
        return cast("dict[str, object]", value)

    def _mismatch(self, name: str, value: object, wanted: str) -> ApiError:
        return ApiError(
            400, f"json: cannot unmarshal {_kind(value)} into Go struct field .{name} of type {wanted}"
        )


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, Sequence) else "null"
