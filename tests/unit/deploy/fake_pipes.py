# ruff: noqa: N803  the parameters are named as AWS names them
"""EventBridge Pipes of the account in memory."""

from __future__ import annotations

from typing import Any

from fake_services import SINCE, Part, refuse

_WRITTEN = {
    "DesiredState",
    "RoleArn",
    "SourceParameters",
    "Target",
    "TargetParameters",
}


class Pipes(Part):
    def start(self) -> None:
        self.pipes: dict[str, dict[str, Any]] = {}
        #: names of pipes that are still being deleted -> how often they will say so
        self.dying_pipes: dict[str, int] = {}

    def _pipe(self, name: str) -> dict[str, Any]:
        if self.dying_pipes.get(name):
            self.dying_pipes[name] -= 1
            return {"Name": name, "CurrentState": "DELETING"}
        if name not in self.pipes:
            raise refuse("NotFoundException", f"Pipe {name} does not exist.")
        return self.pipes[name]

    def _pipe_of(self, arn: str) -> dict[str, Any]:
        return next(pipe for pipe in self.pipes.values() if pipe["Arn"] == arn)

    def pipes_create_pipe(self, Name: str, Source: str, Tags: dict[str, str], **given: Any) -> Any:
        assert len(Name) <= 64
        assert given.keys() == _WRITTEN
        if Name in self.pipes or self.dying_pipes.get(Name):
            raise refuse("ConflictException", f"Pipe {Name} already exists.")
        (kind,) = given["SourceParameters"].keys() - {"FilterCriteria"}
        assert ("StartingPosition" in given["SourceParameters"][kind]) == (":dynamodb:" in Source)
        self.pipes[Name] = {
            "Arn": self.arn("pipes", f"pipe/{Name}"),
            "Name": Name,
            "Source": Source,
            "Tags": Tags,
            "CreationTime": SINCE,
            "CurrentState": given["DesiredState"],
            **given,
        }
        return {"Arn": self.pipes[Name]["Arn"]}

    def pipes_describe_pipe(self, Name: str) -> Any:
        return self._pipe(Name)

    def pipes_update_pipe(self, Name: str, **given: Any) -> None:
        """As AWS does, refuses to move where a stream is read from."""
        assert given.keys() == _WRITTEN
        own = given["SourceParameters"].values()
        assert not any("StartingPosition" in parameters for parameters in own)
        self._pipe(Name).update(given, CurrentState=given["DesiredState"])

    def pipes_delete_pipe(self, Name: str) -> None:
        self._pipe(Name)
        del self.pipes[Name]
        self.dying_pipes[Name] = 2

    def pipes_tag_resource(self, resourceArn: str, tags: dict[str, str]) -> None:
        self._pipe_of(resourceArn)["Tags"].update(tags)

    def pipes_untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            self._pipe_of(resourceArn)["Tags"].pop(key, None)
