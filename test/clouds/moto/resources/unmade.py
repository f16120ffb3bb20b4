"""Types that moto does not know: their inputs are checked as parameters, and what they refer to; nothing is made."""

from importlib import import_module
from typing import Any

from resource import Made, Resource


def add_on(it: Resource) -> Made:
    it.render("eks", "update_addon", "resolveConflictsOnUpdate", names={"resolveConflictsOnUpdate": "resolveConflicts"})
    _check(it, "eks", "create_addon", names={"resolveConflictsOnCreate": "resolveConflicts"})
    return Made()


def access_entry(it: Resource) -> Made:
    _check(it, "eks", "create_access_entry")
    return Made()


def access_policy_association(it: Resource) -> Made:
    _check(it, "eks", "associate_access_policy")
    return Made()


def backup_selection(it: Resource) -> Made:
    plan = it.take("planId")
    it.call("backup", "get_backup_plan", BackupPlanId=plan)
    _check(
        it,
        "backup",
        "create_backup_selection",
        into="BackupSelection",
        names={"name": "SelectionName"},
        BackupPlanId=plan,
    )
    return Made()


def _check(it: Resource, service: str, operation: str, **how: Any) -> None:
    it.check(service, operation, it.parameters(service, operation, **how))


types = {
    "backup/selection:Selection": (backup_selection, "backup", "create_backup_selection"),
    "eks/accessEntry:AccessEntry": (access_entry, "eks", "create_access_entry"),
    "eks/accessPolicyAssociation:AccessPolicyAssociation": (
        access_policy_association,
        "eks",
        "associate_access_policy",
    ),
    "eks/addon:Addon": (add_on, "eks", "create_addon"),
}
"""By type: how it is checked, and the operation that moto does not have."""


def answers(kind: str) -> bool:
    """Whether moto has the operation by now: then the type is to be made."""
    _, service, operation = types[kind]
    responses = vars(import_module(f"moto.{service}.responses")).values()
    return any(isinstance(each, type) and hasattr(each, operation) for each in responses)
