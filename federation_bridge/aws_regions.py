"""AWS's regions by partition, and which of them have a sign-in endpoint: data, as AWS publishes it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
"""By partition. A test compares them with those of the installed botocore."""

SIGN_IN_REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({**REGIONS, "aws-cn": ()})
"""Whose sign-in endpoint can be named (AWS General Reference: AWS Sign-In endpoints). AWS documents one for China."""

MOST_SIGN_IN_REGIONS = 5
"""A trust policy lists the endpoint of each, and has 2048 characters (IAM quotas)."""
