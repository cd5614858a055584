"""Structured logs: JSON lines on stderr, with the reference number of the request and never a secret.

A request only hands its lines over (`observers`): whether stderr is full, slow or gone is nothing that it could notice.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from federation_bridge.observers.queue import ObserverQueue
from federation_bridge.observers.sinks import Sink
from federation_bridge.observers.standard_streams import fill_closed, stderr
from federation_bridge.redaction import masked

_MOST_WAITING = 4_000
_LEAVING_TIME = 1.0
_LONGEST = 16_384
"""Bytes of one line: a trace fits."""

_OURS = frozenset({"reference", "level", "logger", "kid"})
"""Values that nobody else has a say in: a reference number may look like a user code."""

_encoded = json.JSONEncoder(default=repr).encode
"""`json.dumps` makes an encoder for each line where it is given a `default`, which takes longer than the line."""

LogLine = MutableMapping[str, Any]


class LogLines:
    """Where all lines of this process's log go. `lost`: how many did not get there, so far."""

    def __init__(self, place: Sink, most_waiting: int = _MOST_WAITING) -> None:
        self.lost = 0
        self.on_lost: Callable[[int], None] = lambda _: None
        self._untold = 0
        self._lock = threading.Lock()
        self._place = place
        self._queue = ObserverQueue("log lines", self._work, most=most_waiting, dropped=lambda _: self._lose(1))

    def put(self, line: LogLine) -> None:
        """Takes a line, or drops it; never waits and never raises."""
        line["timestamp"] = datetime.now(UTC)
        self._queue.put(line)

    def start(self) -> None:
        """Writes in a thread of its own from now on; before, `put` does it itself."""
        self._queue.start()

    def flush(self, seconds: float) -> None:
        """Waits at most so long for what is under way."""
        self._queue.flush(seconds)

    def close(self, seconds: float) -> None:
        """Waits at most so long for what is under way, and takes no more."""
        self._queue.close(seconds)

    def _work(self, lines: list[LogLine]) -> None:
        written = self._place.write([_rendered(line) for line in lines]).written if self._is_told() else 0
        if written < len(lines):
            self._lose(len(lines) - written)

    def _is_told(self) -> bool:
        """Whether the log says how much of it is missing."""
        with self._lock:
            untold = self._untold
        if not untold:
            return True
        told = {"event": "log.lines_lost", "level": "warning", "count": untold, "timestamp": datetime.now(UTC)}
        if not self._place.write([_rendered(told)]).written:
            return False
        with self._lock:
            self._untold -= untold
        return True

    def _lose(self, count: int) -> None:
        with self._lock:
            self.lost += count
            self._untold += count
        with suppress(Exception):
            self.on_lost(count)


def _rendered(line: LogLine) -> bytes:
    try:
        line["timestamp"] = line["timestamp"].isoformat().replace("+00:00", "Z")
        text = _encoded(_masked(line))
    except (TypeError, ValueError):
        text = json.dumps({"event": "a line that is no JSON", "level": "error", "line": masked(repr(line)[:_LONGEST])})
    if len(text) > _LONGEST:
        known = {name: str(line.get(name, ""))[:256] for name in ("event", "level", "reference")}
        text = json.dumps({**known, "cut": text[: _LONGEST // 4]})
    return text.encode("ascii") + b"\n"


def _masked(value: Any, name: str = "") -> Any:
    """The line without secrets that stand where they do not belong, in a client's words or in a library's trace."""
    if isinstance(value, dict):
        return {masked(str(key)): _masked(part, str(key)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(part) for part in value]
    if name == "timestamp" or isinstance(value, bool | int | float | None):
        return value
    return value if name in _OURS else masked(value if isinstance(value, str) else repr(value))


class _Logger:
    """What structlog calls with a finished line."""

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines

    def msg(self, **line: Any) -> None:
        """Hands the line over."""
        self._lines.put(line)

    debug = info = warning = error = critical = exception = msg


class _Handler(logging.Handler):
    """What the standard library's log, and so every library, calls."""

    def __init__(self, lines: LogLines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Hands the record over."""
        with suppress(Exception):  # a record that cannot be formatted is nobody's failure but the log's
            line: LogLine = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
            if record.exc_info:
                line["exception"] = logging.Formatter().formatException(record.exc_info)
            self._lines.put(line)


class _Text(io.TextIOBase):
    """`sys.stderr` for those who write to it themselves: the server, warnings, traces of threads that ended."""

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines
        self._begun = threading.local()

    def write(self, text: str) -> int:
        """Hands whole lines over; keeps what was begun."""
        *whole, rest = (getattr(self._begun, "text", "") + text).split("\n")
        self._begun.text = rest[-_LONGEST:]
        for line in whole:
            if line.strip():
                self._lines.put({"event": line, "level": "error", "logger": "stderr"})
        return len(text)

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor of stderr itself: for what writes past Python."""
        return 2


@contextmanager
def to_stderr() -> Iterator[LogLines]:
    """Sends our logs, the libraries', and what is printed on stderr there as JSON lines, beside the requests."""
    fill_closed()
    lines, real = LogLines(stderr()), sys.stderr
    _configure(lines)
    sys.stderr = _Text(lines)
    lines.start()
    try:
        yield lines
    finally:
        sys.stderr = real
        lines.close(_LEAVING_TIME)


def _configure(lines: LogLines) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _as_arguments,
        ],
        logger_factory=lambda *_: _Logger(lines),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Handler(lines)], level=logging.WARNING, force=True)


def _as_arguments(_logger: object, _method: str, line: LogLine) -> tuple[tuple[()], LogLine]:
    return (), line
