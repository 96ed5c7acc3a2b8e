# ruff: noqa: N803  the parameters are named as AWS names them
"""IAM, CloudWatch Logs and Step Functions of the account in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tc.errors import AwsError

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def refuse(code: str, message: str) -> AwsError:
    return AwsError(message, aws_code=code, operation="fake", status=400)


def pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {
        tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags
    }


class Part:
    account: str
    region: str

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


class Roles(Part):
    def start(self) -> None:
        self.roles: dict[str, dict[str, Any]] = {}

    def _role(self, name: str) -> dict[str, Any]:
        if name not in self.roles:
            raise refuse("NoSuchEntity", f"The role with name {name} cannot be found.")
        return self.roles[name]

    def iam_create_role(
        self, RoleName: str, Path: str, Tags: list[dict[str, str]], **given: Any
    ) -> Any:
        assert len(RoleName) <= 64
        if RoleName in self.roles:
            raise refuse("EntityAlreadyExists", f"Role with name {RoleName} already exists.")
        boundary = given.get("PermissionsBoundary")
        role = {
            **({"PermissionsBoundary": {"PermissionsBoundaryArn": boundary}} if boundary else {}),
            "RoleName": RoleName,
            "Path": Path,
            "Arn": f"arn:aws:iam::{self.account}:role{Path}{RoleName}",
            "Description": given["Description"],
            "AssumeRolePolicyDocument": json.loads(given["AssumeRolePolicyDocument"]),
            "CreateDate": SINCE,
        }
        self.roles[RoleName] = {"role": role, "policies": {}, "attached": [], "tags": pairs(Tags)}
        return {"Role": role}

    def iam_get_role(self, RoleName: str) -> Any:
        return {"Role": {**self._role(RoleName)["role"], **self.iam_list_role_tags(RoleName)}}

    def iam_list_role_tags(self, RoleName: str) -> Any:
        tags = self._role(RoleName)["tags"]
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def iam_tag_role(self, RoleName: str, Tags: list[dict[str, str]]) -> None:
        self._role(RoleName)["tags"].update(pairs(Tags))

    def iam_untag_role(self, RoleName: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._role(RoleName)["tags"].pop(key, None)

    def iam_put_role_permissions_boundary(self, RoleName: str, PermissionsBoundary: str) -> None:
        told = {"PermissionsBoundaryArn": PermissionsBoundary}
        self._role(RoleName)["role"]["PermissionsBoundary"] = told

    def iam_delete_role_permissions_boundary(self, RoleName: str) -> None:
        del self._role(RoleName)["role"]["PermissionsBoundary"]

    def iam_list_roles(self, PathPrefix: str) -> Any:
        """As AWS does, without boundaries and tags."""
        hidden = {"PermissionsBoundary"}
        roles = [
            {key: value for key, value in role["role"].items() if key not in hidden}
            for role in self.roles.values()
        ]
        return {"Roles": [role for role in roles if role["Path"].startswith(PathPrefix)]}

    def iam_put_role_policy(self, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:
        assert json.loads(PolicyDocument)["Statement"], "IAM refuses a policy without statements"
        self._role(RoleName)["policies"][PolicyName] = PolicyDocument

    def iam_get_role_policy(self, RoleName: str, PolicyName: str) -> Any:
        policies = self._role(RoleName)["policies"]
        if PolicyName not in policies:
            raise refuse("NoSuchEntity", "no such policy")
        return {"PolicyDocument": json.loads(policies[PolicyName])}

    def iam_delete_role_policy(self, RoleName: str, PolicyName: str) -> None:
        if self._role(RoleName)["policies"].pop(PolicyName, None) is None:
            raise refuse("NoSuchEntity", "no such policy")

    def iam_list_role_policies(self, RoleName: str) -> Any:
        return {"PolicyNames": list(self._role(RoleName)["policies"])}

    def iam_list_attached_role_policies(self, RoleName: str) -> Any:
        attached = [{"PolicyArn": arn} for arn in self._role(RoleName)["attached"]]
        return {"AttachedPolicies": attached}

    def iam_detach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self._role(RoleName)["attached"].remove(PolicyArn)

    def iam_update_assume_role_policy(self, RoleName: str, PolicyDocument: str) -> None:
        self._role(RoleName)["role"]["AssumeRolePolicyDocument"] = json.loads(PolicyDocument)

    def iam_delete_role(self, RoleName: str) -> None:
        role = self._role(RoleName)
        if role["policies"] or role["attached"]:
            raise refuse("DeleteConflict", "Cannot delete entity, must detach all policies first.")
        del self.roles[RoleName]


class Logs(Part):
    def start(self) -> None:
        self.groups: dict[str, dict[str, Any]] = {}

    def _group(self, name: str) -> dict[str, Any]:
        if name not in self.groups:
            raise refuse("ResourceNotFoundException", "The specified log group does not exist.")
        return self.groups[name]

    def logs_describe_log_groups(self, logGroupNamePrefix: str) -> Any:
        groups = [
            {"logGroupName": name, **({"retentionInDays": g["days"]} if g["days"] else {})}
            for name, g in self.groups.items()
            if name.startswith(logGroupNamePrefix)
        ]
        return {"logGroups": groups}

    def logs_list_tags_for_resource(self, resourceArn: str) -> Any:
        return {"tags": self._group(resourceArn.split(":log-group:")[1])["tags"]}

    def logs_create_log_group(self, logGroupName: str, tags: dict[str, str]) -> None:
        if logGroupName in self.groups:
            raise refuse("ResourceAlreadyExistsException", "The log group already exists")
        self.groups[logGroupName] = {"days": None, "tags": tags}

    def logs_untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            self._group(resourceArn.split(":log-group:")[1])["tags"].pop(key, None)

    def logs_tag_resource(self, resourceArn: str, tags: dict[str, str]) -> None:
        self._group(resourceArn.split(":log-group:")[1])["tags"].update(tags)

    def logs_put_retention_policy(self, logGroupName: str, retentionInDays: int) -> None:
        self._group(logGroupName)["days"] = retentionInDays

    def logs_delete_log_group(self, logGroupName: str) -> None:
        self._group(logGroupName)
        del self.groups[logGroupName]


class StateMachines(Part):
    groups: dict[str, dict[str, Any]]
    _activity: Callable[[str], dict[str, Any]]

    def start(self) -> None:
        self.machines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, list[str]] = {}
        self.flow_versions: dict[str, dict[str, Any]] = {}
        self.flow_aliases: dict[str, dict[str, Any]] = {}
        self.executions: list[dict[str, Any]] = []

    def _machine(self, arn: str) -> dict[str, Any]:
        if ":activity:" in arn:
            return self._activity(arn)
        if arn in self.flow_versions:
            return self.flow_versions[arn]
        for machine in self.machines.values():
            if machine["stateMachineArn"] == arn:
                return machine
        raise refuse("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")

    def stepfunctions_create_state_machine(self, name: str, tags: Any, **given: Any) -> Any:
        assert len(name) <= 80
        if name in self.machines:
            raise refuse("StateMachineAlreadyExists", "State Machine Already Exists")
        arn = self.arn("states", f"stateMachine:{name}")
        self.machines[name] = {
            "type": given.pop("type"),
            "stateMachineArn": arn,
            "status": "ACTIVE",
            "creationDate": SINCE,
            "tags": pairs(tags),
        }
        try:
            self._configure_machine(name, given)
        except AwsError:
            del self.machines[name]
            raise
        return {"stateMachineArn": arn}

    def stepfunctions_describe_state_machine(self, stateMachineArn: str) -> Any:
        return self._machine(stateMachineArn)

    def stepfunctions_list_tags_for_resource(self, resourceArn: str) -> Any:
        tags = self._machine(resourceArn)["tags"]
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def stepfunctions_update_state_machine(self, stateMachineArn: str, **given: Any) -> None:
        self._machine(stateMachineArn)
        name = stateMachineArn.split(":stateMachine:")[1]
        self._configure_machine(name, given)

    def _configure_machine(self, name: str, given: dict[str, Any]) -> None:
        """Step Functions tests that the role may write to the log group."""
        publishes = given.pop("publish", False)
        description = given.pop("versionDescription", None)
        known = {"definition", "roleArn", "loggingConfiguration", "tracingConfiguration"}
        assert set(given) <= known
        for destination in given.get("loggingConfiguration", {}).get("destinations", []):
            group = destination["cloudWatchLogsLogGroup"]["logGroupArn"]
            assert group.endswith(":*"), "the ARN of a log group ends in :*"
            if group.split(":log-group:")[1].removesuffix(":*") not in self.groups:
                raise refuse("InvalidLoggingConfiguration", "The log group does not exist.")
        self.machines[name].update(given)
        if publishes:
            self.versions.setdefault(name, []).append(description)

    def stepfunctions_tag_resource(self, resourceArn: str, tags: Any) -> None:
        self._machine(resourceArn)["tags"].update(pairs(tags))

    def stepfunctions_untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            self._machine(resourceArn)["tags"].pop(key, None)

    def stepfunctions_delete_state_machine(self, stateMachineArn: str) -> None:
        self.machines = {
            name: machine
            for name, machine in self.machines.items()
            if machine["stateMachineArn"] != stateMachineArn
        }
        for known in (self.flow_versions, self.flow_aliases):
            for arn in [arn for arn in known if arn.startswith(f"{stateMachineArn}:")]:
                del known[arn]

    # versions and aliases

    def stepfunctions_publish_state_machine_version(
        self, stateMachineArn: str, description: str
    ) -> Any:
        """Step Functions doesn't publish what hasn't changed."""
        live = self._machine(stateMachineArn)
        last = f"{stateMachineArn}:{live.get('published', 0)}"
        told = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "type")
        made = {key: live[key] for key in told if key in live}
        before = self.flow_versions.get(last, {})
        if any(before.get(key) != value for key, value in made.items()):
            live["published"] = live.get("published", 0) + 1
            last = f"{stateMachineArn}:{live['published']}"
            self.flow_versions[last] = {**made, "description": description}
        return {"stateMachineVersionArn": last}

    def stepfunctions_list_state_machine_versions(self, stateMachineArn: str) -> Any:
        self._machine(stateMachineArn)
        found = [arn for arn in self.flow_versions if arn.startswith(f"{stateMachineArn}:")]
        return {"stateMachineVersions": [{"stateMachineVersionArn": a} for a in reversed(found)]}

    def stepfunctions_delete_state_machine_version(self, stateMachineVersionArn: str) -> None:
        routed = [
            one["stateMachineVersionArn"]
            for alias in self.flow_aliases.values()
            for one in alias["routingConfiguration"]
        ]
        if stateMachineVersionArn in routed:
            raise refuse("ConflictException", "an alias references the version")
        del self.flow_versions[stateMachineVersionArn]

    def stepfunctions_create_state_machine_alias(self, name: str, **given: Any) -> Any:
        (route,) = given["routingConfiguration"]
        version = route["stateMachineVersionArn"]
        self._machine(version)
        arn = f"{version.rpartition(':')[0]}:{name}"
        self.flow_aliases[arn] = given
        return {"stateMachineAliasArn": arn}

    def stepfunctions_describe_state_machine_alias(self, stateMachineAliasArn: str) -> Any:
        if stateMachineAliasArn not in self.flow_aliases:
            raise refuse("ResourceNotFound", "Request references a resource that does not exist")
        return self.flow_aliases[stateMachineAliasArn]

    def stepfunctions_update_state_machine_alias(
        self, stateMachineAliasArn: str, **given: Any
    ) -> None:
        for route in given["routingConfiguration"]:
            self._machine(route["stateMachineVersionArn"])
        self.flow_aliases[stateMachineAliasArn].update(given)

    def stepfunctions_delete_state_machine_alias(self, stateMachineAliasArn: str) -> None:
        del self.flow_aliases[stateMachineAliasArn]

    def stepfunctions_list_executions(
        self, stateMachineArn: str, statusFilter: str, **more: Any
    ) -> Any:
        assert statusFilter == "RUNNING"
        machine = self._machine(stateMachineArn)
        if machine["type"] == "EXPRESS":
            raise refuse("StateMachineTypeNotSupported", "not of express flows")
        return {"executions": self.executions}
