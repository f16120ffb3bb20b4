"""Networks: VPCs, subnets, routes, security groups, endpoints, flow logs."""

from typing import Any

from resource import Made, Resource


def vpc(it: Resource) -> Made:
    dns = {name: it.take(name) for name in ("enableDnsHostnames", "enableDnsSupport")}
    made = it.create("ec2", "create_vpc", tagged="vpc")["Vpc"]
    of = {"VpcId": made["VpcId"]}
    for name, value in dns.items():
        parameter = name[0].upper() + name[1:]
        it.set("ec2", "modify_vpc_attribute", **of, **{parameter: {"Value": value}})

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_vpcs", VpcIds=[made["VpcId"]])["Vpcs"][0]
        for name in dns:
            answer = it.call("ec2", "describe_vpc_attribute", **of, Attribute=name)
            found[name[0].upper() + name[1:]] = answer[name[0].upper() + name[1:]]
        return found

    def its(operation: str, answer: str, *more: dict[str, Any]) -> dict[str, Any]:
        filters = [{"Name": "vpc-id", "Values": [made["VpcId"]]}, *more]
        return it.call("ec2", operation, Filters=filters)[answer][0]

    main = its("describe_route_tables", "RouteTables", {"Name": "association.main", "Values": ["true"]})["RouteTableId"]
    return Made(
        id=made["VpcId"],
        outputs={
            "arn": f"arn:aws:ec2:{it.region}:{made['OwnerId']}:vpc/{made['VpcId']}",
            "defaultRouteTableId": main,
            "mainRouteTableId": main,
            "defaultSecurityGroupId": its("describe_security_groups", "SecurityGroups")["GroupId"],
            "defaultNetworkAclId": its("describe_network_acls", "NetworkAcls")["NetworkAclId"],
        },
        read=read,
        delete=lambda: it.call("ec2", "delete_vpc", **of),
    )


def subnet(it: Resource) -> Made:
    public = it.take("mapPublicIpOnLaunch")
    made = it.create("ec2", "create_subnet", tagged="subnet")["Subnet"]
    subnet_id = made["SubnetId"]
    it.set("ec2", "modify_subnet_attribute", SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": public})
    return Made(
        id=subnet_id,
        outputs={"arn": made["SubnetArn"], "availabilityZoneId": made["AvailabilityZoneId"]},
        read=lambda: it.call("ec2", "describe_subnets", SubnetIds=[subnet_id])["Subnets"][0],
        delete=lambda: it.call("ec2", "delete_subnet", SubnetId=subnet_id),
    )


def internet_gateway(it: Resource) -> Made:
    vpc_id = it.take("vpcId")
    made = it.create("ec2", "create_internet_gateway", tagged="internet-gateway")["InternetGateway"]
    gateway = made["InternetGatewayId"]
    it.set("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc_id)

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_internet_gateways", InternetGatewayIds=[gateway])["InternetGateways"][0]
        return {**found, "VpcId": found["Attachments"][0]["VpcId"]}

    def delete() -> None:
        # EC2 refuses it for as long as somebody has an address in the internet; moto does not.
        public = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "state", "Values": ["available"]}]
        if users := it.call("ec2", "describe_nat_gateways", Filter=public)["NatGateways"]:
            raise RuntimeError(f"{vpc_id} has mapped public addresses: {[each['NatGatewayId'] for each in users]}")
        it.call("ec2", "detach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc_id)
        it.call("ec2", "delete_internet_gateway", InternetGatewayId=gateway)

    return Made(id=gateway, read=read, delete=delete)


def elastic_ip(it: Resource) -> Made:
    made = it.create("ec2", "allocate_address", tagged="elastic-ip")
    allocation = made["AllocationId"]
    return Made(
        id=allocation,
        outputs={"allocationId": allocation, "publicIp": made["PublicIp"]},
        read=lambda: it.call("ec2", "describe_addresses", AllocationIds=[allocation])["Addresses"][0],
        delete=lambda: it.call("ec2", "release_address", AllocationId=allocation),
    )


def nat_gateway(it: Resource) -> Made:
    asked = it.parameters("ec2", "create_nat_gateway", tagged="natgateway")
    it.check("ec2", "create_nat_gateway", asked)
    regional = asked.get("AvailabilityMode") == "regional"
    if regional:
        # moto has only those of a subnet: one in any of the network stands for it, so that routes lead to something.
        within = [{"Name": "vpc-id", "Values": [asked.pop("VpcId")]}]
        found = it.call("ec2", "describe_subnets", Filters=within)["Subnets"]
        asked = {**asked, "SubnetId": found[0]["SubnetId"], "ConnectivityType": "private"}
        del asked["AvailabilityMode"]
    gateway = it.call("ec2", "create_nat_gateway", **asked)["NatGateway"]["NatGatewayId"]

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_nat_gateways", NatGatewayIds=[gateway])["NatGateways"][0]
        return {**found["NatGatewayAddresses"][0], **found}

    return Made(
        id=gateway,
        read=read,
        hidden=("AvailabilityMode",) if regional else (),
        delete=lambda: it.call("ec2", "delete_nat_gateway", NatGatewayId=gateway),
    )


def route_table(it: Resource) -> Made:
    table = it.create("ec2", "create_route_table", tagged="route-table")["RouteTable"]["RouteTableId"]
    return Made(
        id=table,
        read=lambda: it.call("ec2", "describe_route_tables", RouteTableIds=[table])["RouteTables"][0],
        delete=lambda: it.call("ec2", "delete_route_table", RouteTableId=table),
    )


def default_route_table(it: Resource) -> Made:
    table = it.take("defaultRouteTableId")
    if it.take("routes"):
        raise NotImplementedError("routes of a default route table")
    it.set("ec2", "create_tags", Resources=[table], Tags=_tags(it.take("tags")))

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_route_tables", RouteTableIds=[table])["RouteTables"][0]
        return {**found, "Resources": [table]}

    return Made(id=table, read=read)


def route(it: Resource) -> Made:
    table = it["routeTableId"]
    to = it["destinationCidrBlock"]
    it.create("ec2", "create_route")

    def read() -> dict[str, Any] | None:
        found = it.call("ec2", "describe_route_tables", RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return next(({**each, "RouteTableId": table} for each in found if each.get("DestinationCidrBlock") == to), None)

    return Made(
        read=read, delete=lambda: it.call("ec2", "delete_route", RouteTableId=table, DestinationCidrBlock=to)
    )


def route_table_association(it: Resource) -> Made:
    table = it["routeTableId"]
    association = it.create("ec2", "associate_route_table")["AssociationId"]

    def read() -> dict[str, Any] | None:
        found = it.call("ec2", "describe_route_tables", RouteTableIds=[table])["RouteTables"][0]["Associations"]
        return next((each for each in found if each["RouteTableAssociationId"] == association), None)

    return Made(
        id=association,
        read=read,
        delete=lambda: it.call("ec2", "disassociate_route_table", AssociationId=association),
    )


def security_group(it: Resource) -> Made:
    ingress, egress = it.take("ingress"), it.take("egress")
    made = it.create("ec2", "create_security_group", names={"name": "GroupName"}, tagged="security-group")
    group = made["GroupId"]
    # A group is made with a rule that lets everything out; the provider takes it away.
    _replace_rules(it, group, "egress", egress or [])
    _replace_rules(it, group, "ingress", ingress or [])
    it.asked["IpPermissions"] = _one_by_one([_permission(each) for each in ingress or []])
    it.asked["IpPermissionsEgress"] = _one_by_one([_permission(each) for each in egress or []])
    return Made(
        id=group,
        outputs={"arn": made["SecurityGroupArn"]},
        read=lambda: _group(it, group),
        delete=lambda: it.call("ec2", "delete_security_group", GroupId=group),
    )


def default_security_group(it: Resource) -> Made:
    vpc_id = it.take("vpcId")
    within = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    group = it.call("ec2", "describe_security_groups", Filters=within)["SecurityGroups"][0]["GroupId"]
    for direction in ("ingress", "egress"):
        _replace_rules(it, group, direction, it.take(direction) or [])
    it.call("ec2", "create_tags", Resources=[group], Tags=_tags(it.take("tags")))
    it.asked.update(IpPermissions=[], IpPermissionsEgress=[], VpcId=vpc_id)
    return Made(id=group, read=lambda: _group(it, group))


def security_group_ingress_rule(it: Resource) -> Made:
    asked = {
        name: it.take(name)
        for name in ("ipProtocol", "fromPort", "toPort", "description", "referencedSecurityGroupId")
        if name in it
    }
    permission = _permission(
        {
            "protocol": asked["ipProtocol"],
            "fromPort": asked["fromPort"],
            "toPort": asked["toPort"],
            "description": asked["description"],
            "securityGroups": [asked["referencedSecurityGroupId"]],
        }
    )
    made = it.create(
        "ec2",
        "authorize_security_group_ingress",
        names={"securityGroupId": "GroupId"},
        tagged="security-group-rule",
        IpPermissions=[permission],
    )
    rule = made["SecurityGroupRules"][0]
    it.asked.update(
        IpProtocol=asked["ipProtocol"],
        FromPort=asked["fromPort"],
        ToPort=asked["toPort"],
        Description=asked["description"],
        ReferencedGroupInfo={"GroupId": asked["referencedSecurityGroupId"]},
    )
    rule_id = rule["SecurityGroupRuleId"]
    return Made(
        id=rule_id,
        read=lambda: it.call("ec2", "describe_security_group_rules", SecurityGroupRuleIds=[rule_id])[
            "SecurityGroupRules"
        ][0],
        # moto keeps the description of a range only.
        hidden=("Description",),
        delete=lambda: it.call(
            "ec2", "revoke_security_group_ingress", GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule_id]
        ),
    )


def vpc_endpoint(it: Resource) -> Made:
    service = it["serviceName"]
    if service not in _services(it):
        raise LookupError(f"serviceName: got {service}, which moto does not know in {it.region}")
    made = it.create(
        "ec2", "create_vpc_endpoint", names={"policy": "PolicyDocument"}, tagged="vpc-endpoint"
    )["VpcEndpoint"]
    endpoint = made["VpcEndpointId"]

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_vpc_endpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
        groups = [each["GroupId"] for each in found.get("Groups", [])]
        return {**found, "SecurityGroupIds": groups}

    return Made(
        id=endpoint,
        read=read,
        delete=lambda: it.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[endpoint]),
    )


def _services(it: Resource) -> set[str]:
    return set(it.call("ec2", "describe_vpc_endpoint_services")["ServiceNames"])


def flow_log(it: Resource) -> Made:
    vpc_id = it.take("vpcId")
    made = it.create(
        "ec2",
        "create_flow_logs",
        names={"iamRoleArn": "DeliverLogsPermissionArn"},
        tagged="vpc-flow-log",
        ResourceIds=[vpc_id],
        ResourceType="VPC",
    )
    if made.get("Unsuccessful"):
        raise RuntimeError(str(made["Unsuccessful"]))
    (log,) = made["FlowLogIds"]
    it.asked["ResourceId"] = vpc_id
    return Made(
        id=log,
        read=lambda: it.call("ec2", "describe_flow_logs", FlowLogIds=[log])["FlowLogs"][0],
        delete=lambda: it.call("ec2", "delete_flow_logs", FlowLogIds=[log]),
    )


def network_acl(it: Resource) -> Made:
    subnets = it.take("subnetIds") or []
    rules = {"ingress": it.take("ingress") or [], "egress": it.take("egress") or []}
    acl = it.create("ec2", "create_network_acl", tagged="network-acl")["NetworkAcl"]["NetworkAclId"]
    entries = [
        {
            "RuleNumber": rule.pop("ruleNo"),
            "RuleAction": rule.pop("action"),
            # The API has numbers of protocols.
            "Protocol": {"tcp": "6"}[rule.pop("protocol")],
            "CidrBlock": rule.pop("cidrBlock"),
            "PortRange": {"From": rule.pop("fromPort"), "To": rule.pop("toPort")},
            "Egress": direction == "egress",
            **rule,
        }
        for direction in rules
        for rule in rules[direction]
    ]
    for entry in entries:
        it.call("ec2", "create_network_acl_entry", NetworkAclId=acl, **entry)
    it.asked["Entries"] = entries
    before = {each: _association(it, each) for each in subnets}
    for association in before.values():
        it.call(
            "ec2",
            "replace_network_acl_association",
            AssociationId=association["NetworkAclAssociationId"],
            NetworkAclId=acl,
        )
    it.asked["SubnetIds"] = subnets

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_network_acls", NetworkAclIds=[acl])["NetworkAcls"][0]
        # One that refuses everything else is there from the beginning.
        own = [each for each in found["Entries"] if each["RuleNumber"] < 32767]
        return {**found, "Entries": own, "SubnetIds": [each["SubnetId"] for each in found["Associations"]]}

    def delete() -> None:
        for each in subnets:
            it.call(
                "ec2",
                "replace_network_acl_association",
                AssociationId=_association(it, each)["NetworkAclAssociationId"],
                NetworkAclId=before[each]["NetworkAclId"],
            )
        it.call("ec2", "delete_network_acl", NetworkAclId=acl)

    return Made(id=acl, read=read, delete=delete)


def _association(it: Resource, subnet_id: str) -> dict[str, Any]:
    of = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    (found,) = it.call("ec2", "describe_network_acls", Filters=of)["NetworkAcls"]
    return next(each for each in found["Associations"] if each["SubnetId"] == subnet_id)


def _replace_rules(it: Resource, group: str, direction: str, rules: list[dict[str, Any]]) -> None:
    found = it.call("ec2", "describe_security_groups", GroupIds=[group])["SecurityGroups"][0]
    there = found["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
    if there:
        it.call("ec2", f"revoke_security_group_{direction}", GroupId=group, IpPermissions=there)
    if rules:
        permissions = [_permission(each) for each in rules]
        it.call("ec2", f"authorize_security_group_{direction}", GroupId=group, IpPermissions=permissions)


def _permission(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as the API has it: whom it lets through has the description."""
    left = dict(rule)
    described = {"Description": text} if (text := left.pop("description", None)) else {}
    sources = {
        "IpRanges": [{"CidrIp": each, **described} for each in left.pop("cidrBlocks", None) or []],
        "UserIdGroupPairs": [{"GroupId": each, **described} for each in left.pop("securityGroups", None) or []],
    }
    permission = {
        "IpProtocol": left.pop("protocol"),
        "FromPort": left.pop("fromPort"),
        "ToPort": left.pop("toPort"),
        **{name: value for name, value in sources.items() if value},
    }
    if left:
        raise NotImplementedError(f"a rule's {', '.join(left)}")
    return permission


def _group(it: Resource, group: str) -> dict[str, Any]:
    found = it.call("ec2", "describe_security_groups", GroupIds=[group])["SecurityGroups"][0]
    rules = {name: _one_by_one(found[name]) for name in ("IpPermissions", "IpPermissionsEgress")}
    return {**found, **rules}


def _one_by_one(permissions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A rule for each that is let through: the API puts those together that have the same ports."""
    return [
        {**{name: each[name] for name in ("IpProtocol", "FromPort", "ToPort")}, "Source": source}
        for each in permissions
        for kind in ("IpRanges", "UserIdGroupPairs", "Ipv6Ranges", "PrefixListIds")
        for source in each.get(kind, [])
    ]


def _tags(given: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in (given or {}).items()]


types = {
    "ec2/defaultRouteTable:DefaultRouteTable": default_route_table,
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": default_security_group,
    "ec2/eip:Eip": elastic_ip,
    "ec2/flowLog:FlowLog": flow_log,
    "ec2/internetGateway:InternetGateway": internet_gateway,
    "ec2/natGateway:NatGateway": nat_gateway,
    "ec2/networkAcl:NetworkAcl": network_acl,
    "ec2/route:Route": route,
    "ec2/routeTable:RouteTable": route_table,
    "ec2/routeTableAssociation:RouteTableAssociation": route_table_association,
    "ec2/securityGroup:SecurityGroup": security_group,
    "ec2/subnet:Subnet": subnet,
    "ec2/vpc:Vpc": vpc,
    "ec2/vpcEndpoint:VpcEndpoint": vpc_endpoint,
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": security_group_ingress_rule,
}
