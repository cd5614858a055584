"""A stand-in for CloudFormation, ECS and CloudWatch Logs, to which the real AWS CLI talks; it remembers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from threaded_server import serving

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_ARN = "arn:aws:ecs:eu-central-1:111122223333:task/bridge-tasks/0123456789abcdef"


@dataclass
class Stacks:
    """What lies in the account, and what was asked of it."""

    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each stack that there is, what it tells."""
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    """What a stack tells once it is made."""
    parameters: dict[str, dict[str, str]] = field(default_factory=dict)
    """With what each stack was made last."""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    """What ECS was asked to run."""
    ended: dict[str, int | None] = field(default_factory=dict)
    """The exit status of each container of a task; None: it never began."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    """What each container wrote."""

    def cloudformation(self, asked: dict[str, str]) -> tuple[int, str]:
        """The answer to a call of the query protocol."""
        stack, action = asked.get("StackName", ""), asked["Action"]
        if stack not in self.outputs and action == "DescribeStacks" and stack:
            return 400, (
                f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Code>ValidationError</Code>'
                f"<Message>Stack with id {stack} does not exist</Message></Error></ErrorResponse>"
            )
        if action == "CreateChangeSet":
            names = [name for name in asked if name.endswith(".ParameterKey")]
            given = {asked[name]: asked.get(name.replace("Key", "Value"), "") for name in names}
            self.parameters[stack] = given
            self.outputs[stack] = self.told.get(stack, {})
        inside = {
            "DescribeStacks": f"<Stacks>{''.join(map(self._described, [stack] if stack else self.outputs))}</Stacks>",
            "CreateChangeSet": "<Id>arn:aws:cloudformation:eu-central-1:111122223333:changeSet/a/b</Id>",
            "DescribeChangeSet": "<Status>CREATE_COMPLETE</Status>",
        }.get(action, "")
        return 200, f'<R xmlns="{_NAMESPACE}"><{action}Result>{inside}</{action}Result></R>'

    def _described(self, stack: str) -> str:
        outputs = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
            for key, value in self.outputs[stack].items()
        )
        return (
            f"<member><StackName>{stack}</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"
            f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>{outputs}</Outputs></member>"
        )

    def json(self, target: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call of the JSON protocol."""
        if target == "RunTask":
            self.tasks.append(asked)
            return {"tasks": [{"taskArn": _ARN}], "failures": []}
        if target == "DescribeTasks":
            containers = [
                {"name": name} | ({} if status is None else {"exitCode": status}) for name, status in self.ended.items()
            ]
            stopped = {"taskArn": _ARN, "lastStatus": "STOPPED", "stoppedReason": "Essential container in task exited"}
            return {"tasks": [stopped | {"containers": containers}], "failures": []}
        container = asked["logStreamName"].split("/")[1]
        return {"events": [{"timestamp": 0, "ingestionTime": 0, "message": one} for one in self.lines[container]]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stacks: Stacks) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stacks = stacks


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            answer, kind = (
                json.dumps(self.server.stacks.json(target.partition(".")[2], json.loads(body))),
                "x-amz-json-1.1",
            )
            status = 200
        else:
            status, answer = self.server.stacks.cloudformation(dict(parse_qsl(body, keep_blank_values=True)))
            kind = "xml"
        self.send_response(status)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(stacks: Stacks) -> Iterator[str]:
    """The address at which all of this answers."""
    with serving(_Server(stacks)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"
