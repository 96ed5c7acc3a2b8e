# ruff: noqa: N803  the parameters are named as AWS names them
"""Activities, Athena workgroups and Glue jobs of the account in memory."""

from __future__ import annotations

from typing import Any

from fake_services import SINCE, Part, pairs, refuse


class Activities(Part):
    activities: dict[str, dict[str, Any]]

    def start(self) -> None:
        self.activities = {}

    def _activity(self, arn: str) -> dict[str, Any]:
        name = arn.split(":activity:")[1]
        if name not in self.activities:
            raise refuse("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
        return self.activities[name]

    def stepfunctions_create_activity(self, name: str, tags: Any) -> Any:
        assert len(name) <= 80
        arn = self.arn("states", f"activity:{name}")
        # AWS takes a second create for a repeated one
        known = {"activityArn": arn, "creationDate": SINCE, "tags": pairs(tags)}
        return self.activities.setdefault(name, known)

    def stepfunctions_describe_activity(self, activityArn: str) -> Any:
        return self._activity(activityArn)

    def stepfunctions_delete_activity(self, activityArn: str) -> None:
        self._activity(activityArn)
        del self.activities[activityArn.split(":activity:")[1]]


class Workgroups(Part):
    def start(self) -> None:
        self.workgroups: dict[str, dict[str, Any]] = {}

    def _workgroup(self, name: str) -> dict[str, Any]:
        if name not in self.workgroups:
            raise refuse("InvalidRequestException", "WorkGroup is not found.")
        return self.workgroups[name]

    def athena_create_work_group(self, Name: str, Configuration: Any, Tags: Any) -> None:
        assert len(Name) <= 128
        if Name in self.workgroups:
            raise refuse("InvalidRequestException", "WorkGroup is already created.")
        self.workgroups[Name] = {
            "Name": Name,
            "Configuration": Configuration,
            "CreationTime": SINCE,
            "tags": pairs(Tags),
        }

    def athena_get_work_group(self, WorkGroup: str) -> Any:
        return {"WorkGroup": self._workgroup(WorkGroup)}

    def athena_update_work_group(self, WorkGroup: str, ConfigurationUpdates: Any) -> None:
        configuration = self._workgroup(WorkGroup)["Configuration"]
        updates = dict(ConfigurationUpdates)
        configuration["ResultConfiguration"] |= updates.pop("ResultConfigurationUpdates", {})
        if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
            del configuration["BytesScannedCutoffPerQuery"]
        assert set(updates) <= {"BytesScannedCutoffPerQuery"}
        configuration |= updates

    def athena_delete_work_group(self, WorkGroup: str, RecursiveDeleteOption: bool) -> None:
        assert RecursiveDeleteOption, "Athena refuses a workgroup that queries ran in"
        self._workgroup(WorkGroup)
        del self.workgroups[WorkGroup]

    def _tags_of(self, arn: str) -> dict[str, str]:
        tags: dict[str, str] = self._workgroup(arn.split(":workgroup/")[1])["tags"]
        return tags

    def athena_list_tags_for_resource(self, ResourceARN: str) -> Any:
        tags = self._tags_of(ResourceARN)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def athena_tag_resource(self, ResourceARN: str, Tags: Any) -> None:
        self._tags_of(ResourceARN).update(pairs(Tags))

    def athena_untag_resource(self, ResourceARN: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._tags_of(ResourceARN).pop(key, None)


class Jobs(Part):
    buckets: dict[str, dict[str, Any]]

    def start(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.put: dict[str, bytes] = {}

    @property
    def scripts(self) -> dict[str, bytes]:
        """Those that are still there."""
        there = {
            f"s3://{name}/{key}"
            for name, bucket in self.buckets.items()
            for key in bucket["objects"]
        }
        return {url: body for url, body in self.put.items() if url in there}

    def s3_put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        """A versioned bucket keeps what was there."""
        self.buckets[Bucket]["objects"].append(Key)
        self.put[f"s3://{Bucket}/{Key}"] = Body

    def _job(self, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise refuse("EntityNotFoundException", f"Job {name} not found.")
        return self.jobs[name]

    def _define(self, name: str, given: dict[str, Any]) -> None:
        """A job is always defined whole; its script must be there when it runs."""
        size = {"MaxCapacity"}
        if given["Command"]["Name"] == "glueetl":
            size = {"NumberOfWorkers", "WorkerType"}
        known = {"Role", "Command", "GlueVersion", "Timeout", "MaxRetries", "Connections"}
        assert set(given) == {*known, "DefaultArguments", *size}
        self.jobs[name].update(given)

    def glue_create_job(self, Name: str, Tags: dict[str, str], **given: Any) -> Any:
        assert len(Name) <= 255
        if Name in self.jobs:
            raise refuse("AlreadyExistsException", "Job already submitted")
        self.jobs[Name] = {"Name": Name, "CreatedOn": SINCE, "tags": Tags}
        self._define(Name, given)
        return {"Name": Name}

    def glue_get_job(self, JobName: str) -> Any:
        return {"Job": self._job(JobName)}

    def glue_update_job(self, JobName: str, JobUpdate: dict[str, Any]) -> None:
        self._job(JobName)
        self._define(JobName, JobUpdate)

    def glue_delete_job(self, JobName: str) -> None:
        """Glue says nothing of a job that isn't there."""
        self.jobs.pop(JobName, None)

    def glue_get_tags(self, ResourceArn: str) -> Any:
        return {"Tags": self._job(ResourceArn.split(":job/")[1])["tags"]}

    def glue_tag_resource(self, ResourceArn: str, TagsToAdd: dict[str, str]) -> None:
        self._job(ResourceArn.split(":job/")[1])["tags"].update(TagsToAdd)

    def glue_untag_resource(self, ResourceArn: str, TagsToRemove: list[str]) -> None:
        for key in TagsToRemove:
            self._job(ResourceArn.split(":job/")[1])["tags"].pop(key, None)
