"""Stock AWS clients, unmodified, each in a fresh home, against the real server and the local AWS."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cli import unpacked
from company_factories import company_at

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser

sys.path.insert(0, str(Path(__file__).parent))

from real_clients.real_client_factories import Clients, Home
from real_clients.tls_front import Front, tls_front


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, its bridge in a process of its own as an operator starts it."""
    with company_at(tmp_path_factory.mktemp("company")) as opened:
        yield opened


@pytest.fixture(scope="module")
def front(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with tls_front(int(company.bridge.rpartition(":")[2]), tmp_path_factory.mktemp("front")) as up:
        yield up


@pytest.fixture(scope="session")
def cli() -> AwsCli:
    return unpacked(2)


@pytest.fixture(scope="session")
def cli_v1() -> AwsCli:
    return unpacked(1)


@pytest.fixture(scope="session")
def clients(cli: AwsCli, cli_v1: AwsCli) -> Clients:
    return Clients(cli, cli_v1)


@pytest.fixture
def home(tmp_path: Path, company: Company, front: Front) -> Home:
    return Home(tmp_path / "home", company, front)


@pytest.fixture
def ada(company: Company) -> ScriptedUser:
    """A person who is signed in at her browser."""
    scripted_user = ScriptedUser(company, "ada")
    scripted_user.sign_in()
    return scripted_user
