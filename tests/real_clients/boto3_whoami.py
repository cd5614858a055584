"""Prints the ARN as which boto3 acts in this environment."""

import boto3

print(boto3.client("sts").get_caller_identity()["Arn"])  # noqa: T201 - what it is for
