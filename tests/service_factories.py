"""The real `federation-bridge serve` as a process, on the real clock; every wait in here is bounded."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from free_ports import free_port
from preloaded import OURS, Forked

from federation_bridge.sandbox.identity_provider.saml_message import make_signer, metadata_xml

IDP = "https://idp.example.test/saml"
WITHIN = 90.0
"""Seconds after which a wait has failed; nothing is slow on purpose."""

_OURS = "federation_bridge.operate"
_ROOT = Path(__file__).parents[1]
_ACCOUNT = {
    "id": "111122223333",
    "name": "production",
    "provider": "arn:aws:iam::111122223333:saml-provider/bridge",
    "region": "eu-central-1",
    "roles": ["Developer"],
}
_RULE = {
    "id": "developers",
    "connection": "company",
    "when": {"group": "developers"},
    "grant": {"role": "111122223333/Developer", "max_duration": "1h"},
}


def until(what: Callable[[], bool], sentence: str, within: float = WITHIN) -> None:
    """Waits until `what` holds; fails with `sentence` where it does not in time."""
    give_up_at = time.monotonic() + within
    while not what():
        assert time.monotonic() < give_up_at, sentence
        time.sleep(0.01)


@dataclass
class Service:
    """One bridge of its own: its files, its process, and what it says."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | Forked = field(init=False)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self, module: str = _OURS, *, files: int | None = None, **environ: str) -> None:
        """Starts it; `files`: how many it may hold open."""
        words = [module, "serve", "--settings", str(self.folder / "settings.yaml")]
        whole = {**os.environ, **environ}
        with (self.folder / "log").open("ab") as output:
            if module == _OURS and not files and OURS.starts_alike(whole):
                with Path(os.devnull).open("rb") as nothing:
                    streams = (nothing.fileno(), output.fileno(), output.fileno())
                    self.process = Forked(OURS, words, whole, streams)
                return
            limit = ["prlimit", f"--nofile={files}"] if files else []
            self.process = subprocess.Popen(
                [*limit, sys.executable, "-m", *words], stdout=output, stderr=subprocess.STDOUT, cwd=_ROOT, env=whole
            )

    def connect(self, timeout: float = WITHIN) -> socket.socket:
        return socket.create_connection(self.address, timeout=timeout)

    def get(self, path: str, timeout: float = WITHIN) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body, over a connection of its own; OSError where nothing answers."""
        asked = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            asked.close()

    def is_answering(self, path: str = "/readyz", status: int = 200) -> bool:
        try:
            return self.get(path, timeout=5)[0] == status
        except (OSError, http.client.HTTPException):
            return False

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def signal(self, pid: int, number: int) -> None:
        os.kill(pid, number)

    def requests_of(self, route: str) -> float:
        """How many answers of this route /metrics tells of."""
        found = re.findall(
            rf'^bridge_requests_total{{route="{route}",.*}} (.*)$', self.get("/metrics")[2].decode(), re.MULTILINE
        )
        return sum(float(number) for number in found)

    def stop(self) -> int:
        """Ends it as an operator does, and gives the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def make_service(folder: Path, *, serving: Mapping[str, Any]) -> Service:
    """Writes the files of a bridge with one connection; JSON is YAML."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    (folder / "idp.xml").write_bytes(metadata_xml(IDP, "https://idp.example.test/sso", [make_signer()]))
    (folder / "accounts.yaml").write_text(json.dumps({"version": 1, "accounts": [_ACCOUNT]}))
    (folder / "rules.yaml").write_text(json.dumps({"version": 1, "rules": [_RULE]}))
    company = {"title": "Company", "protocol": "saml", "metadata_file": "idp.xml", "subject": "id", "groups": "groups"}
    document = {
        "base_url": f"http://127.0.0.1:{port}",
        "rules": "rules.yaml",
        "accounts": "accounts.yaml",
        "connections": {"company": company},
        "audit": {"also_to": "audit.jsonl"},
        "serving": {"listen": f"127.0.0.1:{port}", "workers": 1, **serving},
    }
    (folder / "settings.yaml").write_text(json.dumps(document))
    return Service(folder, port)


@contextmanager
def serving_bridge(
    folder: Path,
    module: str = _OURS,
    *,
    files: int | None = None,
    far_side: int = 0,
    **serving: Any,
) -> Iterator[Service]:
    """A bridge that is ready, ended whatever happens. `serving`: settings of that section."""
    service = make_service(folder, serving=serving)
    service.start(module, files=files, FAR_SIDE=str(far_side))
    try:
        until(lambda: service.process.poll() is not None or service.is_answering(), "never ready")
        assert service.process.poll() is None, service.log
        yield service
    finally:
        service.stop()
