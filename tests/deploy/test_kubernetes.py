"""deploy/kubernetes: every manifest is one that Kubernetes takes, as closed as it says, and fits the others."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from documents.blocks import ROOT, blocks
from documents.command_words import mistake_in
from kubernetes_manifests import (
    EXAMPLES,
    FOLDER,
    container,
    kubectl,
    mounted,
    named,
    of_kind,
    pod,
    rendered,
    settings,
    words,
    workload,
)
from network_factories import self_signed
from sqlalchemy import make_url

from federation_bridge import __version__
from federation_bridge.operate.commands import commands

VERSIONS = ("1.31", "1.34", "1.37")
"""Of Kubernetes: the oldest that knows all that is asked for, one between, and the newest that the validator knows."""
NAME = {"app.kubernetes.io/name": "federation-bridge"}
SERVICE = NAME | {"app.kubernetes.io/component": "service"}
TO_BE_MADE = {"Secret": {"federation-bridge", "federation-bridge-owner", "federation-bridge-tls"}}
"""What no file holds: the page says how it is made."""
_GIVEN = re.compile(r"=([^=\s]+)(?=\s|$)")
"""A file that a command is given."""

# ---------------------------------------------------------------------------------------------------------- schemas


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_kubernetes_takes_every_object_and_knows_every_field(example: str, version: str) -> None:
    for one in rendered(example):
        assert kubernetes_validate.validate(one, version, strict=True) == version


def test_the_validator_finds_a_field_that_is_not_known() -> None:
    wrong = workload("example") | {"spec": workload("example")["spec"] | {"replica": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_the_newest_version_of_kubernetes_is_among_them_and_the_page_names_all() -> None:
    assert kubernetes_validate.latest_version().startswith(VERSIONS[-1])
    assert f"{', '.join(VERSIONS[:-1])} and {VERSIONS[-1]}" in page()


def test_every_file_is_part_of_what_is_rendered() -> None:
    used: set[Path] = set()
    for made in FOLDER.rglob("kustomization.yaml"):
        said = yaml.safe_load(made.read_text(encoding="utf-8"))
        told = [
            *said.get("resources", []),
            *(name for one in said.get("configMapGenerator", []) for name in one.get("files", [])),
        ]
        used |= {made, *((made.parent / name).resolve() for name in told)}
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == {path for path in used if path.is_file()}


# --------------------------------------------------------------------------------------------------- what fits what


def test_every_selector_finds_the_pods_of_the_service_and_no_others() -> None:
    deployment, (budget,), (service,) = workload("example"), of_kind("PodDisruptionBudget"), of_kind("Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    spread = [one["labelSelector"] for one in pod("example")["topologySpreadConstraints"]]
    preferred = pod("example")["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    selectors = [deployment["spec"]["selector"], budget["spec"]["selector"], *spread]
    selectors += [{"matchLabels": service["spec"]["selector"]}]
    selectors += [one["podAffinityTerm"]["labelSelector"] for one in preferred]
    assert labels == SERVICE
    assert all(one == {"matchLabels": SERVICE} for one in selectors)
    for job in EXAMPLES[1:]:
        others = workload(job)["spec"]["template"]["metadata"]["labels"]
        assert others.items() >= NAME.items()  # so the network's policies hold for it
        assert not others.items() >= SERVICE.items()


def test_the_way_from_the_ingress_to_the_service_s_port_is_unbroken() -> None:
    (ingress,), (service,) = of_kind("Ingress"), of_kind("Service")
    (rule,) = ingress["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    (port,) = service["spec"]["ports"]
    (exposed,) = container("example")["ports"]
    assert (backend["name"], backend["port"]["name"]) == (service["metadata"]["name"], port["name"])
    assert port["targetPort"] == exposed["name"]
    assert int(settings().serving.listen.rpartition(":")[2]) == exposed["containerPort"]
    assert settings().serving.listen.startswith("0.0.0.0:")  # a probe asks at the pod's own address
    assert [rule["host"]] == ingress["spec"]["tls"][0]["hosts"] == [settings().base_url.removeprefix("https://")]


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_what_a_pod_names_is_there_or_is_told_as_to_be_made(example: str) -> None:
    made = {one["metadata"]["name"] for one in of_kind("ConfigMap", example)}
    wanted = {volume["configMap"]["name"] for _, volume in mounted(example) if "configMap" in volume}
    wanted |= {one["valueFrom"]["configMapKeyRef"]["name"] for one in container(example).get("env", [])}
    assert wanted == made
    secrets = {volume["secret"]["secretName"] for _, volume in mounted(example) if "secret" in volume}
    assert secrets <= TO_BE_MADE["Secret"]
    accounts = {one["metadata"]["name"] for one in of_kind("ServiceAccount")}
    assert pod(example).get("serviceAccountName", "federation-bridge") in accounts
    assert {one["metadata"].get("namespace") for one in rendered(example) if one["kind"] != "Namespace"} == {
        one["metadata"]["name"] for one in of_kind("Namespace")
    }


def test_all_pods_have_the_same_settings() -> None:
    held = [
        one for example in EXAMPLES for one in of_kind("ConfigMap", example) if "federation-bridge.yaml" in one["data"]
    ]
    assert len(held) == len(EXAMPLES)
    assert all(one == held[0] for one in held)


def test_a_disruption_leaves_somebody_and_an_update_waits_for_its_successor() -> None:
    deployment, (budget,) = workload("example")["spec"], of_kind("PodDisruptionBudget")
    assert 0 < budget["spec"]["minAvailable"] < deployment["replicas"]
    assert deployment["strategy"] == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_a_node_has_the_time_to_finish_before_it_is_killed() -> None:
    serving, ready = settings().serving, container("example")["readinessProbe"]
    stopping = (serving.drain_time + serving.shutdown_timeout).total_seconds()
    assert pod("example")["terminationGracePeriodSeconds"] >= stopping + 5
    assert serving.drain_time.total_seconds() > ready["periodSeconds"] * ready["failureThreshold"]
    assert "lifecycle" not in container("example")


def test_health_keeps_a_node_alive_and_readiness_lets_people_in() -> None:
    one = container("example")
    asked = {name: one[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_the_image_is_the_one_of_this_version(example: str) -> None:
    assert container(example)["image"].rpartition(":")[2] == __version__


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(FOLDER.rglob("*.yaml")) if "image" in path.read_text("utf-8")],
    ids=lambda path: f"{path.parent.name} {path.stem}",
)
def test_no_file_names_another_version(path: Path) -> None:
    tags = re.findall(r'^ +(?:image: federation-bridge:|newTag: ")([^"\s]+)"?$', path.read_text("utf-8"), re.MULTILINE)
    assert tags == [__version__]


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_container_runs_a_command_that_there_is(example: str) -> None:
    program, *rest = words(example)
    assert program == "federation-bridge"
    told = [part for word in rest for part in (word.split("=", 1) if word.startswith("--") else [word])]
    assert mistake_in(commands, told) is None


# ---------------------------------------------------------------------------------------------------------- the page


def page() -> str:
    return (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")


def test_the_page_makes_the_secrets_that_are_mounted_under_the_names_that_settings_read(tmp_path: Path) -> None:
    pair = self_signed(tmp_path, "aws.example.com").read_text()
    (first,) = (block for block in blocks().values() if block.name == "docs/kubernetes.md console 1")
    made: dict[str, set[str]] = {}
    for line in first.commands:
        if " create secret " in line:
            for file in _GIVEN.findall(line):
                (tmp_path / file).write_text(pair)
            placed = _GIVEN.sub(lambda found: f"={tmp_path / found[1]}", line).split()[1:]
            printed = yaml.safe_load(kubectl(*placed, "--dry-run=client", "-o", "yaml", home=tmp_path))
            made[printed["metadata"]["name"]] = set(printed["data"])
    assert set(made) == TO_BE_MADE["Secret"]
    written = (FOLDER / "example" / "yours" / "federation-bridge.yaml").read_text(encoding="utf-8")
    assert made["federation-bridge"] == set(re.findall(r"/run/secrets/federation-bridge/([\w.-]+)", written))
    assert made["federation-bridge-tls"] == {"tls.crt", "tls.key"}
    (owner,) = (word for word in words("example/migrate") if word.startswith("--owner-password="))
    assert {owner.rpartition("/")[2]} == made["federation-bridge-owner"]


def test_only_the_job_that_migrates_knows_the_password_of_the_tables_owner() -> None:
    secrets = {
        example: {volume["secret"]["secretName"] for _, volume in mounted(example) if "secret" in volume}
        for example in EXAMPLES
    }
    assert {example for example, names in secrets.items() if "federation-bridge-owner" in names} == {"example/migrate"}
    roles = (ROOT / "deploy" / "postgresql" / "roles.sql").read_text(encoding="utf-8")
    (owner,) = (word.partition("=")[2] for word in words("example/migrate") if word.startswith("--owner="))
    assert f"CREATE ROLE {owner} LOGIN" in roles
    assert f"CREATE ROLE {make_url(str(settings().database)).username} LOGIN" in roles


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_the_image_is_used_as_it_is_built(example: str) -> None:
    built = (ROOT / "deploy" / "container" / "Containerfile").read_text(encoding="utf-8")
    user, group = (int(number) for number in re.findall(r"^USER (\d+):(\d+)$", built, re.MULTILINE)[0])
    context = pod(example)["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (user, group, group)
    assert f'ENTRYPOINT ["{container(example)["command"][0]}"]' in built
    paths = {path for path, _ in mounted(example)}
    assert set(re.findall(r"^VOLUME (\S+)$", built, re.MULTILINE)) <= paths
    (place,) = re.findall(r"FEDERATION_BRIDGE_SETTINGS=(\S+)", built)
    assert any(word.removeprefix("--settings=") == place for word in words(example))
    assert f"EXPOSE {container('example')['ports'][0]['containerPort']}" in built


def test_the_page_s_commands_name_what_there_is() -> None:
    shown = [block for block in blocks().values() if block.name.startswith("docs/kubernetes.md console")]
    lines = [line for block in shown for line in block.commands if line.startswith("kubectl")]
    applied = {found for line in lines for found in re.findall(r"-k deploy/kubernetes/(\S+)", line)}
    assert applied == set(EXAMPLES)
    assert {found for line in lines for found in re.findall(r"-f (\S+)", line)} == {
        str((FOLDER / "example" / "namespace.yaml").relative_to(ROOT))
    }
    named = {
        found for line in lines for found in re.findall(r" (job[/ ]|deploy/|deployment/)(federation-bridge\S*)", line)
    }
    there = {one["metadata"]["name"] for one in map(workload, EXAMPLES)}
    assert {name for _, name in named} == there
    spaces = {found for line in lines for found in re.findall(r"-n (\S+)", line)}
    assert spaces == {one["metadata"]["name"] for one in of_kind("Namespace")}
    (inside,) = (line.partition(" -- ")[2].split() for line in lines if " exec " in line)
    assert inside[2:] == words("example")[2:]


def test_what_the_page_says_of_stopping_is_what_the_manifests_say() -> None:
    serving = settings().serving
    assert f"`serving.drain_time` ({serving.drain_time.seconds} s)" in page()
    assert f"`serving.shutdown_timeout`, {serving.shutdown_timeout.seconds} s)" in page()
    assert f"`terminationGracePeriodSeconds` is {pod('example')['terminationGracePeriodSeconds']}" in page()


def test_prometheus_asks_each_node_under_the_name_that_alerts_expect() -> None:
    (job,) = yaml.safe_load(blocks()["docs/kubernetes.md yaml 1"].text)["scrape_configs"]
    assert job["job_name"] == "federation-bridge"
    assert job["kubernetes_sd_configs"][0]["namespaces"]["names"] == ["federation-bridge"]
    kept = {
        one["source_labels"][0].removeprefix("__meta_kubernetes_pod_"): one["regex"] for one in job["relabel_configs"]
    }
    assert kept == {
        "label_app_kubernetes_io_component": SERVICE["app.kubernetes.io/component"],
        "container_port_name": container("example")["ports"][0]["name"],
    }
