"""deploy/kubernetes as a cluster is given it: rendered by kubectl, and its volumes laid out as the kubelet does."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from absent_software import program
from documents.blocks import ROOT

from federation_bridge.settings import Settings, settings_from

FOLDER = ROOT / "deploy" / "kubernetes"
EXAMPLES = ("example", "example/migrate", "example/rules")
REMEDY = "kubectl 1.28 or newer, from the packages of Kubernetes"
MODE_OF_SETTINGS = 0o644
Manifest = dict[str, Any]


def kubectl(*words: str | Path, home: Path | None = None) -> str:
    """What kubectl prints, without any cluster; `home`: where it may look for settings of its own."""
    done = subprocess.run(
        [program("kubectl", REMEDY), *words], capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(home or FOLDER)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def rendered(example: str) -> tuple[Manifest, ...]:
    """Every object of one example."""
    return tuple(one for one in yaml.safe_load_all(kubectl("kustomize", FOLDER / example)) if one)


def every_object() -> list[Manifest]:
    """The objects of all examples together."""
    return [one for example in EXAMPLES for one in rendered(example)]


def of_kind(kind: str, example: str = "example") -> list[Manifest]:
    """The objects of this kind."""
    return [one for one in rendered(example) if one["kind"] == kind]


def workload(example: str) -> Manifest:
    """The one object of this example that starts pods."""
    (found,) = (one for one in rendered(example) if one["kind"] in {"Deployment", "Job"})
    return found


def pod(example: str) -> Manifest:
    """How its pods are made."""
    spec: Manifest = workload(example)["spec"]["template"]["spec"]
    return spec


def container(example: str) -> Manifest:
    """The one container of a pod."""
    (found,) = pod(example)["containers"]
    assert isinstance(found, dict)
    return found


def words(example: str) -> list[str]:
    """The command that a container runs, with the variables that Kubernetes puts in."""
    held = {one["metadata"]["name"]: one["data"] for one in of_kind("ConfigMap", example)}
    shown = [*container(example)["command"], *container(example)["args"]]
    for variable in container(example).get("env", []):
        named = variable["valueFrom"]["configMapKeyRef"]
        shown = [word.replace(f"$({variable['name']})", held[named["name"]][named["key"]]) for word in shown]
    return shown


def mounted(example: str) -> Iterator[tuple[str, Manifest]]:
    """Each path at which a volume is mounted, with the volume."""
    volumes = {volume["name"]: volume for volume in pod(example)["volumes"]}
    for mount in container(example)["volumeMounts"]:
        yield mount["mountPath"], volumes[mount["name"]]


def lay_out(folder: Path, files: Mapping[str, str], mode: int, group: int) -> None:
    """A volume as the kubelet mounts it: root's, open to all as `/tmp` is, and each name a link through `..data`.

    The files are the group's that `fsGroup` names.
    """
    held = folder / "..2026_03_04_12_00_00.123456789"
    held.mkdir(parents=True)
    for name, text in files.items():
        (held / name).write_text(text)
        (held / name).chmod(mode)
        os.chown(held / name, -1, group)
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data").symlink_to(held.name)
    folder.chmod(0o3777)


def lay_out_volumes(
    root: Path, example: str, secrets: Mapping[str, Mapping[str, str]], group: int, *, told: Callable[[str], str] = str
) -> None:
    """Below `root` all volumes of this example's pod; `told` says each text of a ConfigMap as it is on this machine."""
    held = {one["metadata"]["name"]: one["data"] for one in of_kind("ConfigMap", example)}
    for path, volume in mounted(example):
        folder = root / path.lstrip("/")
        if "configMap" in volume:
            texts = held[volume["configMap"]["name"]]
            lay_out(folder, {name: told(text) for name, text in texts.items()}, MODE_OF_SETTINGS, group)
        elif "secret" in volume:
            lay_out(folder, secrets[volume["secret"]["secretName"]], volume["secret"]["defaultMode"], group)
        else:
            folder.mkdir(parents=True)


def settings(folder: Path = Path("/etc/federation-bridge")) -> Settings:
    (held,) = (one for one in of_kind("ConfigMap") if "federation-bridge.yaml" in one["data"])
    return settings_from(yaml.safe_load(held["data"]["federation-bridge.yaml"]), folder)


def named(example: str) -> str:
    return example.replace("/", " ")
