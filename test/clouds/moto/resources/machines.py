"""Machines, clusters of Kubernetes, databases."""

from typing import Any

from resource import Made, Resource


def launch_template(it: Resource) -> Made:
    # The provider makes up a name where it is given none.
    name = it.take("name") or it.name
    made = it.create(
        "ec2",
        "create_launch_template",
        into="LaunchTemplateData",
        names={"vpcSecurityGroupIds": "SecurityGroupIds"},
        tagged="launch-template",
        LaunchTemplateName=name,
    )["LaunchTemplate"]
    template = made["LaunchTemplateId"]

    def read() -> dict[str, Any]:
        of = {"LaunchTemplateId": template}
        (version,) = it.call("ec2", "describe_launch_template_versions", **of)["LaunchTemplateVersions"]
        found = it.call("ec2", "describe_launch_templates", LaunchTemplateIds=[template])["LaunchTemplates"][0]
        data = version["LaunchTemplateData"]
        # moto puts the template's own tags there too.
        tags = [each for each in data.get("TagSpecifications", []) if each["ResourceType"] != "launch-template"]
        return {**data, "TagSpecifications": tags, "Tags": found.get("Tags")}

    return Made(
        id=template,
        outputs={"latestVersion": made["LatestVersionNumber"], "defaultVersion": made["DefaultVersionNumber"]},
        read=read,
        delete=lambda: it.call("ec2", "delete_launch_template", LaunchTemplateId=template),
    )


def instance(it: Resource) -> Made:
    template = it["launchTemplate"]
    address = it.take("associatePublicIpAddress")
    subnet, groups = it.take("subnetId"), it.take("vpcSecurityGroupIds") or []
    asked = it.parameters(
        "ec2",
        "run_instances",
        names={"launchTemplate.id": "LaunchTemplateId"},
        tagged="instance",
        MinCount=1,
        MaxCount=1,
    )
    data = it.call(
        "ec2",
        "describe_launch_template_versions",
        LaunchTemplateId=template["id"],
        Versions=[template["version"]],
    )["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    if address is None:
        asked.update(SubnetId=subnet, **({"SecurityGroupIds": groups} if groups else {}))
    else:
        # The provider puts what it knows of addresses into an interface. EC2 then takes groups nowhere else; moto does.
        if "SecurityGroupIds" in data:
            raise ValueError(f"{template['id']} has security groups, and the request has interfaces: only one of them may")
        interface = {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": address, "Groups": groups}
        asked["NetworkInterfaces"] = [interface]
    # moto does not take the image from the template.
    machine = it.call("ec2", "run_instances", **asked, ImageId=_image(it, data))["Instances"][0]
    it.asked.update(SubnetId=subnet, SecurityGroups=[{"GroupId": group} for group in groups], PublicIpAddress=address)
    instance_id = machine["InstanceId"]

    def read() -> dict[str, Any]:
        found = it.call("ec2", "describe_instances", InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        # moto says of the groups of an interface only there.
        groups = [group for each in found["NetworkInterfaces"] for group in each["Groups"]]
        return {**found, "SecurityGroups": groups, "PublicIpAddress": "PublicIpAddress" in found}

    return Made(
        id=instance_id,
        outputs={"arn": f"arn:aws:ec2:{it.region}:{machine['NetworkInterfaces'][0]['OwnerId']}:instance/{instance_id}"},
        read=read,
        hidden=("LaunchTemplate",),
        delete=lambda: it.call("ec2", "terminate_instances", InstanceIds=[instance_id]),
    )


def _image(it: Resource, template: dict[str, Any]) -> str:
    """The image that a template means, which has to run on machines of the type that it says."""
    image = template["ImageId"]
    if image.startswith("resolve:ssm:"):
        image = it.call("ssm", "get_parameter", Name=image.removeprefix("resolve:ssm:"))["Parameter"]["Value"]
    (found,) = it.call("ec2", "describe_images", ImageIds=[image])["Images"]
    (of_type,) = it.call("ec2", "describe_instance_types", InstanceTypes=[template["InstanceType"]])["InstanceTypes"]
    runs = of_type["ProcessorInfo"]["SupportedArchitectures"]
    if found["Architecture"] not in runs:
        raise ValueError(f"{template['ImageId']} is for {found['Architecture']}; {template['InstanceType']} runs {runs}")
    return image


def cluster(it: Resource) -> Made:
    types = it.take("enabledClusterLogTypes")
    network = it["vpcConfig"]
    name = it["name"]
    asked = it.parameters(
        "eks",
        "create_cluster",
        names={"vpcConfig": "resourcesVpcConfig"},
        logging={"clusterLogging": [{"types": types, "enabled": True}]},
    )
    it.asked["logging"] = asked["logging"]
    made = it.call("eks", "create_cluster", **asked)["cluster"]
    # EKS makes a security group for machines; moto does not.
    vpc_id = it.call("ec2", "describe_subnets", SubnetIds=[network["subnetIds"][0]])["Subnets"][0]["VpcId"]
    group = it.call(
        "ec2",
        "create_security_group",
        GroupName=f"eks-cluster-sg-{name}",
        Description="EKS created security group",
        VpcId=vpc_id,
    )["GroupId"]

    def delete() -> None:
        it.call("eks", "delete_cluster", name=name)
        it.call("ec2", "delete_security_group", GroupId=group)

    return Made(
        id=name,
        outputs={
            "arn": made["arn"],
            "endpoint": made["endpoint"],
            "identities": [{"oidcs": [{"issuer": made["identity"]["oidc"]["issuer"]}]}],
            "certificateAuthority": made["certificateAuthority"],
            "vpcConfig": {**network, "vpcId": vpc_id, "clusterSecurityGroupId": group},
        },
        read=lambda: it.call("eks", "describe_cluster", name=name)["cluster"],
        hidden=(
            "accessConfig",
            "bootstrapSelfManagedAddons",
            "deletionProtection",
            "upgradePolicy",
            "zonalShiftConfig",
        ),
        delete=delete,
    )


def node_group(it: Resource) -> Made:
    subnets, scaling = it["subnetIds"], it["scalingConfig"]
    template = it["launchTemplate"]
    of = {"clusterName": it["clusterName"], "nodegroupName": it["nodeGroupName"]}
    made = it.create("eks", "create_nodegroup", names={"nodeRoleArn": "nodeRole", "subnetIds": "subnets"})["nodegroup"]
    # EKS makes the group that its machines are in; moto only names it.
    (group,) = [each["name"] for each in made["resources"]["autoScalingGroups"]]
    it.call(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName=group,
        MinSize=0,
        MaxSize=scaling["maxSize"],
        DesiredCapacity=0,
        VPCZoneIdentifier=",".join(subnets),
        LaunchTemplate={"LaunchTemplateId": template["id"], "Version": template["version"]},
    )

    def delete() -> None:
        it.call("eks", "delete_nodegroup", **of)
        it.call("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=group)

    return Made(
        id=":".join(of.values()),
        outputs={
            "arn": made["nodegroupArn"],
            "resources": [{"autoscalingGroups": [{"name": group}], "remoteAccessSecurityGroupId": ""}],
        },
        read=lambda: it.call("eks", "describe_nodegroup", **of)["nodegroup"],
        # moto takes these and keeps them to itself.
        hidden=("nodeRepairConfig", "updateConfig"),
        delete=delete,
    )


def database_instance(it: Resource) -> Made:
    it.render("rds", "modify_db_instance", "allowMajorVersionUpgrade")
    last = it.render(
        "rds",
        "delete_db_instance",
        "skipFinalSnapshot",
        "finalSnapshotIdentifier",
        "deleteAutomatedBackups",
        names={"finalSnapshotIdentifier": "FinalDBSnapshotIdentifier"},
    )
    made = it.create(
        "rds",
        "create_db_instance",
        names={
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "username": "MasterUsername",
            "password": "MasterUserPassword",
            "parameterGroupName": "DBParameterGroupName",
            "backupWindow": "PreferredBackupWindow",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "caCertIdentifier": "CACertificateIdentifier",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
        },
    )["DBInstance"]
    of = {"DBInstanceIdentifier": made["DBInstanceIdentifier"]}
    it.check("rds", "delete_db_instance", {**of, **last})

    def read() -> dict[str, Any]:
        found = it.call("rds", "describe_db_instances", **of)["DBInstances"][0]
        return {
            **found,
            "Tags": found["TagList"],
            "DBSubnetGroupName": found["DBSubnetGroup"]["DBSubnetGroupName"],
            "DBParameterGroupName": found["DBParameterGroups"][0]["DBParameterGroupName"],
            "VpcSecurityGroupIds": [each["VpcSecurityGroupId"] for each in found["VpcSecurityGroups"]],
        }

    endpoint = made["Endpoint"]
    return Made(
        id=made["DbiResourceId"],
        outputs={
            "arn": made["DBInstanceArn"],
            "address": endpoint["Address"],
            "port": endpoint["Port"],
            "endpoint": f"{endpoint['Address']}:{endpoint['Port']}",
            "resourceId": made["DbiResourceId"],
        },
        read=read,
        hidden=(
            "MasterUserPassword",
            # moto takes these and keeps them to itself.
            "MonitoringInterval",
            "MonitoringRoleArn",
            "EnablePerformanceInsights",
            "PerformanceInsightsKMSKeyId",
            "PerformanceInsightsRetentionPeriod",
        ),
        delete=lambda: it.call("rds", "delete_db_instance", **of, **last),
    )


def parameter_group(it: Resource) -> Made:
    parameters = it.render(
        "rds",
        "modify_db_parameter_group",
        "parameters",
        names={"parameters.name": "ParameterName", "parameters.value": "ParameterValue"},
    )["Parameters"]
    made = it.create(
        "rds",
        "create_db_parameter_group",
        names={"name": "DBParameterGroupName", "family": "DBParameterGroupFamily"},
    )["DBParameterGroup"]
    of = {"DBParameterGroupName": made["DBParameterGroupName"]}
    # The provider sends 20 at a time.
    for first in range(0, len(parameters), 20):
        it.call("rds", "modify_db_parameter_group", **of, Parameters=parameters[first : first + 20])
    it.asked["Parameters"] = parameters

    def read() -> dict[str, Any]:
        found = it.call("rds", "describe_db_parameter_groups", **of)["DBParameterGroups"][0]
        return {
            **found,
            "Parameters": it.call("rds", "describe_db_parameters", **of)["Parameters"],
            "Tags": _tags(it, found["DBParameterGroupArn"]),
        }

    return Made(
        id=made["DBParameterGroupName"],
        outputs={"arn": made["DBParameterGroupArn"]},
        read=read,
        delete=lambda: it.call("rds", "delete_db_parameter_group", **of),
    )


def subnet_group(it: Resource) -> Made:
    made = it.create(
        "rds",
        "create_db_subnet_group",
        names={"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
    )["DBSubnetGroup"]
    of = {"DBSubnetGroupName": made["DBSubnetGroupName"]}

    def read() -> dict[str, Any]:
        found = it.call("rds", "describe_db_subnet_groups", **of)["DBSubnetGroups"][0]
        subnets = [each["SubnetIdentifier"] for each in found["Subnets"]]
        return {**found, "SubnetIds": subnets, "Tags": _tags(it, found["DBSubnetGroupArn"])}

    return Made(
        id=made["DBSubnetGroupName"],
        outputs={"arn": made["DBSubnetGroupArn"]},
        read=read,
        delete=lambda: it.call("rds", "delete_db_subnet_group", **of),
    )


def _tags(it: Resource, arn: str) -> Any:
    return it.call("rds", "list_tags_for_resource", ResourceName=arn)["TagList"]


types = {
    "ec2/instance:Instance": instance,
    "ec2/launchTemplate:LaunchTemplate": launch_template,
    "eks/cluster:Cluster": cluster,
    "eks/nodeGroup:NodeGroup": node_group,
    "rds/instance:Instance": database_instance,
    "rds/parameterGroup:ParameterGroup": parameter_group,
    "rds/subnetGroup:SubnetGroup": subnet_group,
}
