"""One local AWS for a whole file; import it where it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from local_aws_factories import ServedAws, served


@pytest.fixture(scope="module")
def shared() -> Iterator[ServedAws]:
    with served() as made:
        yield made


def code_of(answer: requests.Response) -> str:
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return found[1] if found else ""
