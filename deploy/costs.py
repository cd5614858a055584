"""Prints what the bridge costs a month on paper, from the assumptions and prices of a page such as docs/costs.md.

`python3 deploy/costs.py docs/costs.md`: put other figures into a copy of the page and give that. Needs Python alone.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

HOURS = 730.0
"""Of a month, as AWS counts them."""
SECONDS_OF_HOUR = 3_600
MONTHS = 12
GB = 1_000_000_000
_FIGURE = re.compile(r"^\| `(\w+)` \| ([0-9][0-9.,]*) \|", re.MULTILINE)
_PEOPLE = re.compile(r"^\| people \| ([0-9, ]+\d) \|", re.MULTILINE)

Bill = dict[str, float]
"""US dollars a month, by what they are for."""


@dataclass(frozen=True)
class Work:
    """What so many people make of it in a month."""

    people: int
    sign_ins: float
    grants: float
    renewals: float
    """Of the tokens of command lines."""
    peak_cores: float
    """Processors that the bridge uses in the busiest hour."""
    database: float
    """GB of the database once it is as large as it gets."""
    log: float
    """GB that people write into the log."""
    sent: float
    """GB to people."""
    fetched: float
    """GB to and from AWS and identity providers."""
    requests: float


def figures_of(page: str) -> dict[str, float]:
    """Every figure of the page's tables by its name; ValueError for one that stands twice."""
    found = _FIGURE.findall(page)
    figures = {name: float(value.replace(",", "")) for name, value in found}
    if len(figures) < len(found):
        raise ValueError("a figure stands twice in the page")
    return figures


def work_of(people: int, figures: dict[str, float]) -> Work:
    """What this many people do in a month."""
    days = people * figures["at_work"] * figures["working_days"] / MONTHS
    sign_ins, grants, renewals = (days * figures[name] for name in ("sign_ins", "grants", "renewals"))
    of_a_sign_in = 1 / figures["sign_ins_per_cpu_second"] + 1 / figures["pages_per_cpu_second"]
    of_a_grant = 1 / figures["grants_per_cpu_second"]
    day_of_cpu = (sign_ins * of_a_sign_in + (grants + renewals) * of_a_grant) * MONTHS / figures["working_days"]
    rows = (
        sign_ins * figures["rows_of_sign_in"]
        + grants * figures["rows_of_grant"]
        + renewals * figures["rows_of_renewal"]
    )
    return Work(
        people,
        sign_ins,
        grants,
        renewals,
        peak_cores=day_of_cpu * figures["busiest_hour"] / SECONDS_OF_HOUR,
        database=(rows * figures["audit_months"] * figures["audit_row"] + people * figures["person"]) / GB,
        log=(sign_ins * figures["log_of_sign_in"] + (grants + renewals) * figures["log_of_grant"]) / GB,
        sent=(sign_ins * figures["sent_for_sign_in"] + (grants + renewals) * figures["sent_for_grant"]) / GB,
        fetched=(sign_ins + grants) * figures["fetched"] / GB,
        requests=sign_ins * figures["requests_of_sign_in"]
        + grants * figures["requests_of_grant"]
        + renewals * figures["requests_of_renewal"],
    )


def one_machine(work: Work, figures: dict[str, float]) -> Bill:
    """One machine with SQLite."""
    return {
        "machine": figures["machine_hour"] * HOURS,
        "disk": (figures["disk_of_system"] + work.database) * figures["disk_gb"],
        "public address": figures["address_hour"] * HOURS,
        "traffic to people": _sent(work, figures),
    }


def own_machines(work: Work, figures: dict[str, float]) -> Bill:
    """Three nodes on Kubernetes, and PostgreSQL with a standby."""
    disks = figures["nodes_of_kubernetes"] * figures["disk_of_system"]
    disks += 2 * (figures["disk_of_system"] + work.database)
    return {
        "machines of the nodes": figures["nodes_of_kubernetes"] * figures["machine_hour"] * HOURS,
        "machines of PostgreSQL": 2 * figures["database_machine_hour"] * HOURS,
        "disks": disks * figures["disk_gb"],
        "public addresses": 2 * figures["address_hour"] * HOURS,
        "traffic to people": _sent(work, figures),
    }


def cloudformation(work: Work, figures: dict[str, float]) -> Bill:
    """The stacks of deploy/cloudformation."""
    nodes = figures["nodes"]
    cpu = _size_of_node(work, figures)
    memory = cpu * 2
    checks = nodes * figures["zones"] * HOURS * SECONDS_OF_HOUR / figures["seconds_between_checks"]
    log = work.log + checks * figures["log_of_check"] / GB
    units = figures["least_units"] + work.people / figures["people_of_a_unit"]
    writes = (work.sign_ins + work.grants + work.renewals) * figures["writes"]
    return {
        "nodes (Fargate)": nodes * HOURS * (cpu * figures["fargate_cpu_hour"] + memory * figures["fargate_gb_hour"]),
        "database, capacity (Aurora)": 2 * units * HOURS * figures["aurora_unit_hour"],
        "database, storage": work.database * figures["aurora_gb"],
        "database, reads and writes": writes / 1_000_000 * figures["aurora_million_io"],
        "load balancer": HOURS * figures["balancer_hour"]
        + work.requests / figures["requests_of_unit"] * figures["balancer_unit_hour"],
        "NAT gateways": figures["zones"] * HOURS * figures["nat_hour"] + work.fetched * figures["nat_gb"],
        "public addresses": 2 * figures["zones"] * HOURS * figures["address_hour"],
        "log": log * (figures["log_gb"] + figures["log_months"] * figures["log_kept_gb"]),
        "secrets": figures["secrets"] * figures["secret_month"],
        "alarms and their metrics": figures["alarms"] * figures["alarm_month"]
        + figures["metrics"] * figures["metric_month"],
        "traffic to people": _sent(work, figures),
    }


def _size_of_node(work: Work, figures: dict[str, float]) -> float:
    """Processors of a node: the smallest with which one node less still carries the busiest hour."""
    for size in (0.5, 1.0, 2.0):
        if work.peak_cores <= size * figures["used_at_most"] * (figures["nodes"] - 1):
            return max(size, 1.0) if work.people > figures["people_of_small_nodes"] else size
    raise ValueError("these people need more nodes than `nodes` says")


def _sent(work: Work, figures: dict[str, float]) -> float:
    return max(0.0, work.sent - figures["sent_free"]) * figures["sent_gb"]


def tables(page: str) -> str:
    """The results as Markdown."""
    figures = figures_of(page)
    found = _PEOPLE.search(page)
    if found is None:
        raise ValueError("the page does not say for how many people")
    works = [work_of(int(count), figures) for count in found[1].replace(" ", "").split(",")]
    lines = [_row("people", [f"{work.people:,}" for work in works]), _row("---", ["---:"] * len(works))]
    lines.append(_row("sign-ins a month", [f"{work.sign_ins:,.0f}" for work in works]))
    lines.append(_row("grants a month", [f"{work.grants:,.0f}" for work in works]))
    lines.append(_row("renewals of tokens a month", [f"{work.renewals:,.0f}" for work in works]))
    lines.append(_row("processors in the busiest hour", [f"{work.peak_cores:.4f}" for work in works]))
    lines.append(_row("database, GB", [f"{work.database:,.2f}" for work in works]))
    lines.append(_row("log, GB a month", [f"{work.log:,.2f}" for work in works]))
    for title, bill_of in (
        ("One machine with SQLite", one_machine),
        ("Kubernetes or compose on machines of your own", own_machines),
        ("The CloudFormation stacks", cloudformation),
    ):
        bills = [bill_of(work, figures) for work in works]
        lines += ["", f"### {title}", "", _row("US dollars a month", [f"{work.people:,} people" for work in works])]
        lines.append(_row("---", ["---:"] * len(works)))
        lines += [_row(name, [f"{bill[name]:,.2f}" for bill in bills]) for name in bills[0]]
        totals = [sum(bill.values()) for bill in bills]
        lines.append(_row("**all**", [f"**{total:,.0f}**" for total in totals]))
        each = [total / work.people for total, work in zip(totals, works, strict=True)]
        lines.append(_row("for each person", [f"{one:,.4f}" for one in each]))
    return "\n".join(lines) + "\n"


def _row(name: str, values: list[str]) -> str:
    return f"| {name} | {' | '.join(values)} |"


if __name__ == "__main__":
    sys.stdout.write(tables(Path(sys.argv[1]).read_text(encoding="utf-8")))
