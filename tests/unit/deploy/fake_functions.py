# ruff: noqa: N803  the parameters are named as AWS names them
"""Lambda of the account in memory: functions, their versions and aliases, layers."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from typing import Any

from fake_services import Part, refuse

_CONFIGURATION = {"Runtime", "Handler", "Role", "Description", "MemorySize", "Timeout"}
_CONFIGURATION |= {"Environment", "Layers", "EphemeralStorage", "TracingConfig", "VpcConfig"}
_CONFIGURATION |= {"FileSystemConfigs", "KMSKeyArn", "SnapStart", "ImageConfig"}


class Functions(Part):
    roles: dict[str, dict[str, Any]]

    def start(self) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.layers: dict[str, int] = {}

    def _function(self, name: str) -> dict[str, Any]:
        name = name.split(":function:")[-1].split(":")[0]
        if name not in self.functions:
            raise refuse("ResourceNotFoundException", f"Function not found: {name}")
        return self.functions[name]

    def _alias(self, function: dict[str, Any], name: str) -> dict[str, Any]:
        if name not in function["aliases"]:
            raise refuse("ResourceNotFoundException", f"Cannot find alias arn: {name}")
        alias: dict[str, Any] = function["aliases"][name]
        return alias

    def _version(self, function: dict[str, Any], qualifier: str) -> dict[str, Any]:
        """The configuration that a qualifier means."""
        if not qualifier.isdecimal():
            qualifier = self._alias(function, qualifier)["FunctionVersion"]
        if qualifier not in function["versions"]:
            raise refuse("ResourceNotFoundException", f"Function not found: {qualifier}")
        version: dict[str, Any] = function["versions"][qualifier]
        return version

    def lambda_get_function(self, FunctionName: str) -> Any:
        function = self._function(FunctionName)
        qualifier = FunctionName.partition(":")[2]
        live = self._version(function, qualifier) if qualifier else function["configuration"]
        code = {"Location": "https://code.invalid"}
        if live["PackageType"] == "Image":
            code = {"ImageUri": live["image"]}
        reserved = function["reserved"]
        told = (
            {} if reserved is None else {"Concurrency": {"ReservedConcurrentExecutions": reserved}}
        )
        tags = {} if qualifier else {"Tags": function["tags"]}
        return {"Configuration": live, "Code": code, **tags, **told}

    def lambda_create_function(self, FunctionName: str, Code: Any, Tags: Any, **given: Any) -> Any:
        assert len(FunctionName) <= 64
        if FunctionName in self.functions:
            raise refuse("ResourceConflictException", f"Function already exist: {FunctionName}")
        path = given["Role"].split(":role", 1)[1]
        named = self.roles.get(path.rsplit("/", 1)[-1])
        if named is None or not named["role"]["Arn"].endswith(f":role{path}"):
            raise refuse("InvalidParameterValueException", "The role cannot be assumed by Lambda.")
        arn = self.arn("lambda", f"function:{FunctionName}")
        configuration = {"FunctionArn": arn, "State": "Active", "LastUpdateStatus": "Successful"}
        configuration |= {"PackageType": given.pop("PackageType")}
        function = {"arn": arn, "tags": Tags, "policy": {}, "configuration": configuration}
        function |= {"versions": {}, "aliases": {}, "published": 0, "reserved": None}
        self.functions[FunctionName] = function
        self._code(function, Code, given.pop("Architectures"))
        self._configure(function, given)
        return function["configuration"]

    def lambda_update_function_code(
        self, FunctionName: str, Architectures: Any, **given: Any
    ) -> None:
        self._code(self._function(FunctionName), given, Architectures)

    def lambda_update_function_configuration(self, FunctionName: str, **given: Any) -> None:
        self._configure(self._function(FunctionName), given)

    def _code(
        self, function: dict[str, Any], given: dict[str, Any], architectures: list[str]
    ) -> None:
        live = function["configuration"]
        assert ("ImageUri" in given) == (live["PackageType"] == "Image"), "AWS can't change that"
        if "ImageUri" in given:
            live["image"] = given["ImageUri"]
        body = given.get("ZipFile", b"")
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        live |= {"CodeSha256": digest, "CodeSize": len(body), "Architectures": architectures}

    def _configure(self, function: dict[str, Any], given: dict[str, Any]) -> None:
        assert set(given) <= _CONFIGURATION
        live = function["configuration"]
        if live["PackageType"] == "Image":
            assert not given.keys() & {"Runtime", "Handler", "Layers"}, "an image has these"
        if "Layers" in given:
            given["Layers"] = [{"Arn": arn} for arn in given["Layers"]]
        if "ImageConfig" in given:
            given["ImageConfigResponse"] = {"ImageConfig": given.pop("ImageConfig")}
        live.update(given)
        if live.get("FileSystemConfigs"):
            assert live["VpcConfig"]["SubnetIds"], "EFS is in a VPC only"

    def lambda_tag_resource(self, Resource: str, Tags: dict[str, str]) -> None:
        self._function(Resource)["tags"].update(Tags)

    def lambda_untag_resource(self, Resource: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._function(Resource)["tags"].pop(key, None)

    def lambda_delete_function(self, FunctionName: str, Qualifier: str = "") -> None:
        function = self._function(FunctionName)
        if not Qualifier:
            del self.functions[FunctionName]
            return
        if any(alias["FunctionVersion"] == Qualifier for alias in function["aliases"].values()):
            raise refuse("ResourceConflictException", "an alias references the version")
        del function["versions"][Qualifier]

    # versions and aliases

    def lambda_publish_version(self, FunctionName: str, Description: str) -> Any:
        """Lambda doesn't publish what hasn't changed; the description is the version's own."""
        assert len(Description) <= 256
        function = self._function(FunctionName)
        live, last = function["configuration"], str(function["published"])
        before = {key: v for key, v in function["versions"].get(last, {}).items() if key in live}
        before.pop("Description", None)
        if before != {key: v for key, v in live.items() if key != "Description"}:
            function["published"] += 1
            last = str(function["published"])
            made = {**copy.deepcopy(live), "Version": last, "Description": Description}
            function["versions"][last] = made
        return function["versions"][last]

    def lambda_list_versions_by_function(self, FunctionName: str) -> Any:
        function = self._function(FunctionName)
        latest = {**function["configuration"], "Version": "$LATEST"}
        return {"Versions": [latest, *function["versions"].values()]}

    def lambda_get_alias(self, FunctionName: str, Name: str) -> Any:
        return self._alias(self._function(FunctionName), Name)

    def lambda_list_aliases(self, FunctionName: str) -> Any:
        return {"Aliases": list(self._function(FunctionName)["aliases"].values())}

    def lambda_create_alias(
        self, FunctionName: str, Name: str, FunctionVersion: str, Description: str
    ) -> None:
        function = self._function(FunctionName)
        self._version(function, FunctionVersion)
        if Name in function["aliases"]:
            raise refuse("ResourceConflictException", f"Alias already exists: {Name}")
        alias = {"FunctionVersion": FunctionVersion, "policy": {}, "provisioned": 0}
        alias["Description"] = Description
        function["aliases"][Name] = alias

    def lambda_update_alias(self, FunctionName: str, Name: str, **given: Any) -> None:
        assert given.keys() <= {"FunctionVersion", "Description", "RoutingConfig"}
        function = self._function(FunctionName)
        self._version(function, given.get("FunctionVersion", Name))
        self._alias(function, Name).update(given)

    def lambda_delete_alias(self, FunctionName: str, Name: str) -> None:
        function = self._function(FunctionName)
        assert not self._alias(function, Name)["provisioned"], "that would go on costing money"
        del function["aliases"][Name]

    def lambda_get_provisioned_concurrency_config(self, FunctionName: str, Qualifier: str) -> Any:
        count = self._alias(self._function(FunctionName), Qualifier)["provisioned"]
        if not count:
            raise refuse("ProvisionedConcurrencyConfigNotFoundException", "No config found")
        return {"RequestedProvisionedConcurrentExecutions": count, "Status": "READY"}

    def lambda_put_provisioned_concurrency_config(
        self, FunctionName: str, Qualifier: str, ProvisionedConcurrentExecutions: int
    ) -> None:
        function = self._function(FunctionName)
        count, reserved = ProvisionedConcurrentExecutions, function["reserved"]
        if reserved is not None and count > reserved:
            raise refuse("InvalidParameterValueException", "more than is reserved")
        self._alias(function, Qualifier)["provisioned"] = count

    def lambda_delete_provisioned_concurrency_config(
        self, FunctionName: str, Qualifier: str
    ) -> None:
        self._alias(self._function(FunctionName), Qualifier)["provisioned"] = 0

    def lambda_put_function_concurrency(
        self, FunctionName: str, ReservedConcurrentExecutions: int
    ) -> None:
        function = self._function(FunctionName)
        provisioned = [alias["provisioned"] for alias in function["aliases"].values()]
        if sum(provisioned) > ReservedConcurrentExecutions:
            raise refuse("InvalidParameterValueException", "less than is provisioned")
        function["reserved"] = ReservedConcurrentExecutions

    def lambda_delete_function_concurrency(self, FunctionName: str) -> None:
        self._function(FunctionName)["reserved"] = None

    # who may invoke: the function and each alias have a policy of their own

    def _policy(self, name: str) -> dict[str, Any]:
        function = self._function(name)
        alias = name.partition(":")[2]
        policy: dict[str, Any] = (self._alias(function, alias) if alias else function)["policy"]
        return policy

    def lambda_get_policy(self, FunctionName: str) -> Any:
        policy = self._policy(FunctionName)
        if not policy:
            raise refuse("ResourceNotFoundException", "The resource you requested does not exist.")
        return {"Policy": json.dumps({"Statement": list(policy.values())})}

    def lambda_add_permission(self, FunctionName: str, StatementId: str, **given: Any) -> None:
        policy = self._policy(FunctionName)
        if StatementId in policy:
            raise refuse("ResourceConflictException", "The statement id provided already exists.")
        policy[StatementId] = {
            "Sid": StatementId,
            "Effect": "Allow",
            "Principal": {"Service": given["Principal"]},
            "Action": given["Action"],
            "Resource": self.arn("lambda", f"function:{FunctionName}"),
            "Condition": {"ArnLike": {"AWS:SourceArn": given["SourceArn"]}},
        }

    def lambda_remove_permission(self, FunctionName: str, StatementId: str) -> None:
        if self._policy(FunctionName).pop(StatementId, None) is None:
            raise refuse("ResourceNotFoundException", "No policy is associated")

    # layers

    def lambda_list_layer_versions(self, LayerName: str, MaxItems: int) -> Any:
        newest = self.layers.get(LayerName)
        arn = self.arn("lambda", f"layer:{LayerName}:{newest}")
        return {"LayerVersions": [{"LayerVersionArn": arn}] if newest else []}

    def lambda_get_layer_version(self, LayerName: str, VersionNumber: int) -> Any:
        if not 1 <= VersionNumber <= self.layers.get(LayerName, 0):
            raise refuse("ResourceNotFoundException", "no such layer version")
        return {"LayerVersionArn": self.arn("lambda", f"layer:{LayerName}:{VersionNumber}")}
