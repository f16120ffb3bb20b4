"""What joins networks and stands before them: transit gateways, load balancers, web ACLs."""

from typing import Any

from clients import client_of
from resource import Made, Resource


def transit_gateway(it: Resource) -> Made:
    options = ("defaultRouteTableAssociation", "defaultRouteTablePropagation", "autoAcceptSharedAttachments")
    made = it.create(
        "ec2",
        "create_transit_gateway",
        names={each: f"Options.{each[0].upper()}{each[1:]}" for each in options},
        tagged="transit-gateway",
    )["TransitGateway"]
    gateway = made["TransitGatewayId"]
    return Made(
        id=gateway,
        outputs={"arn": made["TransitGatewayArn"]},
        read=lambda: it.call("ec2", "describe_transit_gateways", TransitGatewayIds=[gateway])["TransitGateways"][0],
        delete=lambda: it.call("ec2", "delete_transit_gateway", TransitGatewayId=gateway),
    )


def transit_route_table(it: Resource) -> Made:
    made = it.create("ec2", "create_transit_gateway_route_table", tagged="transit-gateway-route-table")
    table = made["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]
    return Made(
        id=table,
        read=lambda: it.call("ec2", "describe_transit_gateway_route_tables", TransitGatewayRouteTableIds=[table])[
            "TransitGatewayRouteTables"
        ][0],
        delete=lambda: it.call("ec2", "delete_transit_gateway_route_table", TransitGatewayRouteTableId=table),
    )


def transit_attachment(it: Resource) -> Made:
    it.leave(
        "what the provider then does with the gateway's own route table, of which ours has none",
        "transitGatewayDefaultRouteTableAssociation",
        "transitGatewayDefaultRouteTablePropagation",
    )
    made = it.create("ec2", "create_transit_gateway_vpc_attachment", tagged="transit-gateway-attachment")
    attachment = made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    return Made(
        id=attachment,
        read=lambda: it.call(
            "ec2", "describe_transit_gateway_vpc_attachments", TransitGatewayAttachmentIds=[attachment]
        )["TransitGatewayVpcAttachments"][0],
        # moto looks for those of a route table.
        hidden=("Tags",),
        delete=lambda: it.call(
            "ec2", "delete_transit_gateway_vpc_attachment", TransitGatewayAttachmentId=attachment
        ),
    )


def transit_association(it: Resource) -> Made:
    of = {
        "TransitGatewayAttachmentId": it["transitGatewayAttachmentId"],
        "TransitGatewayRouteTableId": it["transitGatewayRouteTableId"],
    }
    it.create("ec2", "associate_transit_gateway_route_table")

    def read() -> dict[str, Any] | None:
        found = it.call(
            "ec2",
            "get_transit_gateway_route_table_associations",
            TransitGatewayRouteTableId=of["TransitGatewayRouteTableId"],
        )["Associations"]
        attachment = of["TransitGatewayAttachmentId"]
        return next(({**of, **each} for each in found if each["TransitGatewayAttachmentId"] == attachment), None)

    return Made(
        read=read, delete=lambda: it.call("ec2", "disassociate_transit_gateway_route_table", **of)
    )


def transit_route(it: Resource) -> Made:
    table, to = it["transitGatewayRouteTableId"], it["destinationCidrBlock"]
    it.create("ec2", "create_transit_gateway_route")
    # moto finds no route again: its answer to SearchTransitGatewayRoutes is always empty.
    return Made(
        delete=lambda: it.call(
            "ec2", "delete_transit_gateway_route", TransitGatewayRouteTableId=table, DestinationCidrBlock=to
        ),
    )


def load_balancer(it: Resource) -> Made:
    attributes = {
        "routing.http.drop_invalid_header_fields.enabled": it.take("dropInvalidHeaderFields"),
        "idle_timeout.timeout_seconds": it.take("idleTimeout"),
        "deletion_protection.enabled": it.take("enableDeletionProtection"),
    }
    internal = it.take("internal")
    made = it.create(
        "elbv2",
        "create_load_balancer",
        names={"loadBalancerType": "Type"},
        Scheme="internal" if internal else "internet-facing",
    )["LoadBalancers"][0]
    of = {"LoadBalancerArn": made["LoadBalancerArn"]}
    wanted = [{"Key": key, "Value": str(value).lower()} for key, value in attributes.items()]
    it.call("elbv2", "modify_load_balancer_attributes", **of, Attributes=wanted)
    it.asked["Scheme"] = "internal" if internal else "internet-facing"
    it.asked["Attributes"] = {each["Key"]: each["Value"] for each in wanted}

    def read() -> dict[str, Any]:
        found = it.call("elbv2", "describe_load_balancers", LoadBalancerArns=list(of.values()))["LoadBalancers"][0]
        return {
            **found,
            "Name": found["LoadBalancerName"],
            "Subnets": [each["SubnetId"] for each in found["AvailabilityZones"]],
            "Attributes": it.call("elbv2", "describe_load_balancer_attributes", **of)["Attributes"],
            "Tags": _tags(it, made["LoadBalancerArn"]),
        }

    return Made(
        id=made["LoadBalancerArn"],
        outputs={"arn": made["LoadBalancerArn"], "dnsName": made["DNSName"], "zoneId": made["CanonicalHostedZoneId"]},
        read=read,
        delete=lambda: it.call("elbv2", "delete_load_balancer", **of),
    )


def target_group(it: Resource) -> Made:
    it.spread("healthCheck")
    made = it.create("elbv2", "create_target_group", names={"healthCheckMatcher": "Matcher.HttpCode"})["TargetGroups"][0]
    arn = made["TargetGroupArn"]

    def read() -> dict[str, Any]:
        found = it.call("elbv2", "describe_target_groups", TargetGroupArns=[arn])["TargetGroups"][0]
        return {**found, "Name": found["TargetGroupName"], "Tags": _tags(it, arn)}

    return Made(
        id=arn,
        outputs={"arn": arn},
        read=read,
        delete=lambda: it.call("elbv2", "delete_target_group", TargetGroupArn=arn),
    )


def listener(it: Resource) -> Made:
    certificate = it.take("certificateArn")
    made = it.create("elbv2", "create_listener", Certificates=[{"CertificateArn": certificate}])["Listeners"][0]
    arn = made["ListenerArn"]
    it.asked["Certificates"] = [{"CertificateArn": certificate}]

    def read() -> dict[str, Any]:
        found = it.call("elbv2", "describe_listeners", ListenerArns=[arn])["Listeners"][0]
        return {**found, "Tags": _tags(it, arn)}

    return Made(
        id=arn,
        outputs={"arn": arn},
        read=read,
        delete=lambda: it.call("elbv2", "delete_listener", ListenerArn=arn),
    )


def _tags(it: Resource, arn: str) -> Any:
    return it.call("elbv2", "describe_tags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"]


def autoscaling_attachment(it: Resource) -> Made:
    group, target = it.take("autoscalingGroupName"), it.take("lbTargetGroupArn")
    of = {"AutoScalingGroupName": group, "TargetGroupARNs": [target]}
    it.set("autoscaling", "attach_load_balancer_target_groups", **of)

    def read() -> dict[str, Any] | None:
        (found,) = it.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[group])[
            "AutoScalingGroups"
        ]
        return found if target in found["TargetGroupARNs"] else None

    return Made(
        read=read, delete=lambda: it.call("autoscaling", "detach_load_balancer_target_groups", **of)
    )


def ip_set(it: Resource) -> Made:
    made = it.create("wafv2", "create_ip_set", names={"ipAddressVersion": "IPAddressVersion"})["Summary"]
    return _guard(it, made, "ip_set", "IPSet")


def web_acl(it: Resource) -> Made:
    made = it.create("wafv2", "create_web_acl")["Summary"]
    return _guard(it, made, "web_acl", "WebACL")


def _guard(it: Resource, made: dict[str, Any], kind: str, answer: str) -> Made:
    of = {"Name": made["Name"], "Scope": it.asked["Scope"], "Id": made["Id"]}

    def get() -> dict[str, Any]:
        return it.call("wafv2", f"get_{kind}", **of)

    def read() -> dict[str, Any]:
        tags = it.call("wafv2", "list_tags_for_resource", ResourceARN=made["ARN"])["TagInfoForResource"]["TagList"]
        return {**get()[answer], "Scope": of["Scope"], "Tags": tags}

    return Made(
        id=made["Id"],
        outputs={"arn": made["ARN"]},
        read=read,
        # moto's tokens of IP sets are none of those that the model has, so this is not checked.
        delete=lambda: getattr(client_of("wafv2", it.region), f"delete_{kind}")(**of, LockToken=get()["LockToken"]),
    )


def web_acl_association(it: Resource) -> Made:
    of = {"ResourceArn": it["resourceArn"]}
    acl = it["webAclArn"]
    it.create("wafv2", "associate_web_acl")

    def read() -> dict[str, Any] | None:
        found = it.call("wafv2", "get_web_acl_for_resource", **of).get("WebACL")
        return {**of, "WebACLArn": found["ARN"]} if found and found["ARN"] == acl else None

    return Made(read=read, delete=lambda: it.call("wafv2", "disassociate_web_acl", **of))


def web_acl_logging(it: Resource) -> Made:
    of = {"ResourceArn": it["resourceArn"]}
    it.create("wafv2", "put_logging_configuration", into="LoggingConfiguration")
    return Made(
        read=lambda: it.call("wafv2", "get_logging_configuration", **of)["LoggingConfiguration"],
        delete=lambda: it.call("wafv2", "delete_logging_configuration", **of),
    )


types = {
    "autoscaling/attachment:Attachment": autoscaling_attachment,
    "ec2transitgateway/route:Route": transit_route,
    "ec2transitgateway/routeTable:RouteTable": transit_route_table,
    "ec2transitgateway/routeTableAssociation:RouteTableAssociation": transit_association,
    "ec2transitgateway/transitGateway:TransitGateway": transit_gateway,
    "ec2transitgateway/vpcAttachment:VpcAttachment": transit_attachment,
    "lb/listener:Listener": listener,
    "lb/loadBalancer:LoadBalancer": load_balancer,
    "lb/targetGroup:TargetGroup": target_group,
    "wafv2/ipSet:IpSet": ip_set,
    "wafv2/webAcl:WebAcl": web_acl,
    "wafv2/webAclAssociation:WebAclAssociation": web_acl_association,
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": web_acl_logging,
}
