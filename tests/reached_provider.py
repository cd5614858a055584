"""An account's SAML provider that needs no AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from databases import HeldClock

from federation_bridge.aws.account_access import Unanswered
from federation_bridge.aws.provider_check import RealSamlProvider
from federation_bridge.model import Account


@dataclass
class Iam:
    """A provider that tells what a test wants: by turns what is in `answers`, else what it holds."""

    clock: HeldClock
    metadata: str
    answers: list[str | Unanswered] = field(default_factory=list)
    refuses: Unanswered | None = None
    done: list[str] = field(default_factory=list)
    while_read: Callable[[], object] = lambda: None

    def read(self) -> RealSamlProvider:
        self.done.append("read")
        self.while_read()
        answer = self.answers.pop(0) if self.answers else self.metadata
        if isinstance(answer, Unanswered):
            raise answer
        return RealSamlProvider(answer, self.clock())

    def update(self, metadata: str) -> None:
        self.done.append("update")
        if self.refuses is not None:
            raise self.refuses
        self.metadata = metadata

    @contextmanager
    def reach(self, _: Account) -> Iterator[Iam]:
        yield self
