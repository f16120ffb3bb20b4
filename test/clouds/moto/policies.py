"""Policies are texts to botocore, and most of them to moto too: here their grammar is checked, and that principals exist."""

import json

import references
from moto.iam.policy_validation import BaseIAMPolicyValidator


def check(text: str, region: str) -> None:
    """Raises MalformedPolicyDocument for what is no policy, NotThere for a principal that nobody made: services refuse both."""
    BaseIAMPolicyValidator(text).validate()
    statements = json.loads(text)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        if isinstance(principal, dict):
            references.check({"Principal": principal}, region)
