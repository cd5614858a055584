"""The example company for stories: people, identity provider, AWS accounts and the bridge, all on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from federation_bridge.audit import AuditQuery
from federation_bridge.operate import audit_query
from federation_bridge.sandbox.company import Company, open_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, shared by the stories of a module: a story that changes anything takes `own_company`."""
    with open_company(tmp_path_factory.mktemp("company"), in_this_process=True) as opened:
        yield opened


@pytest.fixture
def own_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company of this story's own."""
    with open_company(tmp_path_factory.mktemp("company"), in_this_process=True) as opened:
        yield opened


@pytest.fixture
def trail() -> Any:
    """Reads the audit file of a company, oldest first, or what the operator's command finds of a reference number."""

    def read(company: Company, reference: str = "") -> list[dict[str, Any]]:
        if reference:
            found = audit_query.lines(company.settings, AuditQuery(reference=reference), most=100)
            return [json.loads(line) for line in found][::-1]
        return [json.loads(line) for line in (company.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()]

    return read


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Whether something comes to hold: the bridge looks at its files at most once a second."""

    def comes_to_hold(holds: Callable[[], bool]) -> bool:
        give_up_at = time.monotonic() + 60
        while not holds():
            if time.monotonic() > give_up_at:
                return False
            threading.Event().wait(0.05)
        return True

    return comes_to_hold
