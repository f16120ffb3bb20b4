"""Roles, policies, keys, secrets."""

from typing import Any

from resource import Made, Resource


def role(it: Resource) -> Made:
    made = it.create(
        "iam", "create_role", names={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}
    )["Role"]
    name = made["RoleName"]
    return Made(
        id=name,
        outputs={"arn": made["Arn"], "uniqueId": made["RoleId"]},
        read=lambda: it.call("iam", "get_role", RoleName=name)["Role"],
        delete=lambda: it.call("iam", "delete_role", RoleName=name),
    )


def role_policy(it: Resource) -> Made:
    of = {"RoleName": it.take("role"), "PolicyName": it.take("name")}
    it.set("iam", "put_role_policy", **of, PolicyDocument=it.take("policy"))
    return Made(
        read=lambda: it.call("iam", "get_role_policy", **of),
        delete=lambda: it.call("iam", "delete_role_policy", **of),
    )


def role_policy_attachment(it: Resource) -> Made:
    of = {"RoleName": it.take("role"), "PolicyArn": it.take("policyArn")}
    it.set("iam", "attach_role_policy", **of)

    def read() -> dict[str, Any] | None:
        attached = it.call("iam", "list_attached_role_policies", RoleName=of["RoleName"])["AttachedPolicies"]
        return next(({**of, **each} for each in attached if each["PolicyArn"] == of["PolicyArn"]), None)

    return Made(read=read, delete=lambda: it.call("iam", "detach_role_policy", **of))


def policy(it: Resource) -> Made:
    made = it.create("iam", "create_policy", names={"name": "PolicyName", "policy": "PolicyDocument"})["Policy"]
    arn = made["Arn"]

    def read() -> dict[str, Any]:
        found = it.call("iam", "get_policy", PolicyArn=arn)["Policy"]
        version = it.call("iam", "get_policy_version", PolicyArn=arn, VersionId=found["DefaultVersionId"])
        return {**found, "PolicyDocument": version["PolicyVersion"]["Document"]}

    return Made(
        id=arn,
        outputs={"arn": arn, "policyId": made["PolicyId"]},
        read=read,
        delete=lambda: it.call("iam", "delete_policy", PolicyArn=arn),
    )


def instance_profile(it: Resource) -> Made:
    of_role = it.take("role")
    made = it.create("iam", "create_instance_profile", names={"name": "InstanceProfileName"})["InstanceProfile"]
    name = made["InstanceProfileName"]
    within = {"InstanceProfileName": name, "RoleName": of_role}
    it.set("iam", "add_role_to_instance_profile", **within)

    def read() -> dict[str, Any]:
        found = it.call("iam", "get_instance_profile", InstanceProfileName=name)["InstanceProfile"]
        return {**found, "RoleName": found["Roles"][0]["RoleName"]}

    def delete() -> None:
        it.call("iam", "remove_role_from_instance_profile", **within)
        it.call("iam", "delete_instance_profile", InstanceProfileName=name)

    return Made(id=name, outputs={"arn": made["Arn"]}, read=read, delete=delete)


def open_id_connect_provider(it: Resource) -> Made:
    arn = it.create("iam", "create_open_id_connect_provider")["OpenIDConnectProviderArn"]
    of = {"OpenIDConnectProviderArn": arn}

    def read() -> dict[str, Any]:
        found = it.call("iam", "get_open_id_connect_provider", **of)
        # The API gives back no scheme.
        return {**found, "Url": f"https://{found['Url'].removeprefix('https://')}"}

    return Made(
        id=arn,
        outputs={"arn": arn},
        read=read,
        delete=lambda: it.call("iam", "delete_open_id_connect_provider", **of),
    )


def key(it: Resource) -> Made:
    rotates = it.take("enableKeyRotation")
    window = it.render(
        "kms", "schedule_key_deletion", "deletionWindowInDays", names={"deletionWindowInDays": "PendingWindowInDays"}
    )
    made = it.create("kms", "create_key")["KeyMetadata"]
    of = {"KeyId": made["KeyId"]}
    if rotates:
        it.call("kms", "enable_key_rotation", **of)
    it.asked["KeyRotationEnabled"] = rotates

    def read() -> dict[str, Any]:
        found = it.call("kms", "describe_key", **of)["KeyMetadata"]
        return {
            **found,
            **it.call("kms", "get_key_policy", **of, PolicyName="default"),
            **it.call("kms", "get_key_rotation_status", **of),
            "Tags": it.call("kms", "list_resource_tags", **of)["Tags"],
        }

    return Made(
        id=made["KeyId"],
        outputs={"arn": made["Arn"], "keyId": made["KeyId"]},
        read=read,
        delete=lambda: it.call("kms", "schedule_key_deletion", **of, **window),
    )


def key_alias(it: Resource) -> Made:
    name = it["name"]
    it.create("kms", "create_alias", names={"name": "AliasName"})

    def read() -> dict[str, Any] | None:
        return next((each for each in it.call("kms", "list_aliases")["Aliases"] if each["AliasName"] == name), None)

    found = read()
    assert found is not None
    return Made(
        id=name,
        outputs={"arn": found["AliasArn"]},
        read=read,
        delete=lambda: it.call("kms", "delete_alias", AliasName=name),
    )


def secret(it: Resource) -> Made:
    days = it.take("recoveryWindowInDays")
    made = it.create("secretsmanager", "create_secret")
    of = {"SecretId": made["ARN"]}
    forced = {"ForceDeleteWithoutRecovery": True} if days == 0 else {"RecoveryWindowInDays": days}
    it.check("secretsmanager", "delete_secret", {**of, **forced})
    return Made(
        id=made["ARN"],
        outputs={"arn": made["ARN"]},
        read=lambda: it.call("secretsmanager", "describe_secret", **of),
        delete=lambda: it.call("secretsmanager", "delete_secret", **of, **forced),
    )


def secret_version(it: Resource) -> Made:
    made = it.create("secretsmanager", "put_secret_value")
    of = {"SecretId": made["ARN"], "VersionId": made["VersionId"]}
    return Made(
        id=f"{made['ARN']}|{made['VersionId']}",
        outputs={"arn": made["ARN"], "versionId": made["VersionId"]},
        read=lambda: {
            **it.call("secretsmanager", "get_secret_value", **of),
            "SecretId": made["ARN"],
        },
    )


types = {
    "iam/instanceProfile:InstanceProfile": instance_profile,
    "iam/openIdConnectProvider:OpenIdConnectProvider": open_id_connect_provider,
    "iam/policy:Policy": policy,
    "iam/role:Role": role,
    "iam/rolePolicy:RolePolicy": role_policy,
    "iam/rolePolicyAttachment:RolePolicyAttachment": role_policy_attachment,
    "kms/alias:Alias": key_alias,
    "kms/key:Key": key,
    "secretsmanager/secret:Secret": secret,
    "secretsmanager/secretVersion:SecretVersion": secret_version,
}
