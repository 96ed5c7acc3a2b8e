# ruff: noqa: N803  the parameters are named as AWS names them
"""AppSync, and the connections of EventBridge, of the account in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fake_services import SINCE, Part, refuse


class AppSync(Part):
    def start(self) -> None:
        #: id -> {"api", "keys", "sources", "spaces", "resolvers", "schema"}
        self.event_apis: dict[str, dict[str, Any]] = {}
        self.graphql_apis: dict[str, dict[str, Any]] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self._made = 0

    def _next(self, word: str) -> str:
        self._made += 1
        return f"{word}{self._made:04}"

    def _appsync(self, api_id: str) -> dict[str, Any]:
        found = self.event_apis.get(api_id) or self.graphql_apis.get(api_id)
        if found is None:
            raise refuse("NotFoundException", f"API {api_id} not found")
        return found

    def _parts(self, api: dict[str, Any]) -> dict[str, Any]:
        return {"api": api, "keys": {}, "sources": {}, "spaces": {}, "resolvers": {}, "schema": b""}

    def tagged_appsync(self) -> Iterator[tuple[str, dict[str, str]]]:
        """For the index of tags."""
        for known in [*self.event_apis.values(), *self.graphql_apis.values()]:
            api = known["api"]
            yield api.get("apiArn") or api["arn"], api["tags"]

    # Event APIs

    def appsync_create_api(self, name: str, tags: Any, eventConfig: Any) -> Any:
        assert 1 <= len(name) <= 50
        number = self._next("event")
        api = {
            "apiId": number,
            "name": name,
            "tags": tags,
            "apiArn": self.arn("appsync", f"apis/{number}"),
            "created": SINCE,
            "dns": {"HTTP": f"{number}.appsync-api", "REALTIME": f"{number}.appsync-realtime-api"},
            "eventConfig": eventConfig,
        }
        self.event_apis[number] = self._parts(api)
        return {"api": api}

    def appsync_get_api(self, apiId: str) -> Any:
        if apiId not in self.event_apis:
            raise refuse("NotFoundException", f"API {apiId} not found")
        return {"api": self.event_apis[apiId]["api"]}

    def appsync_list_apis(self) -> Any:
        return {"apis": [one["api"] for one in self.event_apis.values()]}

    def appsync_update_api(self, apiId: str, name: str, eventConfig: Any, **given: Any) -> Any:
        api = self._appsync(apiId)["api"]
        api.pop("ownerContact", None)
        api.update(name=name, eventConfig=eventConfig, **given)
        return {}

    def appsync_delete_api(self, apiId: str) -> None:
        self._appsync(apiId)
        del self.event_apis[apiId]

    def appsync_create_channel_namespace(self, apiId: str, name: str, **given: Any) -> Any:
        spaces = self._appsync(apiId)["spaces"]
        if name in spaces:
            raise refuse("ConflictException", f"Channel namespace {name} exists")
        self._check_sources(apiId, given)
        arn = self.arn("appsync", f"apis/{apiId}/channelNamespace/{name}")
        spaces[name] = {"name": name, "channelNamespaceArn": arn, **given}
        return {"channelNamespace": spaces[name]}

    def _check_sources(self, api_id: str, given: dict[str, Any]) -> None:
        for config in given.get("handlerConfigs", {}).values():
            source = config["integration"]["dataSourceName"]
            if source not in self._appsync(api_id)["sources"]:
                raise refuse("BadRequestException", f"No data source {source}")

    def appsync_update_channel_namespace(self, apiId: str, name: str, **given: Any) -> None:
        space = self._appsync(apiId)["spaces"][name]
        self._check_sources(apiId, given)
        kept = {key: space[key] for key in ("name", "channelNamespaceArn", "tags")}
        self._appsync(apiId)["spaces"][name] = {**kept, **given}

    def appsync_list_channel_namespaces(self, apiId: str) -> Any:
        return {"channelNamespaces": list(self._appsync(apiId)["spaces"].values())}

    def appsync_delete_channel_namespace(self, apiId: str, name: str) -> None:
        del self._appsync(apiId)["spaces"][name]

    # GraphQL APIs

    def appsync_create_graphql_api(self, name: str, tags: Any, **given: Any) -> Any:
        number = self._next("graph")
        host = f"host{number}.appsync-api.{self.region}.amazonaws.com"
        api = {
            "apiId": number,
            "name": name,
            "tags": tags,
            "arn": self.arn("appsync", f"apis/{number}"),
            "uris": {"GRAPHQL": f"https://{host}/graphql", "REALTIME": f"wss://rt.{host}/graphql"},
            **given,
        }
        self.graphql_apis[number] = self._parts(api)
        return {"graphqlApi": api}

    def appsync_get_graphql_api(self, apiId: str) -> Any:
        if apiId not in self.graphql_apis:
            raise refuse("NotFoundException", f"API {apiId} not found")
        return {"graphqlApi": self.graphql_apis[apiId]["api"]}

    def appsync_list_graphql_apis(self) -> Any:
        return {"graphqlApis": [one["api"] for one in self.graphql_apis.values()]}

    def appsync_update_graphql_api(self, apiId: str, **given: Any) -> None:
        api = self._appsync(apiId)["api"]
        for name in ("logConfig", "ownerContact", "xrayEnabled", "lambdaAuthorizerConfig"):
            api.pop(name, None)
        api.update(given)

    def appsync_delete_graphql_api(self, apiId: str) -> None:
        self._appsync(apiId)
        del self.graphql_apis[apiId]

    def appsync_start_schema_creation(self, apiId: str, definition: bytes) -> Any:
        self._appsync(apiId)["schema"] = definition
        return {"status": "PROCESSING"}

    def appsync_get_schema_creation_status(self, apiId: str) -> Any:
        broken = b"broken" in self._appsync(apiId)["schema"]
        return {"status": "FAILED" if broken else "SUCCESS", "details": "no such type"}

    def appsync_get_introspection_schema(self, apiId: str, format: str) -> Any:  # noqa: A002
        assert format == "SDL"
        schema = self._appsync(apiId)["schema"]
        if not schema:
            raise refuse("GraphQLSchemaException", "No schema")
        return {"schema": b"schema {\n  query: Query\n}\n\n# as AppSync has it\n" + schema}

    def appsync_create_resolver(
        self, apiId: str, typeName: str, fieldName: str, **given: Any
    ) -> None:
        known = self._appsync(apiId)
        assert given["dataSourceName"] in known["sources"]
        if (typeName, fieldName) in known["resolvers"]:
            raise refuse("BadRequestException", "Only one resolver is allowed per field.")
        known["resolvers"][typeName, fieldName] = {"fieldName": fieldName, **given}

    def appsync_update_resolver(
        self, apiId: str, typeName: str, fieldName: str, **given: Any
    ) -> None:
        known = self._appsync(apiId)
        assert given["dataSourceName"] in known["sources"]
        assert (typeName, fieldName) in known["resolvers"]
        known["resolvers"][typeName, fieldName] = {"fieldName": fieldName, **given}

    def appsync_list_resolvers(self, apiId: str, typeName: str) -> Any:
        known = self._appsync(apiId)["resolvers"]
        return {"resolvers": [one for (kind, _), one in known.items() if kind == typeName]}

    def appsync_delete_resolver(self, apiId: str, typeName: str, fieldName: str) -> None:
        del self._appsync(apiId)["resolvers"][typeName, fieldName]

    # of both

    def appsync_create_api_key(self, apiId: str, description: str, expires: int) -> None:
        assert expires <= time.time() + 365 * 86_400
        number = self._next("da2-secret")
        key = {"id": number, "description": description, "expires": expires}
        self._appsync(apiId)["keys"][number] = key

    def appsync_update_api_key(self, apiId: str, id: str, expires: int) -> None:  # noqa: A002
        self._appsync(apiId)["keys"][id]["expires"] = expires

    def appsync_list_api_keys(self, apiId: str) -> Any:
        return {"apiKeys": list(self._appsync(apiId)["keys"].values())}

    def appsync_create_data_source(self, apiId: str, name: str, **given: Any) -> None:
        sources = self._appsync(apiId)["sources"]
        if name in sources:
            raise refuse("BadRequestException", f"Data source with name {name} already exists")
        sources[name] = {"name": name, **given}

    def appsync_update_data_source(self, apiId: str, name: str, **given: Any) -> None:
        sources = self._appsync(apiId)["sources"]
        assert name in sources
        sources[name] = {"name": name, **given}

    def appsync_list_data_sources(self, apiId: str) -> Any:
        return {"dataSources": list(self._appsync(apiId)["sources"].values())}

    def appsync_delete_data_source(self, apiId: str, name: str) -> None:
        del self._appsync(apiId)["sources"][name]

    def _appsync_tags(self, arn: str) -> dict[str, str]:
        parts = arn.partition(":apis/")[2].split("/")
        known = self._appsync(parts[0])
        tags: dict[str, str] = (known["spaces"][parts[2]] if parts[2:] else known["api"])["tags"]
        return tags

    def appsync_tag_resource(self, resourceArn: str, tags: dict[str, str]) -> None:
        self._appsync_tags(resourceArn).update(tags)

    def appsync_untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            del self._appsync_tags(resourceArn)[key]

    # connections

    def events_create_connection(self, Name: str, **given: Any) -> Any:
        assert len(Name) <= 64
        if Name in self.connections:
            raise refuse("ResourceAlreadyExistsException", f"Connection {Name} already exists.")
        arn = self.arn("events", f"connection/{Name}/1-2-3")
        said = {"Name": Name, "ConnectionArn": arn, "ConnectionState": "AUTHORIZED"}
        self.connections[Name] = {**said, **given}
        return {"ConnectionArn": arn}

    def events_update_connection(self, Name: str, **given: Any) -> None:
        self.connections[Name].update(given)

    def events_list_connections(self, NamePrefix: str) -> Any:
        known = self.connections.values()
        return {"Connections": [one for one in known if one["Name"].startswith(NamePrefix)]}

    def events_describe_connection(self, Name: str) -> Any:
        if Name not in self.connections:
            raise refuse("ResourceNotFoundException", f"Connection {Name} does not exist.")
        told = dict(self.connections[Name])
        told["AuthParameters"] = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key"}}
        return told

    def events_delete_connection(self, Name: str) -> None:
        self.events_describe_connection(Name)
        del self.connections[Name]
