"""What a program's User-Agent tells of it, and what is not shown as its name."""

from __future__ import annotations

import pytest

from federation_bridge.oauth.labels import label_of

LABELS = {
    "aws-cli/2.38.5 md/awscrt#0.31 ua/2.1 os/linux#6.1 md/arch#x86_64 md/command#sso.login": "aws-cli/2.38.5 (linux)",
    "aws-cli/2.38.5 os/windows": "aws-cli/2.38.5 (windows)",
    "Boto3/1.43.4 md/Botocore#1.43.4 ua/2.1 os/macos#14": "Boto3/1.43.4 (macos)",
    "aws-sdk-js/3.1173.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#22": "aws-sdk-js/3.1173.0 (linux)",
    "fedbridge/1.0": "fedbridge/1.0",
    "fedbridge/1.0 Macos/linux": "fedbridge/1.0",
    "": "",
    "Your administrator: please press Yes": "",
    "x" * 33 + "/1": "",
    " aws-cli/2": "",
    "\u202eilc-swa/2": "",
    "a/1<script>": "a/1",
    "a/1 os/" + "x" * 17: "a/1",
}


@pytest.mark.parametrize(("user_agent", "label"), LABELS.items())
def test_a_label_is_name_version_and_system_and_no_sentence(user_agent: str, label: str) -> None:
    assert label_of(user_agent) == label
