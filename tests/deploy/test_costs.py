"""docs/costs.md: what it says comes of its own figures, and these agree with templates and measurements."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cloudformation_templates import GIVEN, Filled, template
from documents.blocks import ROOT, blocks

PAGE = (ROOT / "docs" / "costs.md").read_text("utf-8")
COSTS: dict[str, Any] = runpy.run_path(str(ROOT / "deploy" / "costs.py"))
FIGURES: dict[str, float] = COSTS["figures_of"](PAGE)
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text("utf-8")


def printed(page: str) -> str:
    made: str = COSTS["tables"](page)
    return made


def totals(page: str) -> list[list[int]]:
    """The sums of each table, in order."""
    return [
        [int(one.replace(",", "")) for one in re.findall(r"\*\*([0-9,]+)\*\*", row)]
        for row in re.findall(r"^\| \*\*all\*\* .*$", printed(page), re.MULTILINE)
    ]


def changed(name: str, value: str) -> str:
    before = re.search(rf"^\| `{name}` \| [0-9.,]+ \|", PAGE, re.MULTILINE)
    assert before, name
    return PAGE.replace(before[0], f"| `{name}` | {value} |")


def test_what_the_page_shows_is_what_comes_of_its_figures() -> None:
    assert PAGE.partition("## What comes of it\n\n")[2] == printed(PAGE)


def test_the_command_of_the_page_works_on_a_copy(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copying, running = blocks()["docs/costs.md console 1"].commands
    there = f"cd {tmp_path} && ln -s {ROOT}/deploy {ROOT}/docs . && {copying} && {running}"
    subprocess.run(["sh", "-c", there], check=True, timeout=60)
    assert capfd.readouterr().out == printed(PAGE)


def test_every_figure_counts() -> None:
    # A figure that changes nothing would be one that a reader sets in vain.
    def with_more_people(page: str) -> str:
        # So many need the largest nodes, and send more than is free.
        return printed(page.replace("| people | 100, 10000, 100000 |", "| people | 100, 10000, 250000 |"))

    before = with_more_people(PAGE)
    idle = {name for name, value in FIGURES.items() if with_more_people(changed(name, str(value * 1.5))) == before}
    assert not idle


def test_a_dearer_part_makes_what_it_is_part_of_dearer_by_just_that() -> None:
    one, own, stacks = totals(PAGE)
    dearer = totals(changed("secret_month", str(FIGURES["secret_month"] + 20)))
    assert dearer == [one, own, [each + 20 * int(FIGURES["secrets"]) for each in stacks]]


def test_more_people_than_the_nodes_can_carry_are_told_and_not_guessed() -> None:
    with pytest.raises(ValueError, match="more nodes"):
        printed(PAGE.replace("| people | 100, 10000, 100000 |", "| people | 100, 10000, 10000000 |"))


def test_a_figure_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        printed(PAGE + "\n| `nat_gb` | 1 | again |\n")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("sign_ins_per_cpu_second", "sign-ins, 30 groups, PostgreSQL, 3 workers"),
        ("grants_per_cpu_second", "grants, PostgreSQL, 3 workers"),
    ],
)
def test_speeds_are_those_that_were_measured(name: str, row: str) -> None:
    (measured,) = re.findall(rf"^\| {row} \| (\d+) /CPU-s", PERFORMANCE, re.MULTILINE)
    assert FIGURES[name] == float(measured)


def test_people_do_what_the_page_of_sizes_assumes() -> None:
    sizing = (ROOT / "docs" / "sizing.md").read_text("utf-8")

    def told(row: str, cell: int = 0) -> float:
        (line,) = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", sizing, re.MULTILINE)
        return float(re.sub(r"[^0-9.]", "", line.split(" | ")[cell]))

    people, at_work = told("people"), told("of them at work with AWS on a working day")
    by_command_line = told("grants by command line a day, each with a new pair of tokens") / at_work
    assert {name: FIGURES[name] for name in ("at_work", "sign_ins", "grants", "working_days", "busiest_hour")} == {
        "at_work": at_work / people,
        "sign_ins": told("sign-ins of one of these a day"),
        "grants": told("grants of one of these a day"),
        "working_days": told("working days a year"),
        "busiest_hour": told("share of a day in its busiest hour") / 100,
    }
    assert FIGURES["renewals"] == pytest.approx(by_command_line, abs=0.005)
    assert FIGURES["pages_per_cpu_second"] == pytest.approx(1000 / told("pages of roles, with their list", 1), abs=0.5)
    assert f"a day of {FIGURES['audit_row']:,.0f} B each" in sizing
    (database,) = re.findall(r"^\| together \| \| \| ([0-9.]+) GB \|$", sizing, re.MULTILINE)
    assert FIGURES["person"] * people / 1e9 == pytest.approx(float(database), abs=0.05)


def test_the_busiest_hour_asks_for_the_processors_that_the_page_of_sizes_tells() -> None:
    sizing = " ".join((ROOT / "docs" / "sizing.md").read_text("utf-8").split())
    (minute,) = re.findall(r"\| together \| \| \| \| ([0-9.]+) cores", sizing)
    (times,) = re.findall(r"in times of that hour's mean \| (\d+) \|", sizing)
    hour = COSTS["work_of"](1_000_000, FIGURES).peak_cores
    # Milliseconds there, and what fits into a second here: rounded in two ways.
    assert hour * float(times) == pytest.approx(float(minute), rel=0.01)


def test_what_the_stack_consists_of_is_what_the_templates_make() -> None:
    made = [
        one for name in ("network", "database", "tasks", "service") for one in Filled(name, GIVEN).resources().values()
    ]
    kinds = [one["Type"] for one in made]
    group = Filled("service", GIVEN).resource("NodesOfService")["Properties"]
    scaling = Filled("database", GIVEN).resource("Cluster")["Properties"]["ServerlessV2ScalingConfiguration"]
    secrets = {each["ValueFrom"] for task in ("Node", "Migration") for each in _secrets(task)}
    assert {
        "nodes": FIGURES["nodes"],
        "zones": FIGURES["zones"],
        "alarms": FIGURES["alarms"],
        "metrics": FIGURES["metrics"],
        "secrets": FIGURES["secrets"],
        "least_units": FIGURES["least_units"],
        "seconds_between_checks": FIGURES["seconds_between_checks"],
        "days of log": FIGURES["log_months"] * 30,
    } == {
        "nodes": template("service")["Parameters"]["Nodes"]["Default"],
        "zones": kinds.count("AWS::EC2::NatGateway"),
        "alarms": kinds.count("AWS::CloudWatch::Alarm"),
        "metrics": kinds.count("AWS::Logs::MetricFilter"),
        "secrets": len({arn.removesuffix(":password::") for arn in secrets}),
        "least_units": scaling["MinCapacity"],
        "seconds_between_checks": group["HealthCheckIntervalSeconds"],
        "days of log": template("tasks")["Parameters"]["LogDays"]["Default"],
    }
    assert kinds.count("AWS::RDS::DBInstance") == 2


def _secrets(task: str) -> list[dict[str, str]]:
    described = Filled("tasks", GIVEN).resource(task)["Properties"]["ContainerDefinitions"]
    return [each for one in described for each in one["Secrets"]]


@pytest.mark.parametrize(("size", "processors"), [("small", 0.5), ("medium", 1.0), ("large", 2.0)])
def test_a_node_is_the_smallest_with_which_one_less_carries_the_busiest_hour(size: str, processors: float) -> None:
    written = template("tasks")["Mappings"]["Sizes"][size]
    assert (int(written["Cpu"]), int(written["Memory"])) == (processors * 1024, processors * 2048)
    work = COSTS["work_of"](9_000, FIGURES)
    assert COSTS["_size_of_node"](work, FIGURES | {"used_at_most": work.peak_cores / processors}) == processors
