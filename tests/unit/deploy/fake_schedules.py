# ruff: noqa: N803  the parameters are named as AWS names them
"""EventBridge Scheduler of the account in memory."""

from __future__ import annotations

from typing import Any

from fake_services import SINCE, Part, pairs, refuse


class Schedules(Part):
    def start(self) -> None:
        self.schedule_groups: dict[str, dict[str, Any]] = {}
        self.schedules: dict[tuple[str, str], dict[str, Any]] = {}
        #: names of groups that are still being deleted -> how often they will say so
        self.dying_groups: dict[str, int] = {}

    def _schedule_group(self, name: str) -> dict[str, Any]:
        if self.dying_groups.get(name):
            self.dying_groups[name] -= 1
            return {"Arn": "gone", "Name": name, "State": "DELETING"}
        if name not in self.schedule_groups:
            raise refuse("ResourceNotFoundException", f"Schedule group {name} does not exist.")
        return self.schedule_groups[name]

    def _schedule_group_of(self, arn: str) -> dict[str, Any]:
        return next(group for group in self.schedule_groups.values() if group["Arn"] == arn)

    def scheduler_create_schedule_group(self, Name: str, Tags: list[dict[str, str]]) -> Any:
        assert len(Name) <= 64
        if Name in self.schedule_groups or self.dying_groups.get(Name):
            raise refuse("ConflictException", f"Schedule group {Name} already exists.")
        arn = self.arn("scheduler", f"schedule-group/{Name}")
        self.schedule_groups[Name] = {
            "Arn": arn,
            "Name": Name,
            "State": "ACTIVE",
            "CreationDate": SINCE,
            "tags": pairs(Tags),
        }
        return {"ScheduleGroupArn": arn}

    def scheduler_get_schedule_group(self, Name: str) -> Any:
        return self._schedule_group(Name)

    def scheduler_delete_schedule_group(self, Name: str) -> None:
        self._schedule_group(Name)
        del self.schedule_groups[Name]
        self.dying_groups[Name] = 2
        for key in [key for key in self.schedules if key[0] == Name]:
            del self.schedules[key]

    def scheduler_list_tags_for_resource(self, ResourceArn: str) -> Any:
        tags = self._schedule_group_of(ResourceArn)["tags"]
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def scheduler_tag_resource(self, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
        self._schedule_group_of(ResourceArn)["tags"].update(pairs(Tags))

    def scheduler_untag_resource(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._schedule_group_of(ResourceArn)["tags"].pop(key, None)

    def scheduler_list_schedules(self, GroupName: str) -> Any:
        self._schedule_group(GroupName)
        found = [item for (group, _), item in self.schedules.items() if group == GroupName]
        return {"Schedules": [{"Name": item["Name"], "GroupName": GroupName} for item in found]}

    def _put_schedule(self, given: dict[str, Any]) -> str:
        """As AWS does, an update sets back what it isn't told."""
        assert set(given) <= {
            "FlexibleTimeWindow",
            "GroupName",
            "Name",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "State",
            "Target",
        }
        group, name = given["GroupName"], given["Name"]
        arn = self.arn("scheduler", f"schedule/{group}/{name}")
        self.schedules[group, name] = {"Arn": arn, "CreationDate": SINCE, **given}
        return arn

    def _schedule(self, group: str, name: str) -> dict[str, Any]:
        if (group, name) not in self.schedules:
            raise refuse("ResourceNotFoundException", f"Schedule {name} does not exist.")
        return self.schedules[group, name]

    def scheduler_create_schedule(self, **given: Any) -> Any:
        assert len(given["Name"]) <= 64
        self._schedule_group(given["GroupName"])
        if (given["GroupName"], given["Name"]) in self.schedules:
            raise refuse("ConflictException", f"Schedule {given['Name']} already exists.")
        return {"ScheduleArn": self._put_schedule(given)}

    def scheduler_update_schedule(self, **given: Any) -> Any:
        self._schedule(given["GroupName"], given["Name"])
        return {"ScheduleArn": self._put_schedule(given)}

    def scheduler_get_schedule(self, Name: str, GroupName: str) -> Any:
        return self._schedule(GroupName, Name)

    def scheduler_delete_schedule(self, Name: str, GroupName: str) -> None:
        self._schedule(GroupName, Name)
        del self.schedules[GroupName, Name]
