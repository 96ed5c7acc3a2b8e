"""What a user says of the sandbox's GraphQL API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, PrivateAttr

from tc.spec.base import Entity, Whole
from tc.spec.topology import Entry, Topology

#: authorizer that is no function
API_KEY = "api_key"


class MutationModel(Entity):
    """`mutations.resolvers.X`: the mutation X and what does it."""

    function: str | None = Field(None, description="the function that does it, and answers")
    event: str | None = Field(None, description="the event that its input is sent as")
    table: str | None = Field(None, description="the table that its input is put into")
    input: str | None = Field(
        None,
        description="one of `inputs`, or `Event`, `EventData`, `EventDataJSON`, `EventMetadata`",
    )
    output: str = Field(description="one of `types`: what it gives back")
    subscribe: bool = Field(False, description="clients can subscribe to what it gives back")

    _api: MutationsModel | None = PrivateAttr(None)

    @property
    def api(self) -> MutationsModel:
        """What the API has besides resolvers."""
        return self._api or MutationsModel(authorizer=None)

    def waits(self) -> bool:
        return self.function is not None


class MutationsModel(Whole):
    """`mutations`: the sandbox's GraphQL API (AWS AppSync)."""

    ENTRIES: ClassVar[str] = "resolvers"

    authorizer: str | None = Field(
        None, description="the function that says who may call it; without one, an API key"
    )
    inputs: dict[str, dict[str, str]] = Field({}, description="GraphQL inputs: name, fields")
    types: dict[str, dict[str, str]] = Field({}, description="GraphQL types: name, fields")
    resolvers: dict[str, MutationModel] = Field({}, description="mutations by name")

    def entries(self) -> Mapping[str, Entity]:
        """The mutations, each with the API that it is of."""
        for entry in self.resolvers.values():
            entry._api = self
        return self.resolvers


def model_of(entry: Entry) -> MutationModel:
    assert isinstance(entry.model, MutationModel)
    return entry.model


def mutations(topology: Topology) -> dict[str, MutationModel]:
    return {name: model_of(e) for name, e in topology.entries.get("mutations", {}).items()}


def api_of(topology: Topology) -> MutationsModel | None:
    """What the topology says of its GraphQL API; None when it has no mutations."""
    return next((model.api for model in mutations(topology).values()), None)
