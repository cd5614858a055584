"""deploy/cloudformation: nodes stop as the load balancer expects, and alarms say what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cloudformation_tasks import containers, written
from cloudformation_templates import FULL, GIVEN, Filled
from documents.blocks import ROOT

from federation_bridge.aws_clients import sso_portal
from federation_bridge.operate.serving.connection import KEPT_OPEN
from federation_bridge.settings import Settings, load_settings

LONGEST_OF_FARGATE = 120

# ---------------------------------------------------------------------------------------------------------- stopping


def served(tmp_path: Path) -> tuple[Settings, dict[str, str], dict[str, Any]]:
    """The settings, the attributes of balancer and target group by key, and the target group."""
    service = Filled("service", GIVEN)
    group = service.resource("NodesOfService")["Properties"]
    balancer = service.resource("Balancer")["Properties"]
    pairs = [*balancer["LoadBalancerAttributes"], *group["TargetGroupAttributes"]]
    settings = load_settings(written(tmp_path, "Node") / "federation-bridge.yaml")
    return settings, {one["Key"]: one["Value"] for one in pairs}, group


def test_a_node_has_the_time_that_it_takes_to_stop(tmp_path: Path) -> None:
    settings, attributes, _ = served(tmp_path)
    takes = (settings.serving.drain_time + settings.serving.shutdown_timeout).total_seconds()
    assert takes + 5 < containers("Node")["bridge"]["StopTimeout"] <= LONGEST_OF_FARGATE
    assert int(attributes["deregistration_delay.timeout_seconds"]) >= takes


def test_the_load_balancer_closes_a_resting_connection_before_the_bridge_does(tmp_path: Path) -> None:
    _, attributes, _ = served(tmp_path)
    assert int(attributes["idle_timeout.timeout_seconds"]) <= KEPT_OPEN - 10


def test_the_load_balancer_lets_the_token_of_stock_aws_clients_through(tmp_path: Path) -> None:
    _, attributes, _ = served(tmp_path)
    # What a load balancer takes for a valid name of a header.
    assert not re.fullmatch(r"[-A-Za-z0-9]+", sso_portal._HEADER)
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "false"
    assert attributes["routing.http.xff_header_processing.mode"] == "append"


def test_a_node_that_is_not_ready_gets_no_people_and_is_not_replaced_while_the_database_changes_over(
    tmp_path: Path,
) -> None:
    _, _, group = served(tmp_path)
    assert group["HealthCheckPath"] == "/readyz"
    assert group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"] >= 30
    assert group["Port"] == containers("Node")["bridge"]["PortMappings"][0]["ContainerPort"]


def test_the_service_never_has_fewer_nodes_than_before_and_goes_back_by_itself() -> None:
    service = Filled("service", GIVEN).resource("Service")["Properties"]
    assert service["DesiredCount"] >= 2
    deployment = service["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_only_the_bridges_host_is_passed_on_and_never_its_metrics() -> None:
    service = Filled("service", GIVEN)
    rules = sorted(
        (one["Properties"] for one in service.resources("AWS::ElasticLoadBalancingV2::ListenerRule").values()),
        key=lambda rule: int(rule["Priority"]),
    )
    asked = [(rule["Conditions"][0]["Field"], rule["Actions"][0]["Type"]) for rule in rules]
    assert asked == [("path-pattern", "fixed-response"), ("host-header", "forward")]
    listener = service.resource("Listener")["Properties"]
    assert (listener["Port"], listener["Protocol"], listener["DefaultActions"][0]["Type"]) == (
        443,
        "HTTPS",
        "fixed-response",
    )
    assert len(service.resources("AWS::ElasticLoadBalancingV2::Listener")) == 1


def test_a_limit_is_for_sign_ins_alone_and_there_only_where_somebody_said_how_many() -> None:
    assert not Filled("service", GIVEN).resources("AWS::WAFv2::WebACL")
    made = Filled("service", GIVEN | {"MostSignInsOfAnAddress": "500"})
    assert made.resource("LimitOfBalancer")["Properties"]["ResourceArn"] == "<Balancer>"
    acl = made.resources("AWS::WAFv2::WebACL")["Limit"]["Properties"]
    assert acl["DefaultAction"] == {"Allow": {}}
    (rule,) = acl["Rules"]
    limit = rule["Statement"]["RateBasedStatement"]
    assert (limit["AggregateKeyType"], limit["Limit"], limit["EvaluationWindowSec"]) == ("IP", "500", 300)
    paths = [
        one["ByteMatchStatement"]["SearchString"] for one in limit["ScopeDownStatement"]["OrStatement"]["Statements"]
    ]
    pages = "\n".join(path.read_text("utf-8") for path in (ROOT / "federation_bridge" / "web" / "pages").glob("*.py"))
    for path in paths:
        assert f'("{path}' in pages, path


# ----------------------------------------------------------------------------------------------------------- alarms


def test_alarms_look_for_lines_that_the_bridge_writes() -> None:
    product = "\n".join(path.read_text("utf-8") for path in (ROOT / "federation_bridge").rglob("*.py"))
    logged = set(re.findall(r"_log\.\w+\(\s*\"([^\"]+)\"", product)) | {"has ended", "ends soon"}
    filters = Filled("tasks", GIVEN).resources("AWS::Logs::MetricFilter").values()
    patterns = [one["Properties"]["FilterPattern"] for one in filters]
    sought = [event for pattern in patterns for event in re.findall(r'\$\.event = "([^"]+)"', pattern)]
    assert len(sought) >= 5
    for event in sought:
        assert any(re.fullmatch(re.escape(event).replace(r"\*", ".*"), one) for one in logged), event
    assert '"ends soon" if threshold else "has ended"' in product


@pytest.mark.parametrize("name", ["database", "tasks", "service"])
def test_every_alarm_says_what_to_do_and_goes_where_it_was_told(name: str) -> None:
    quiet, told = (Filled(name, given).resources("AWS::CloudWatch::Alarm") for given in (GIVEN, FULL))
    assert quiet
    for label, alarm in told.items():
        assert alarm["Properties"]["AlarmActions"] == [FULL["AlarmTopicArn"]]
        assert len(alarm["Properties"]["AlarmDescription"]) > 40
        assert "AlarmActions" not in quiet[label]["Properties"]
