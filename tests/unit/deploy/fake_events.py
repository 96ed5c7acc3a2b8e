# ruff: noqa: N803  the parameters are named as AWS names them
"""EventBridge of the account in memory."""

from __future__ import annotations

from typing import Any

from fake_services import Part, pairs, refuse


class Events(Part):
    def start(self) -> None:
        self.buses: dict[str, dict[str, str]] = {"default": {}}
        self.rules: dict[tuple[str, str], dict[str, Any]] = {}

    def _rule(self, bus: str, name: str) -> dict[str, Any]:
        if bus not in self.buses:
            raise refuse("ResourceNotFoundException", f"Event bus {bus} does not exist.")
        if (bus, name) not in self.rules:
            raise refuse(
                "ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}."
            )
        return self.rules[bus, name]

    def _tags(self, arn: str) -> dict[str, str]:
        """Of a rule or a bus."""
        bus = arn.partition(":event-bus/")[2]
        if bus in self.buses:
            return self.buses[bus]
        for rule in self.rules.values():
            if rule["Arn"] == arn:
                found: dict[str, str] = rule["tags"]
                return found
        raise refuse("ResourceNotFoundException", f"{arn} does not exist.")

    def events_create_event_bus(self, Name: str, Tags: list[dict[str, str]]) -> Any:
        assert "/" not in Name
        if Name in self.buses:
            raise refuse("ResourceAlreadyExistsException", f"Event bus {Name} already exists.")
        self.buses[Name] = pairs(Tags)
        return {"EventBusArn": self.arn("events", f"event-bus/{Name}")}

    def events_delete_event_bus(self, Name: str) -> None:
        if any(bus == Name for bus, _ in self.rules):
            raise refuse("ValidationException", "EventBus has rules and can't be deleted.")
        self.buses.pop(Name, None)

    def events_put_rule(self, Name: str, EventBusName: str, **given: Any) -> Any:
        assert len(Name) <= 64
        if EventBusName not in self.buses:
            raise refuse("ResourceNotFoundException", f"Event bus {EventBusName} does not exist.")
        middle = "" if EventBusName == "default" else f"{EventBusName}/"
        rule = self.rules.setdefault(
            (EventBusName, Name),
            {
                "Name": Name,
                "Arn": self.arn("events", f"rule/{middle}{Name}"),
                "tags": pairs(given.pop("Tags", [])),
                "targets": {},
            },
        )
        assert set(given) <= {"EventPattern", "State"}
        rule.update(given)
        return {"RuleArn": rule["Arn"]}

    def events_put_targets(self, Rule: str, EventBusName: str, Targets: list[Any]) -> Any:
        rule = self._rule(EventBusName, Rule)
        rule["targets"].update({target["Id"]: target for target in Targets})
        if len(rule["targets"]) > 5:
            raise refuse("LimitExceededException", "The requested resource exceeds the limit")
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def events_remove_targets(self, Rule: str, EventBusName: str, Ids: list[str]) -> None:
        rule = self._rule(EventBusName, Rule)
        for name in Ids:
            rule["targets"].pop(name, None)

    def events_describe_rule(self, Name: str, EventBusName: str) -> Any:
        return self._rule(EventBusName, Name)

    def events_list_targets_by_rule(self, Rule: str, EventBusName: str) -> Any:
        return {"Targets": list(self._rule(EventBusName, Rule)["targets"].values())}

    def events_list_rules(self, EventBusName: str, NamePrefix: str = "", Limit: int = 100) -> Any:
        if EventBusName not in self.buses:
            raise refuse("ResourceNotFoundException", f"Event bus {EventBusName} does not exist.")
        found = [rule for (bus, _), rule in self.rules.items() if bus == EventBusName]
        return {"Rules": [rule for rule in found if rule["Name"].startswith(NamePrefix)]}

    def events_list_tags_for_resource(self, ResourceARN: str) -> Any:
        tags = self._tags(ResourceARN)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def events_tag_resource(self, ResourceARN: str, Tags: list[dict[str, str]]) -> None:
        self._tags(ResourceARN).update(pairs(Tags))

    def events_untag_resource(self, ResourceARN: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._tags(ResourceARN).pop(key, None)

    def events_delete_rule(self, Name: str, EventBusName: str) -> None:
        if self._rule(EventBusName, Name)["targets"]:
            raise refuse("ValidationException", "Rule can't be deleted since it has targets.")
        del self.rules[EventBusName, Name]
