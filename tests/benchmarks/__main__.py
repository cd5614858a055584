"""`python -m tests.benchmarks`: speed and memory as one table, each value beside its yardstick from the same run.

Slowness is told and never an error; the exit status is 1 when something that is measured does not work.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from federation_bridge.sandbox.identity_provider.saml_message import Signer, make_signer
from tests.benchmarks import audit, grant, live_grants, local_aws, rules, sign_in, throughput
from tests.benchmarks.bridge import Browser, make_place, served
from tests.benchmarks.processes import DoesNotWork, child_of, memory_of, python, running
from tests.benchmarks.table import Row, markdown, median
from tests.free_ports import free_port
from tests.postgresql import Server, running_postgresql

_STARTS = 3


def main() -> int:
    began = time.perf_counter()
    signer = make_signer()
    try:
        with tempfile.TemporaryDirectory() as folder, running_postgresql() as postgresql:
            rows = _rows(Path(folder), signer, postgresql)
            command_line, endings, portal = imported_late()
            ended = Path(folder) / "ended"
            ended.mkdir()
            rows += endings.measure(ended, signer, postgresql)
            rows += portal.rows()
        terminal = command_line.rows()
    except DoesNotWork as problem:
        sys.stderr.write(f"does not work: {problem}\n")
        return 1
    sys.stdout.write(f"{markdown(rows)}\n\n| fedbridge | measured |\n| --- | --- |\n")
    sys.stdout.writelines(f"| {what} | {figure} |\n" for what, figure in terminal)
    sys.stdout.write(f"\n{time.perf_counter() - began:.0f} s in all; medians.\n")
    return 0


def imported_late() -> tuple[Any, Any, Any]:
    """What loads our connectors, which would change the stock library that is a yardstick of others."""
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it: modules of tests name each other so
    from tests.benchmarks import command_line, endings, portal  # noqa: PLC0415 - each imports what it measures

    return command_line, endings, portal


def _rows(folder: Path, signer: Signer, postgresql: Server) -> list[Row]:
    sts_port = free_port()
    sts = python("-m", "tests.benchmarks.answering_sts", str(sts_port), grant.assumed_role_arn())
    with running(sts, sts_port, "/", folder / "sts.log"):
        rows = [
            *_bridge_rows(folder / "sqlite", signer, sts_port, None),
            *_bridge_rows(folder / "postgresql", signer, sts_port, postgresql),
        ]
    asked = [row for server in (None, postgresql) for row in audit.measure(folder / "audit", server)]
    alive = [row for server in (None, postgresql) for row in live_grants.measure(folder / "ledger", server)]
    return [*rows, *asked, *alive, *rules.measure(), *local_aws.measure(folder, signer)]


def _bridge_rows(folder: Path, signer: Signer, sts_port: int, postgresql: Server | None) -> list[Row]:
    where = "SQLite" if postgresql is None else "PostgreSQL"
    place = make_place(folder, signer, sts_port, postgresql)
    starts = []
    for _ in range(_STARTS):
        with served(place) as (_, seconds):
            starts.append(seconds)
    with served(place) as (process, _):
        browser = Browser(place)
        rows = [sign_in.measure(place, browser, signer, groups, where) for groups in (30, 150)]
        rows.append(grant.measure(browser, signer, sts_port, where))
        memory = memory_of(child_of(process))
        browser.close()
    for workers in (1, 3):
        rows += throughput.measure(place, signer, sts_port, where, workers)
    if postgresql is None:
        rows += throughput.beside_simplesamlphp(place, signer, where)
    else:
        rows += throughput.round_trips(place, signer, postgresql)
    return [
        *rows,
        Row(f"start-up until ready, {where}", median(starts), "s", most=2.0),
        Row(f"memory of a worker, resident (RSS), {where}", memory["Rss"], "MB", most=160),
        Row(f"memory of a worker, its share (PSS), {where}", memory["Pss"], "MB", most=160),
    ]


if __name__ == "__main__":
    sys.exit(main())
