"""deploy/prometheus and deploy/grafana: every expression is one, and asks for what the bridge tells."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml
from documents.blocks import ROOT

from federation_bridge.audit import EVENTS
from federation_bridge.aws.breaker import State
from federation_bridge.model import RevocationState
from federation_bridge.web.observe import metrics

ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "federation-bridge.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
GAUGES = {value[0]: value[2] for value in vars(metrics).values() if isinstance(value, tuple) and len(value) == 3}
FAMILIES = {family.name: family._labels for family in metrics.FAMILIES}
HISTOGRAMS = {family.name: family._labels for family in metrics.FAMILIES if family.kind == "histogram"}
TOLD = {
    **{name: labels for name, labels in (FAMILIES | GAUGES).items() if name not in HISTOGRAMS},
    **{f"{name}_bucket": (*labels, "le") for name, labels in HISTOGRAMS.items()},
    **{f"{name}_{end}": labels for name, labels in HISTOGRAMS.items() for end in ("sum", "count")},
    "up": (),
}
"""What can be asked of Prometheus about the bridge, with its labels."""
OF_PROMETHEUS = {"job", "instance", "__name__"}
KNOWN = {
    "event": set(EVENTS),
    "state": {*State, *RevocationState},
    "result": {
        "finished",
        "sent",
        "retried",
        "given_up",
        *(name.partition(".")[2] for name in EVENTS if name.startswith("grant.")),
    },
}
"""Values that a label may be compared with, where they are ours."""


def expressions() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in PANELS:
        for target in panel["targets"]:
            # What Grafana puts in before it asks.
            asked = target["expr"].replace("$__rate_interval", "5m").replace("$job", "federation-bridge")
            yield pytest.param(asked, id=f"{panel['title']} {target['refId']}")


def selected_by(tree: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    """All the series that an expression selects."""
    found: list[promql_parser.VectorSelector] = []

    def look(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(tree, look)
    return found


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_asks_for_what_the_bridge_tells(expression: str) -> None:
    found = selected_by(promql_parser.parse(expression))
    assert found
    for selected in found:
        assert selected.name in TOLD
        for matcher in selected.matchers.matchers:
            assert matcher.name in {*TOLD[selected.name], *OF_PROMETHEUS}
            for value in re.split(r"\|", matcher.value):
                known = KNOWN.get(matcher.name, set())
                assert matcher.name not in KNOWN or value in known, value
    of_by = {name.strip() for names in re.findall(r"by \(([^)]*)\)", expression) for name in names.split(",")}
    told = {label for selected in found for label in TOLD[selected.name]}
    assert of_by <= told | OF_PROMETHEUS


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert all(text.endswith(".") for text in rule["annotations"].values())
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))


def test_what_keeps_everybody_out_or_waits_for_a_yes_has_an_alert() -> None:
    gauges = {"bridge_restore_waits", "bridge_open_incidents", "bridge_metadata_waits", "bridge_rulebook_emergencies"}
    assert gauges <= set(GAUGES)
    asked = {found.name for rule in RULES for found in selected_by(promql_parser.parse(rule["expr"]))}
    assert gauges <= asked


def test_the_panels_of_the_dashboard_are_told_apart_and_cover_nothing() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for one, other in itertools.combinations([panel["gridPos"] for panel in DASHBOARD["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "job"]


def test_the_page_names_every_metric_with_its_labels() -> None:
    shown = re.findall(r"^\| `(bridge_[a-z_]+)(?:\{([a-z_,]*)\})?` \|", PAGE, re.MULTILINE)
    assert {name: tuple(filter(None, labels.split(","))) for name, labels in shown} == FAMILIES | GAUGES
    assert len(shown) == len({name for name, _ in shown})
