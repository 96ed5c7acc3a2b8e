# ruff: noqa: N803  the parameters are named as AWS names them
"""IAM, CloudWatch Logs, Lambda and Step Functions of the account in memory."""

from __future__ import annotations

import base64
import hashlib
import json
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
        role = {
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

    def iam_list_roles(self, PathPrefix: str) -> Any:
        roles = [role["role"] for role in self.roles.values()]
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


class Functions(Part):
    roles: dict[str, dict[str, Any]]

    def start(self) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.layers: dict[str, int] = {}

    def _function(self, name: str) -> dict[str, Any]:
        name = name.split(":function:")[-1]
        if name not in self.functions:
            raise refuse("ResourceNotFoundException", f"Function not found: {name}")
        return self.functions[name]

    def lambda_get_function(self, FunctionName: str) -> Any:
        function = self._function(FunctionName)
        return {
            "Configuration": function["configuration"],
            "Tags": function["tags"],
            "Code": {"Location": "https://code.invalid"},
        }

    def lambda_create_function(self, FunctionName: str, Code: Any, Tags: Any, **given: Any) -> Any:
        assert len(FunctionName) <= 64
        if FunctionName in self.functions:
            raise refuse("ResourceConflictException", f"Function already exist: {FunctionName}")
        if given["Role"].rsplit("/", 1)[-1] not in self.roles:
            raise refuse("InvalidParameterValueException", "The role cannot be assumed by Lambda.")
        arn = self.arn("lambda", f"function:{FunctionName}")
        function = {"arn": arn, "tags": Tags, "policy": {}, "configuration": {"FunctionArn": arn}}
        function["configuration"] |= {"State": "Active", "LastUpdateStatus": "Successful"}
        self.functions[FunctionName] = function
        self._code(function, Code["ZipFile"], given.pop("Architectures"))
        given.pop("PackageType")
        self._configure(function, given)
        return function["configuration"]

    def lambda_update_function_code(
        self, FunctionName: str, ZipFile: bytes, Architectures: Any
    ) -> None:
        self._code(self._function(FunctionName), ZipFile, Architectures)

    def lambda_update_function_configuration(self, FunctionName: str, **given: Any) -> None:
        self._configure(self._function(FunctionName), given)

    def _code(self, function: dict[str, Any], body: bytes, architectures: list[str]) -> None:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        changed = {"CodeSha256": digest, "CodeSize": len(body), "Architectures": architectures}
        function["configuration"].update(changed)

    def _configure(self, function: dict[str, Any], given: dict[str, Any]) -> None:
        known = {"Runtime", "Handler", "Role", "Description", "MemorySize", "Timeout"}
        known |= {"Environment", "Layers", "EphemeralStorage", "TracingConfig"}
        assert set(given) <= known
        if "Layers" in given:
            given["Layers"] = [{"Arn": arn} for arn in given["Layers"]]
        function["configuration"].update(given)

    def lambda_tag_resource(self, Resource: str, Tags: dict[str, str]) -> None:
        self._function(Resource)["tags"].update(Tags)

    def lambda_untag_resource(self, Resource: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._function(Resource)["tags"].pop(key, None)

    def lambda_delete_function(self, FunctionName: str) -> None:
        self._function(FunctionName)
        del self.functions[FunctionName]

    def lambda_get_policy(self, FunctionName: str) -> Any:
        policy = self._function(FunctionName)["policy"]
        if not policy:
            raise refuse("ResourceNotFoundException", "The resource you requested does not exist.")
        return {"Policy": json.dumps({"Statement": list(policy.values())})}

    def lambda_add_permission(self, FunctionName: str, StatementId: str, **given: Any) -> None:
        policy = self._function(FunctionName)["policy"]
        if StatementId in policy:
            raise refuse("ResourceConflictException", "The statement id provided already exists.")
        policy[StatementId] = {
            "Sid": StatementId,
            "Effect": "Allow",
            "Principal": {"Service": given["Principal"]},
            "Action": given["Action"],
            "Condition": {"ArnLike": {"AWS:SourceArn": given["SourceArn"]}},
        }

    def lambda_remove_permission(self, FunctionName: str, StatementId: str) -> None:
        if self._function(FunctionName)["policy"].pop(StatementId, None) is None:
            raise refuse("ResourceNotFoundException", "No policy is associated")

    def lambda_list_layer_versions(self, LayerName: str, MaxItems: int) -> Any:
        newest = self.layers.get(LayerName)
        arn = self.arn("lambda", f"layer:{LayerName}:{newest}")
        return {"LayerVersions": [{"LayerVersionArn": arn}] if newest else []}

    def lambda_get_layer_version(self, LayerName: str, VersionNumber: int) -> Any:
        if not 1 <= VersionNumber <= self.layers.get(LayerName, 0):
            raise refuse("ResourceNotFoundException", "no such layer version")
        return {"LayerVersionArn": self.arn("lambda", f"layer:{LayerName}:{VersionNumber}")}


class StateMachines(Part):
    def start(self) -> None:
        self.machines: dict[str, dict[str, Any]] = {}

    def _machine(self, arn: str) -> dict[str, Any]:
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
            **given,
            "stateMachineArn": arn,
            "status": "ACTIVE",
            "creationDate": SINCE,
            "tags": pairs(tags),
        }
        return {"stateMachineArn": arn}

    def stepfunctions_describe_state_machine(self, stateMachineArn: str) -> Any:
        return self._machine(stateMachineArn)

    def stepfunctions_list_tags_for_resource(self, resourceArn: str) -> Any:
        tags = self._machine(resourceArn)["tags"]
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def stepfunctions_update_state_machine(self, stateMachineArn: str, **given: Any) -> None:
        assert set(given) <= {"definition", "roleArn"}
        self._machine(stateMachineArn).update(given)

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
