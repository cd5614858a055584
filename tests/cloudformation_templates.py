"""The templates of deploy/cloudformation, read and filled in as CloudFormation would do it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "deploy" / "cloudformation"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
PARTITIONS = {"aws": "eu-central-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""A region of each partition for which the templates are meant."""
_SUFFIXES = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}
_NO_VALUE = object()
_OF_VALUES: dict[str, Callable[[Any], Any]] = {
    "Fn::Join": lambda given: given[0].join(str(one) for one in given[1]),
    "Fn::Select": lambda given: given[1][int(given[0])],
    "Fn::Split": lambda given: str(given[1]).split(given[0]),
    "Fn::Equals": lambda given: given[0] == given[1],
    "Fn::Not": lambda given: not given[0],
    "Fn::GetAZs": lambda _: ["zone-a", "zone-b", "zone-c"],
    # The last one is how many bits an address has within a part.
    "Fn::Cidr": lambda given: [
        str(part) for part in list(ip_network(given[0]).subnets(new_prefix=32 - given[2]))[: given[1]]
    ],
}
"""Functions of values that are filled in already."""


class _Short(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's functions (`!Ref`), which become the long ones."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Short.add_multi_constructor("!", _function)


@cache
def template(name: str) -> dict[str, Any]:
    """A template with its functions in their long form; to be read only."""
    document: dict[str, Any] = yaml.load(text(name), Loader=_Short)
    return document


def text(name: str) -> str:
    """A template as it stands in its file."""
    return (FOLDER / f"{name}.yaml").read_text("utf-8")


def resources(name: str, kind: str) -> dict[str, dict[str, Any]]:
    """The resources of this type, by their logical names, as they are written."""
    return {label: one for label, one in template(name)["Resources"].items() if one["Type"] == kind}


@dataclass(frozen=True)
class Filled:
    """A template with its parameters filled in, for one partition."""

    name: str
    parameters: Mapping[str, Any]
    partition: str = "aws"

    def resource(self, label: str) -> dict[str, Any]:
        """A resource as CloudFormation would make it: a reference to another becomes `<Name>` or `<Name.Attribute>`."""
        found: dict[str, Any] = self.value(template(self.name)["Resources"][label])
        return found

    def resources(self, kind: str = "") -> dict[str, dict[str, Any]]:
        """All resources (of this type) whose condition holds."""
        return {
            label: self.resource(label)
            for label, one in template(self.name)["Resources"].items()
            if kind in ("", one["Type"]) and ("Condition" not in one or self._holds(one["Condition"]))
        }

    def value(self, written: Any) -> Any:
        """What something that is written in the template becomes."""
        if isinstance(written, list):
            return [made for one in written if (made := self.value(one)) is not _NO_VALUE]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            ((function, given),) = written.items()
            if (function in ("Ref", "Condition") and isinstance(given, str)) or function.startswith("Fn::"):
                return self._called(function, given)
        made = {name: self.value(one) for name, one in written.items()}
        return {name: one for name, one in made.items() if one is not _NO_VALUE}

    def _called(self, function: str, given: Any) -> Any:
        if function == "Fn::If":
            return self.value(given[1 if self._holds(given[0]) else 2])
        as_it_stands: dict[str, Callable[[Any], Any]] = {
            "Ref": self._named,
            "Fn::Sub": self._substituted,
            "Condition": self._holds,
            "Fn::And": lambda all_of: all(self.value(one) for one in all_of),
            "Fn::GetAtt": lambda at: f"<{'.'.join(at)}>",
            "Fn::FindInMap": lambda at: template(self.name)["Mappings"][at[0]][self.value(at[1])][at[2]],
        }
        if function in as_it_stands:
            return as_it_stands[function](given)
        assert function in _OF_VALUES, f"the tests do not know {function}"
        return _OF_VALUES[function](self.value(given))

    def _named(self, name: str) -> Any:
        known: dict[str, Any] = {
            "AWS::Partition": self.partition,
            "AWS::URLSuffix": _SUFFIXES[self.partition],
            "AWS::Region": PARTITIONS[self.partition],
            "AWS::AccountId": "111122223333",
            "AWS::StackName": "bridge",
            "AWS::NoValue": _NO_VALUE,
        }
        if name in known:
            return known[name]
        declared = template(self.name).get("Parameters", {})
        if name not in declared:
            assert name in template(self.name)["Resources"], name
            return f"<{name}>"
        given = self.parameters.get(name, declared[name].get("Default"))
        assert given is not None, f"{name} was not given"
        is_list = declared[name]["Type"].startswith("List<") or declared[name]["Type"] == "CommaDelimitedList"
        return str(given).split(",") if is_list and not isinstance(given, list) else given

    def _substituted(self, given: Any) -> str:
        pattern, extra = (given, {}) if isinstance(given, str) else given

        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in extra:
                return str(self.value(extra[name]))
            return f"<{name}>" if "." in name else str(self._named(name))

        return re.sub(r"\$\{([^}]+)\}", put, pattern)

    def _holds(self, condition: str) -> bool:
        return bool(self.value(template(self.name)["Conditions"][condition]))


def statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, with actions and resources as lists."""
    found = []
    for one in document["Statement"]:
        lists = {
            name: [one[name]] if isinstance(one[name], str) else one[name]
            for name in ("Action", "Resource")
            if name in one
        }
        found.append(one | lists)
    return found


def _secret(name: str) -> str:
    return f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}-Ab1Cd2"


GIVEN: dict[str, str] = {
    "NetworkId": "vpc-1",
    "PublicSubnets": "subnet-1,subnet-2",
    "PublicRanges": "10.64.0.0/22,10.64.4.0/22",
    "PrivateSubnets": "subnet-3,subnet-4",
    "HostName": "aws.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/0",
    "IssuerHostName": "issuer.example.com",
    "IssuerCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/0",
    "Connections": '{"corp": {"protocol": "oidc", "preset": "okta", "title": "Corp", "issuer": "https://corp.example.com",'
    ' "client_id": "bridge", "client_secret": {"environment": "SECRET_1"}}}',
    "MoreSettings": "portal: {name: Example}\nsessions: {idle: 30m}",
    "Repository": "federation-bridge",
    "ImageDigest": "sha256:" + "0" * 64,
    "DatabaseHost": "bridge.cluster-x.eu-central-1.rds.amazonaws.com",
    "DatabaseClientGroup": "sg-1",
    "OwnerPasswordArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!cluster-0-Ab1Cd2",
    "BridgePasswordArn": _secret("password"),
    "SealingKeyArn": _secret("sealing-key"),
    "DatabaseCertificatesArn": _secret("certificates"),
    "Secret1Arn": _secret("client-1"),
    "ClusterName": "bridge-Cluster",
    "NodeTask": "arn:aws:ecs:eu-central-1:111122223333:task-definition/bridge-node:7",
    "NodeSecurityGroup": "sg-2",
}
"""Parameters as an operator gives them, one file for all templates."""
FULL = GIVEN | {
    "AwsIssuer": "https://issuer.example.com",
    "EncryptionKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/0",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:111122223333:alarms",
    "MetricsRange": "10.64.8.0/24",
    "Secret2Arn": _secret("client-2"),
    "Secret3Arn": _secret("mail"),
    "MailPort": "587",
}
"""The same, with everything that may be left out."""
