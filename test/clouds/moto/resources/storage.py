"""Buckets, logs, backups, zones."""

from collections.abc import Callable
from typing import Any

from resource import Made, Resource


def bucket(it: Resource) -> Made:
    it.leave("the provider empties the bucket itself", "forceDestroy")
    tags = it.take("tags")
    name = it["bucket"]
    it.create(
        "s3",
        "create_bucket",
        names={"objectLockEnabled": "ObjectLockEnabledForBucket"},
        CreateBucketConfiguration={"LocationConstraint": it.region},
    )
    of = {"Bucket": name}
    it.asked["LocationConstraint"] = it.region
    if tags:
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        it.call("s3", "put_bucket_tagging", **of, Tagging={"TagSet": tag_set})
        it.asked["Tags"] = tags

    def read() -> dict[str, Any]:
        found = {**of, **it.call("s3", "get_bucket_location", **of)}
        if "Tags" in it.asked:
            found["Tags"] = it.call("s3", "get_bucket_tagging", **of)["TagSet"]
        if "ObjectLockEnabledForBucket" in it.asked:
            lock = it.call("s3", "get_object_lock_configuration", **of)["ObjectLockConfiguration"]
            found["ObjectLockEnabledForBucket"] = lock["ObjectLockEnabled"] == "Enabled"
        return found

    return Made(
        id=name,
        outputs={"arn": f"arn:aws:s3:::{name}"},
        read=read,
        delete=lambda: it.call("s3", "delete_bucket", **of),
    )


def _setting(
    put: str, get: str, answer: str | None, delete: str | None = None, into: str | None = None
) -> Callable[[Resource], Made]:
    """
    A setting of a bucket. One that cannot be deleted goes with the bucket.

    answer: where in what is read the setting is
    into: the parameter that it is
    """

    def make(it: Resource) -> Made:
        of = {"Bucket": it.take("bucket")}
        it.create("s3", put, into=into, **of)

        def read() -> dict[str, Any]:
            found = it.call("s3", get, **of)
            return found[answer] if answer else found

        return Made(read=read, delete=(lambda: it.call("s3", delete, **of)) if delete else None)

    return make


def bucket_versioning(it: Resource) -> Made:
    of = {"Bucket": it.take("bucket")}
    it.create("s3", "put_bucket_versioning", **of)
    return Made(read=lambda: {"VersioningConfiguration": it.call("s3", "get_bucket_versioning", **of)})


def log_group(it: Resource) -> Made:
    days = it.take("retentionInDays")
    name = it["name"]
    it.create("logs", "create_log_group", names={"name": "logGroupName"})
    it.set("logs", "put_retention_policy", logGroupName=name, retentionInDays=days)

    def read() -> dict[str, Any] | None:
        found = it.call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
        group = next((each for each in found if each["logGroupName"] == name), None)
        return group and {**group, "Tags": it.call("logs", "list_tags_log_group", logGroupName=name)["tags"]}

    found = read()
    assert found is not None
    return Made(
        id=name,
        outputs={"arn": found["arn"].removesuffix(":*")},
        read=read,
        delete=lambda: it.call("logs", "delete_log_group", logGroupName=name),
    )


def backup_vault(it: Resource) -> Made:
    it.leave("the provider empties the vault itself", "forceDestroy")
    made = it.create(
        "backup", "create_backup_vault", names={"name": "BackupVaultName", "kmsKeyArn": "EncryptionKeyArn"}
    )
    of = {"BackupVaultName": made["BackupVaultName"]}

    def read() -> dict[str, Any]:
        found = it.call("backup", "describe_backup_vault", **of)
        tags = it.call("backup", "list_tags", ResourceArn=found["BackupVaultArn"])["Tags"]
        return {**found, "Tags": tags}

    return Made(
        id=made["BackupVaultName"],
        outputs={"arn": made["BackupVaultArn"]},
        read=read,
        delete=lambda: it.call("backup", "delete_backup_vault", **of),
    )


def backup_vault_lock(it: Resource) -> Made:
    name = it["backupVaultName"]
    it.create("backup", "put_backup_vault_lock_configuration")
    of = {"BackupVaultName": name}
    return Made(
        read=lambda: it.call("backup", "describe_backup_vault", **of),
        delete=lambda: it.call("backup", "delete_backup_vault_lock_configuration", **of),
    )


def backup_plan(it: Resource) -> Made:
    made = it.create(
        "backup",
        "create_backup_plan",
        into="BackupPlan",
        names={
            "name": "BackupPlanName",
            "rules.targetVaultName": "TargetBackupVaultName",
            "rules.schedule": "ScheduleExpression",
            "rules.startWindow": "StartWindowMinutes",
            "rules.completionWindow": "CompletionWindowMinutes",
            "rules.lifecycle.deleteAfter": "DeleteAfterDays",
            "rules.copyActions.destinationVaultArn": "DestinationBackupVaultArn",
            "rules.copyActions.lifecycle.deleteAfter": "DeleteAfterDays",
        },
    )
    of = {"BackupPlanId": made["BackupPlanId"]}

    def read() -> dict[str, Any]:
        found = it.call("backup", "get_backup_plan", **of)
        tags = it.call("backup", "list_tags", ResourceArn=found["BackupPlanArn"])["Tags"]
        return {**found["BackupPlan"], "Tags": tags, **{name: found[name] for name in found if name == "DeletionDate"}}

    return Made(
        id=made["BackupPlanId"],
        outputs={"arn": made["BackupPlanArn"], "version": made["VersionId"]},
        read=read,
        delete=lambda: it.call("backup", "delete_backup_plan", **of),
    )


def hosted_zone(it: Resource) -> Made:
    networks = [each["vpcId"] for each in it.take("vpcs")]
    comment, tags = it.take("comment"), it.take("tags")
    made = it.create(
        "route53",
        "create_hosted_zone",
        CallerReference=it["name"],
        VPC={"VPCRegion": it.region, "VPCId": networks[0]},
        HostedZoneConfig={"Comment": comment, "PrivateZone": True},
    )
    zone = made["HostedZone"]["Id"].removeprefix("/hostedzone/")
    of = {"ResourceType": "hostedzone", "ResourceId": zone}
    add = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    it.call("route53", "change_tags_for_resource", **of, AddTags=add)
    it.asked.update(
        Name=f"{it.asked['Name']}.", Config={"Comment": comment, "PrivateZone": True}, Tags=tags, Networks=networks
    )

    def read() -> dict[str, Any]:
        found = it.call("route53", "get_hosted_zone", Id=zone)
        tag_set = it.call("route53", "list_tags_for_resource", **of)["ResourceTagSet"]
        return {
            **found["HostedZone"],
            "Networks": [each["VPCId"] for each in found["VPCs"]],
            "Tags": tag_set["Tags"],
        }

    return Made(
        id=zone,
        outputs={"zoneId": zone, "arn": f"arn:aws:route53:::hostedzone/{zone}"},
        read=read,
        delete=lambda: it.call("route53", "delete_hosted_zone", Id=zone),
    )


types = {
    "backup/plan:Plan": backup_plan,
    "backup/vault:Vault": backup_vault,
    "backup/vaultLockConfiguration:VaultLockConfiguration": backup_vault_lock,
    "cloudwatch/logGroup:LogGroup": log_group,
    "route53/zone:Zone": hosted_zone,
    "s3/bucket:Bucket": bucket,
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        "put_bucket_lifecycle_configuration",
        "get_bucket_lifecycle_configuration",
        None,
        "delete_bucket_lifecycle",
        into="LifecycleConfiguration",
    ),
    "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _setting(
        "put_object_lock_configuration",
        "get_object_lock_configuration",
        "ObjectLockConfiguration",
        into="ObjectLockConfiguration",
    ),
    "s3/bucketPolicy:BucketPolicy": _setting("put_bucket_policy", "get_bucket_policy", None, "delete_bucket_policy"),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "put_public_access_block",
        "get_public_access_block",
        "PublicAccessBlockConfiguration",
        "delete_public_access_block",
        into="PublicAccessBlockConfiguration",
    ),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _setting(
        "put_bucket_encryption",
        "get_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        "delete_bucket_encryption",
        into="ServerSideEncryptionConfiguration",
    ),
    "s3/bucketVersioning:BucketVersioning": bucket_versioning,
}
