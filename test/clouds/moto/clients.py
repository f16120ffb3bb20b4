"""Clients of AWS's APIs: making one reads the model of its service, which takes a while."""

from functools import cache
from typing import Any

import boto3


@cache
def client_of(service: str, region: str) -> Any:
    """The client of a service in a region."""
    return boto3.client(service, region_name=region)
