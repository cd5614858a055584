"""One client: its bytes are gathered off the threads, and only a whole request is given to one."""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any

from federation_bridge.operate.serving import answers, heads
from federation_bridge.operate.serving.heads import Head, NotHttp
from federation_bridge.operate.serving.pools import Job
from federation_bridge.web import limits

if TYPE_CHECKING:
    from federation_bridge.operate.serving.front import Front

KEPT_OPEN = 75.0
"""Seconds that a connection may rest between two requests: longer than balancers keep theirs, who then close first."""

_TAKEN_WITHIN = 60.0
"""Seconds within which a client has to take an answer."""

_QUEUED_AT_MOST = 10.0
"""Seconds that a whole request waits for a thread."""

_LINGERS = 2.0
"""Seconds that we still read, and throw away, from a client that was refused while it sent: closing at once would take
the answer from it."""

_READ_AHEAD = heads.MOST_HEAD
"""Bytes that are read while an earlier request of the connection is being answered."""


class Connection(asyncio.Protocol):
    """Reads a request, hands it over, writes the answer, and begins anew. Lives in the loop's thread alone.

    It is `busy` from the hand-over to the answer. Else `deadline` says until when the client has to do something.
    """

    __slots__ = (
        "_ahead", "_buffer", "_front", "_has_ended", "_head", "_held", "_is_lingering", "_is_paused", "_job",
        "_looked_at", "_surroundings", "_taken", "_transport", "busy", "deadline", "is_gone",
    )  # fmt: skip

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._surroundings: dict[str, Any] | None = None
        self._buffer = bytearray()
        self._head: Head | None = None
        self._job: Job | None = None
        # Bytes: of an unfinished head that were searched; of the request beyond the buffer; what the front has counted.
        self._looked_at = self._taken = self._held = 0
        self._is_lingering = self._is_paused = self._ahead = self._has_ended = False
        self.busy = self.is_gone = False
        self.deadline = time.monotonic() + front.request_timeout

    # ------------------------------------------------------------------------------------------- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("not a stream")
        self._transport = transport
        self._front.came(self)

    def connection_lost(self, _: Exception | None) -> None:
        """The client is gone: nobody works for it any more."""
        self.is_gone = True
        if self._job:
            self._job.take_back()
        self._forget()
        self._front.went(self)

    def data_received(self, data: bytes) -> None:
        """More bytes of the client."""
        if self._is_lingering:
            return
        self._buffer += data
        if not (self.busy or self._is_paused):
            self._advance()
        self._stop_reading_too_far()
        self._count()

    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for an answer."""
        if self._is_lingering or self._transport is None:
            return False
        self._has_ended = True
        if self.busy or self._is_paused:
            return True  # what has been read already is answered first
        if self._head:
            self._hand_over(self._head, b"", refusal=limits.INCOMPLETE)
        elif self._buffer:
            self._refuse(400)
        else:
            return False
        return True

    def pause_writing(self) -> None:
        """The client takes its answer slowly: its next request waits for that."""
        self._is_paused = True
        self._count()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        self._is_paused = False
        if not self.busy and not self._is_lingering and self._transport and not self._transport.is_closing():
            self._go_on()

    # ------------------------------------------------------------------------------------------------- the request

    def _advance(self) -> None:
        if self._head is None and not self._is_paused:
            self._read_head()
        head = self._head
        if head is None or self.busy or len(self._buffer) < head.length:
            return
        body = bytes(self._buffer[: head.length])
        del self._buffer[: head.length]
        self._hand_over(head, body)

    def _read_head(self) -> None:
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):
            del buffer[:2]  # RFC 9112, 2.2: blank lines before a request are nothing
        if not buffer or buffer == b"\r":
            return
        if not self._looked_at:
            self._wait(self._front.request_timeout)
        end = buffer.find(b"\r\n\r\n", max(self._looked_at - 3, 0)) + 4
        self._looked_at = len(buffer)
        is_whole = end > len(b"\r\n\r\n")
        if (end if is_whole else len(buffer)) > heads.MOST_HEAD:
            self._refuse(431)
        elif is_whole:
            self._take_head(end)
        elif not buffer[:1].isupper():
            self._refuse(400)  # TLS, or nothing that we know: it need not be waited for

    def _take_head(self, end: int) -> None:
        raw = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._looked_at = 0
        self._taken = len(raw)
        try:
            self._head = head = heads.read_head(raw, self._around())
        except NotHttp as problem:
            self._refuse(problem.status)
            return
        if head.is_chunked or head.length > limits.most_body(head.path):
            self._hand_over(head, b"", refusal=limits.TOO_LARGE)
            return
        if head.waits_for_word and len(self._buffer) < head.length:
            self._write(answers.CONTINUE)

    def _around(self) -> dict[str, Any]:
        if self._surroundings is None and self._transport:
            peer = self._transport.get_extra_info("peername") or ("", 0)
            self._surroundings = heads.surroundings_of(self._front.listening, (peer[0], peer[1]))
        return self._surroundings or {}

    def _hand_over(self, head: Head, body: bytes, *, refusal: str | None = None) -> None:
        environ = head.environ
        environ["wsgi.input"] = io.BytesIO(body)
        if refusal:
            environ[limits.REFUSAL] = refusal
        is_last = bool(refusal) or not head.keeps_open
        self._job = self._front.job(self, environ, is_last=is_last, lingers=bool(refusal))
        self._head, self.busy = None, True
        self._taken += len(body)
        self._wait(_QUEUED_AT_MOST)
        self._front.is_busy(self)
        if not self._front.pools.at(head.path).offer(self._job):
            self._refuse(503)

    # -------------------------------------------------------------------------------------------------- the answer

    def answer(self, data: bytes, *, is_last: bool, lingers: bool) -> None:
        """Writes the application's answer; called in the loop's thread."""
        self.busy, self._job, self._taken = False, None, 0
        if self.is_gone:
            return
        self._write(data)
        if is_last:
            self._close(lingers=lingers)
            return
        self._front.is_resting(self)
        self._wait(KEPT_OPEN)
        self._go_on()

    def _go_on(self) -> None:
        """Reads the next request, of which much may be there already."""
        if self._has_ended and not self._buffer:
            self._close(lingers=False)
            return
        self._advance()
        self._read_on()
        self._count()

    def _refuse(self, status: int) -> None:
        """The server's own refusal; the rest of what the client sends is not read."""
        if self._job:
            self._job.take_back()
        self.busy, self._job, self._head, self._taken = False, None, None, 0
        self._write(answers.fixed(status))
        self._close(lingers=True)

    def _write(self, data: bytes) -> None:
        if self._transport and not self.is_gone:
            self._transport.write(data)

    def _close(self, *, lingers: bool) -> None:
        if self._transport is None:
            return
        self._buffer.clear()
        self._count()
        self._front.is_ending(self)
        self._wait(_TAKEN_WITHIN)
        if not lingers:
            self._transport.close()
            return
        self._is_lingering = True
        self._read_on()
        self._wait(_LINGERS)
        try:
            self._transport.write_eof()
        except OSError:  # the client has broken off just now
            self._transport.abort()

    # -------------------------------------------------------------------------------------------------- the limits

    def expire(self) -> None:
        """Its time is over: called by the front when `deadline` lies behind."""
        if self._transport is None or self._is_lingering or self._transport.is_closing():
            self.abort()
        elif self.busy:
            self._expire_queued()
        elif self._head or self._buffer:
            self._refuse(408)
        elif self._transport.get_write_buffer_size():
            self.abort()
        else:
            self._transport.close()

    def _expire_queued(self) -> None:
        if self._job and self._job.take_back():
            self._refuse(503)
        else:
            self.deadline = float("inf")  # a thread has it, and what that waits for is bounded there

    def rest_no_more(self) -> None:
        """Ends it if nothing of a request has been read: the service stops."""
        if not (self.busy or self._head or self._buffer or self._is_lingering) and self._transport:
            self._transport.close()

    def give_up(self) -> None:
        """Ends it, because all together hold too much memory."""
        if not self._is_paused:
            self._refuse(503)
            return
        self._forget()
        self.abort()  # a refusal would come to lie behind the answers that it does not take

    def abort(self) -> None:
        """Ends it now, whatever was on the way."""
        if self._transport:
            self._transport.abort()

    def _wait(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def _forget(self) -> None:
        self._is_paused, self._head, self._taken = False, None, 0
        self._buffer.clear()
        self._count()

    def _count(self) -> None:
        """Tells the front how many bytes this client costs now."""
        unsent = self._transport.get_write_buffer_size() if self._is_paused and self._transport else 0
        held = len(self._buffer) + self._taken + unsent
        if held != self._held:
            before, self._held = self._held, held
            self._front.hold(self, held, before)

    def _has_read_too_far(self) -> bool:
        return (self.busy or self._is_paused) and len(self._buffer) > _READ_AHEAD

    def _stop_reading_too_far(self) -> None:
        if self._has_read_too_far() and not self._ahead and self._transport:
            self._ahead = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if self._has_read_too_far():
            return  # attack: of a thousand requests sent ahead, each answer would let in 256 kB more
        if self._ahead and self._transport and not self._transport.is_closing():
            self._ahead = False
            self._transport.resume_reading()
