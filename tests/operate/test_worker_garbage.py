"""The application of a worker lives as long as the worker: no collection of garbage walks it again."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

from federation_bridge.operate.serving.worker import _Worker


class MadeOnce:
    def __init__(self) -> None:
        self.application: Any = {"parts": [[] for _ in range(100)]}

    def make(self) -> Any:
        return self.application

    def stop(self) -> None:
        """Nothing was started."""


def is_looked_at(thing: object) -> bool:
    return any(one is thing for one in gc.get_objects())


def test_what_a_worker_made_is_passed_over_by_the_collector() -> None:
    work, opened = MadeOnce(), []
    assert is_looked_at(work.application["parts"])
    front: Any = SimpleNamespace(application=None, open=lambda: opened.append("open"))
    loop: Any = SimpleNamespace(call_soon_threadsafe=lambda call: call())
    post: Any = None
    _Worker(post, work)._make(front, loop, asyncio.Event())
    assert (front.application, opened) == (work.application, ["open"])
    assert not is_looked_at(work.application["parts"])
