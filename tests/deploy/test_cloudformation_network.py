"""deploy/cloudformation: the network opens what is written here, and the database is closed, sealed and kept."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Any

import pytest
from cloudformation_templates import FULL, GIVEN, NAMES, Filled, template

# ---------------------------------------------------------------------------------------------------------- network


OPENINGS = {
    ("service BalancerGroup", "in", "443", "0.0.0.0/0"),
    ("service BalancerGroup", "out", "8400", "sg-2"),
    ("service FromBalancer", "in", "8400", "<BalancerGroup>"),
    ("service FromPrometheus", "in", "8400", "10.64.8.0/24"),
    ("tasks NodeGroup", "out", "443", "0.0.0.0/0"),
    ("tasks NodeGroup", "out", "587", "0.0.0.0/0"),
    ("database DatabaseGroup", "out", "all", "127.0.0.1/32"),
    ("database ClientGroup", "out", "5432", "<DatabaseGroup>"),
    ("database FromClients", "in", "5432", "<ClientGroup>"),
}
"""Every opening of every security group: whose, which way, the port, and to whom."""


def _opening(owner: str, way: str, rule: dict[str, Any]) -> tuple[str, str, str, str]:
    assert rule.get("FromPort") == rule.get("ToPort"), "one port, no range"
    port = "all" if rule["IpProtocol"] == "-1" else str(rule["FromPort"])
    to = {rule[name] for name in ("CidrIp", "SourceSecurityGroupId", "DestinationSecurityGroupId") if name in rule}
    assert rule["Description"] and len(to) == 1
    return owner, way, port, to.pop()


def test_security_groups_open_what_is_written_here_and_no_more() -> None:
    found = set()
    for name in NAMES:
        filled = Filled(name, FULL)
        for label, one in filled.resources("AWS::EC2::SecurityGroup").items():
            # Without a list of its own a group may call everything.
            assert one["Properties"]["SecurityGroupEgress"], label
            found |= {_opening(f"{name} {label}", "out", rule) for rule in one["Properties"]["SecurityGroupEgress"]}
            listed = one["Properties"].get("SecurityGroupIngress", [])
            found |= {_opening(f"{name} {label}", "in", rule) for rule in listed}
        for label, one in filled.resources("AWS::EC2::SecurityGroupIngress").items():
            found.add(_opening(f"{name} {label}", "in", one["Properties"]))
        assert not filled.resources("AWS::EC2::SecurityGroupEgress")
    assert found == OPENINGS


def test_the_world_reaches_the_load_balancer_alone() -> None:
    assert {owner for owner, way, _, whom in OPENINGS if way == "in" and whom == "0.0.0.0/0"} == {
        "service BalancerGroup"
    }
    service = Filled("service", GIVEN)
    assert not service.resources("AWS::EC2::SecurityGroupIngress").keys() - {"FromBalancer"}
    network = service.resource("Service")["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert (network["AssignPublicIp"], network["Subnets"]) == ("DISABLED", ["subnet-3", "subnet-4"])
    subnets = Filled("network", {}).resources("AWS::EC2::Subnet").values()
    assert {one["Properties"]["MapPublicIpOnLaunch"] for one in subnets} == {False}
    assert {one["Properties"]["AvailabilityZone"] for one in subnets} == {"zone-a", "zone-b"}


@pytest.mark.parametrize("network", ["10.64.0.0/16", "192.168.4.0/22"])
def test_subnets_have_room_and_share_no_address(network: str) -> None:
    parameters = template("network")["Parameters"]["NetworkRange"]
    assert re.fullmatch(parameters["AllowedPattern"], network)
    made = Filled("network", {"NetworkRange": network}).resources("AWS::EC2::Subnet")
    ranges = {label: IPv4Network(one["Properties"]["CidrBlock"]) for label, one in made.items()}
    assert len(set(ranges.values())) == len(ranges) == 4
    most = template("service")["Parameters"]["Nodes"]["MaxValue"]
    for each in ranges.values():
        # While nodes are replaced there are twice as many, and the other zone may be gone. AWS keeps five for itself.
        assert each.subnet_of(IPv4Network(network)) and each.num_addresses - 5 >= 2 * most
    told = Filled("network", {"NetworkRange": network}).value(template("network")["Outputs"]["PublicRanges"]["Value"])
    assert told == "<PublicSubnetA.CidrBlock>,<PublicSubnetB.CidrBlock>"


def test_each_zone_goes_out_by_itself_unless_that_is_given_up() -> None:
    both, one = (Filled("network", {"NatInEachZone": word}).resources("AWS::EC2::Route") for word in ("yes", "no"))
    ways = [[route["Properties"].get("NatGatewayId") for route in routes.values()] for routes in (both, one)]
    assert ways == [[None, "<NatA>", "<NatB>"], [None, "<NatA>", "<NatA>"]]


# --------------------------------------------------------------------------------------------------------- database


def test_the_database_is_closed_sealed_and_kept() -> None:
    database = Filled("database", GIVEN)
    cluster = database.resource("Cluster")["Properties"]
    assert (cluster["StorageEncrypted"], cluster["DeletionProtection"], cluster["ManageMasterUserPassword"]) == (
        True,
    ) * 3
    assert cluster["BackupRetentionPeriod"] >= 7
    parameters = database.resource("Parameters")["Properties"]
    assert parameters["Parameters"] == {"rds.force_ssl": "1"}
    assert parameters["Family"] == f"aurora-postgresql{cluster['EngineVersion'].partition('.')[0]}"
    instances = database.resources("AWS::RDS::DBInstance").values()
    assert len(instances) == 2
    assert {one["Properties"]["PubliclyAccessible"] for one in instances} == {False}


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ({"RestoreToTime": "2026-11-29T10:00:00Z"}, {"RestoreToTime": "2026-11-29T10:00:00Z"}),
        ({}, {"UseLatestRestorableTime": True}),
    ],
    ids=["instant", "latest"],
)
def test_a_stack_that_restores_copies_and_names_nothing_anew(given: dict[str, str], how: dict[str, Any]) -> None:
    whole = Filled("database", GIVEN).resource("Cluster")["Properties"]
    assert (whole["DatabaseName"], whole["MasterUsername"]) == ("bridge", "bridge_owner")
    copy = Filled("database", GIVEN | {"RestoreFromCluster": "bridge-1"} | given).resource("Cluster")["Properties"]
    assert copy.keys() - whole.keys() == {"SourceDBClusterIdentifier", *how}
    assert whole.keys() - copy.keys() == {"DatabaseName", "MasterUsername"}
    assert copy.items() >= how.items()


def test_with_a_key_of_ones_own_everything_of_the_database_lies_under_it() -> None:
    database = Filled("database", FULL)
    cluster = database.resource("Cluster")["Properties"]
    found = [cluster["KmsKeyId"], cluster["MasterUserSecret"]["KmsKeyId"]]
    found.append(database.resource("BridgePassword")["Properties"]["KmsKeyId"])
    assert found == [FULL["EncryptionKeyArn"]] * 3
