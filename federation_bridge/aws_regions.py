"""AWS's regions by partition, and which of them have a sign-in endpoint: data, as AWS publishes it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from federation_bridge.sentence import Sentence

REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "aws": (
            *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
            *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
            *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1"),
            *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
            *("il-central-1", "me-central-1", "me-south-1", "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1"),
            *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
        ),
        "aws-cn": ("cn-north-1", "cn-northwest-1"),
        "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
        "aws-eusc": ("eusc-de-east-1",),
    }
)
"""By partition: a closed list, so that a typing mistake is one. A test compares it with the installed botocore's."""

USUAL_REGION: Mapping[str, str] = MappingProxyType(
    {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1"}
)
"""Of each partition: taken where the register names none."""

SIGN_IN_REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({**REGIONS, "aws-cn": ()})
"""Whose sign-in endpoint can be named (AWS General Reference: AWS Sign-In endpoints). AWS documents one for China."""

MOST_SIGN_IN_REGIONS = 5
"""A trust policy lists the endpoint of each, and has 2048 characters (IAM quotas)."""


def region_mistake(region: str, partition: str) -> Sentence | None:
    """Why this is no region of this known partition, with the nearest one; None where it is."""
    known = REGIONS[partition]
    if region in known:
        return None
    other = next((name for name, regions in REGIONS.items() if region in regions), None)
    if other is not None:
        return Sentence(
            "%(region)s is no region of %(partition)s: it belongs to %(other)s",
            region=repr(region),
            partition=partition,
            other=other,
        )
    nearest = difflib.get_close_matches(region, known, n=1, cutoff=0.5)
    meant = Sentence("; did you mean %(near)s?", near=repr(nearest[0])) if nearest else ""
    return Sentence(
        "%(region)s is no region of partition %(partition)s that this release knows%(meant)s",
        region=repr(region),
        partition=partition,
        meant=meant,
    )
