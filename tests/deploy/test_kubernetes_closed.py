"""deploy/kubernetes: pods are as restricted as they can be, and the network is closed but for what is named."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import pytest
from kubernetes_manifests import EXAMPLES, FOLDER, container, every_object, mounted, named, of_kind, pod, settings

NAME = {"app.kubernetes.io/name": "federation-bridge"}

# ----------------------------------------------------------------------------------------------- how closed it is


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_pod_is_as_restricted_as_its_namespace_demands(example: str) -> None:
    spec, (one,) = pod(example), pod(example)["containers"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & set(spec)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert all(set(volume) - {"name"} <= {"configMap", "secret", "emptyDir"} for volume in spec["volumes"])
    assert "hostPort" not in str(one)
    (namespace,) = of_kind("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_pod_has_no_token_of_the_cluster_and_no_list_of_its_services(example: str) -> None:
    assert pod(example)["automountServiceAccountToken"] is False
    assert pod(example)["enableServiceLinks"] is False
    assert [one["automountServiceAccountToken"] for one in of_kind("ServiceAccount")] == [False]
    assert not any(one["kind"] in {"Role", "RoleBinding", "ClusterRoleBinding"} for one in every_object())


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_pod_says_what_it_needs_and_where_that_ends(example: str) -> None:
    resources = container(example)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}
    assert set(resources["limits"]) == {"memory", "ephemeral-storage"}  # a limit on CPU would make a busy node slow


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_all_that_is_mounted_is_read_only_but_what_is_temporary(example: str) -> None:
    for mount in container(example)["volumeMounts"]:
        assert mount.get("readOnly", False) is (mount["name"] not in {"temporary", "state"})
    for path, volume in mounted(example):
        if "secret" in volume:
            assert volume["secret"]["defaultMode"] == 0o440, path


def test_no_file_holds_a_secret() -> None:
    assert not any(one["kind"] == "Secret" for one in every_object())
    for path in FOLDER.rglob("*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not re.search(r"-----BEGIN|\bA[KS]IA[A-Z0-9]{12}|\b[A-Za-z0-9+/]{43}=|://[^/\s:]+:[^@\s/]+@", text), path
    assert settings().database_password
    assert settings().keys.sealing_key


# ------------------------------------------------------------------------------------------------------- the network


def policies() -> list[dict[str, Any]]:
    found = [one["spec"] for one in of_kind("NetworkPolicy")]
    assert all(one["podSelector"] == {"matchLabels": NAME} for one in found)
    assert all(one["policyTypes"] == ["Ingress", "Egress"] for one in found)
    return found


def test_only_named_pods_come_in_and_to_the_one_port() -> None:
    allowed = [rule for one in policies() for rule in one.get("ingress", [])]
    assert allowed
    for rule in allowed:
        assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]
        assert all({"namespaceSelector", "podSelector"} == set(peer) for peer in rule["from"])


def test_a_node_reaches_names_https_and_the_database_alone() -> None:
    allowed = [rule for one in policies() for rule in one.get("egress", [])]
    ports = {
        port["port"]: [rule["to"] for rule in allowed if port in rule["ports"]]
        for rule in allowed
        for port in rule["ports"]
    }
    assert set(ports) == {53, 443, 5432}
    assert all("namespaceSelector" in peer for to in ports[53] for peer in to)
    (everywhere,), ((database,),) = ports[443], ports[5432]
    refused = [ipaddress.ip_network(one) for peer in everywhere for one in peer["ipBlock"]["except"]]
    for address in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254"):  # where clouds hand out credentials
        assert any(ipaddress.ip_address(address) in network for network in refused), address
    assert ipaddress.ip_network(database["ipBlock"]["cidr"]).num_addresses <= 256
