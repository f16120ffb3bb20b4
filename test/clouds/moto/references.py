"""What a parameter refers to has to be there: moto itself looks at some of it only."""

from collections.abc import Callable, Iterator
from typing import Any

import regex
from botocore.exceptions import ClientError
from clients import client_of


class NotThere(LookupError):
    """A parameter refers to something that nobody made."""


Lookup = Callable[[Any, str], Any]
"""Looks something up; raises ClientError, or gives back an empty list, where it is not there."""


def _ids(operation: str, parameter: str, answer: str) -> Lookup:
    return lambda client, found: getattr(client, operation)(**{parameter: [found]})[answer]


def _usable_key(client: Any, found: str) -> list[bool]:
    return [True] if client.describe_key(KeyId=found)["KeyMetadata"]["KeyState"] == "Enabled" else []


def _log_group(client: Any, found: str) -> list[Any]:
    name = found.split(":log-group:")[1]
    return [each for each in client.describe_log_groups(logGroupNamePrefix=name)["logGroups"] if each["logGroupName"] == name]


# Service, what refers to it, and how it is looked up with what the first group matches.
_kinds: list[tuple[str, str, Lookup]] = [
    ("ec2", r"(vpc-[0-9a-f]+)", _ids("describe_vpcs", "VpcIds", "Vpcs")),
    ("ec2", r"(subnet-[0-9a-f]+)", _ids("describe_subnets", "SubnetIds", "Subnets")),
    ("ec2", r"(sg-[0-9a-f]+)", _ids("describe_security_groups", "GroupIds", "SecurityGroups")),
    ("ec2", r"(rtb-[0-9a-f]+)", _ids("describe_route_tables", "RouteTableIds", "RouteTables")),
    ("ec2", r"(igw-[0-9a-f]+)", _ids("describe_internet_gateways", "InternetGatewayIds", "InternetGateways")),
    ("ec2", r"(nat-[0-9a-f]+)", _ids("describe_nat_gateways", "NatGatewayIds", "NatGateways")),
    ("ec2", r"(eipalloc-[0-9a-f]+)", _ids("describe_addresses", "AllocationIds", "Addresses")),
    ("ec2", r"(lt-[0-9a-f]+)", _ids("describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates")),
    ("ec2", r"(tgw-[0-9a-f]+)", _ids("describe_transit_gateways", "TransitGatewayIds", "TransitGateways")),
    (
        "ec2",
        r"(tgw-attach-[0-9a-f]+)",
        _ids("describe_transit_gateway_attachments", "TransitGatewayAttachmentIds", "TransitGatewayAttachments"),
    ),
    (
        "ec2",
        r"(tgw-rtb-[0-9a-f]+)",
        _ids("describe_transit_gateway_route_tables", "TransitGatewayRouteTableIds", "TransitGatewayRouteTables"),
    ),
    ("ec2", r"([a-z]{2}(?:-[a-z]+)+-\d[a-z])", _ids("describe_availability_zones", "ZoneNames", "AvailabilityZones")),
    ("kms", r"arn:aws:kms:[^:]+:\d+:key/(.+)", _usable_key),
    ("iam", r"arn:aws:iam::\d+:role/(.+)", lambda client, found: client.get_role(RoleName=found)),
    ("iam", r"(arn:aws:iam::\w+:policy/.+)", lambda client, found: client.get_policy(PolicyArn=found)),
    (
        "iam",
        r"arn:aws:iam::\d+:instance-profile/(.+)",
        lambda client, found: client.get_instance_profile(InstanceProfileName=found),
    ),
    ("logs", r"(arn:aws:logs:.+)", _log_group),
    ("s3", r"arn:aws:s3:::([^/*]+)", lambda client, found: client.head_bucket(Bucket=found)),
    (
        "rds",
        r"arn:aws:rds:[^:]+:\d+:db:(.+)",
        lambda client, found: client.describe_db_instances(DBInstanceIdentifier=found),
    ),
    ("acm", r"(arn:aws:acm:.+)", lambda client, found: client.describe_certificate(CertificateArn=found)),
    (
        "elbv2",
        r"(arn:aws:elasticloadbalancing:.+:targetgroup/.+)",
        _ids("describe_target_groups", "TargetGroupArns", "TargetGroups"),
    ),
    (
        "elbv2",
        r"(arn:aws:elasticloadbalancing:.+:loadbalancer/.+)",
        _ids("describe_load_balancers", "LoadBalancerArns", "LoadBalancers"),
    ),
    (
        "wafv2",
        r"arn:aws:wafv2:.+:regional/ipset/(.+)/.+",
        lambda client, found: [
            each for each in client.list_ip_sets(Scope="REGIONAL")["IPSets"] if each["Name"] == found
        ],
    ),
    (
        "wafv2",
        r"arn:aws:wafv2:.+:regional/webacl/(.+)/.+",
        lambda client, found: [
            each for each in client.list_web_acls(Scope="REGIONAL")["WebACLs"] if each["Name"] == found
        ],
    ),
    (
        "backup",
        r"arn:aws:backup:[^:]+:\d+:backup-vault:(.+)",
        lambda client, found: client.describe_backup_vault(BackupVaultName=found),
    ),
]


def check(parameters: Any, region: str) -> None:
    """Raises NotThere for an id or ARN among the parameters of a resource that does not exist in its region."""
    for path, text in _texts(parameters):
        for service, pattern, lookup in _kinds:
            match = regex.fullmatch(pattern, text)
            if match is None:
                continue
            of = text.split(":")[3] if text.startswith("arn:") else region
            try:
                found = lookup(client_of(service, of or region), match[1])
            except ClientError as error:
                raise NotThere(f"{path}: got {text}; {error}") from error
            if not found:
                raise NotThere(f"{path}: got {text}, which there is not, or which cannot be used")


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
