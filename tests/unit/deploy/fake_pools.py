# ruff: noqa: N803  the parameters are named as AWS names them
"""Cognito user pools of the account in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_services import SINCE, Part, refuse


class Pools(Part):
    def start(self) -> None:
        self.pools: dict[str, dict[str, Any]] = {}
        #: pool id -> client id -> client
        self.pool_clients: dict[str, dict[str, dict[str, Any]]] = {}
        #: pool id -> names of users
        self.pool_users: dict[str, list[str]] = {}

    def tagged_pools(self) -> Iterator[tuple[str, dict[str, str]]]:
        for pool in self.pools.values():
            yield pool["Arn"], pool["UserPoolTags"]

    def _pool(self, number: str) -> dict[str, Any]:
        if number not in self.pools:
            raise refuse("ResourceNotFoundException", f"User pool {number} does not exist.")
        return self.pools[number]

    def cognito_idp_create_user_pool(self, PoolName: str, **given: Any) -> Any:
        assert len(PoolName) <= 128
        number = f"{self.region}_pool{len(self.pools) + 1}"
        pool = {
            "Id": number,
            "Name": PoolName,
            "Arn": self.arn("cognito-idp", f"userpool/{number}"),
            "CreationDate": SINCE,
            "EstimatedNumberOfUsers": 0,
            "LambdaConfig": {},
            "MfaConfiguration": "OFF",
            **given,
        }
        # Cognito tells the older name of a setting too, and refuses it beside the newer one
        pool["AdminCreateUserConfig"]["UnusedAccountValidityDays"] = 7
        self.pools[number] = pool
        self.pool_clients[number] = {}
        self.pool_users[number] = []
        return {"UserPool": pool}

    def cognito_idp_update_user_pool(self, UserPoolId: str, PoolName: str, **given: Any) -> None:
        """As AWS does, an update sets back what it isn't told."""
        pool = self._pool(UserPoolId)
        assert pool["Name"] == PoolName
        password = given.get("Policies", {}).get("PasswordPolicy", {})
        admin = given.get("AdminCreateUserConfig", {})
        if "TemporaryPasswordValidityDays" in password and "UnusedAccountValidityDays" in admin:
            raise refuse("InvalidParameterException", "Please use TemporaryPasswordValidityDays")
        fixed = {"Id", "Name", "Arn", "CreationDate", "UsernameAttributes", "UsernameConfiguration"}
        kept = {key: value for key, value in pool.items() if key in fixed}
        empty = {"LambdaConfig": {}, "UserPoolTags": {}, "EstimatedNumberOfUsers": 0}
        self.pools[UserPoolId] = {**kept, **empty, "MfaConfiguration": "OFF", **given}

    def cognito_idp_describe_user_pool(self, UserPoolId: str) -> Any:
        return {"UserPool": self._pool(UserPoolId)}

    def cognito_idp_delete_user_pool(self, UserPoolId: str) -> None:
        self._pool(UserPoolId)
        del self.pools[UserPoolId]
        del self.pool_clients[UserPoolId]

    def cognito_idp_list_user_pools(self, MaxResults: int) -> Any:
        assert MaxResults <= 60
        names = [{"Id": number, "Name": pool["Name"]} for number, pool in self.pools.items()]
        return {"UserPools": names}

    def cognito_idp_list_users(self, UserPoolId: str, Limit: int) -> Any:
        self._pool(UserPoolId)
        return {"Users": [{"Username": name} for name in self.pool_users[UserPoolId][:Limit]]}

    def cognito_idp_create_user_pool_client(
        self, UserPoolId: str, ClientName: str, GenerateSecret: bool, **given: Any
    ) -> Any:
        assert not GenerateSecret
        self._pool(UserPoolId)
        number = f"client{len(self.pool_clients[UserPoolId]) + 1}"
        client = {"UserPoolId": UserPoolId, "ClientId": number, "ClientName": ClientName, **given}
        self.pool_clients[UserPoolId][number] = {**client, "CreationDate": SINCE}
        return {"UserPoolClient": client}

    def _client(self, pool: str, number: str) -> dict[str, Any]:
        self._pool(pool)
        if number not in self.pool_clients[pool]:
            raise refuse("ResourceNotFoundException", f"User pool client {number} does not exist.")
        return self.pool_clients[pool][number]

    def cognito_idp_list_user_pool_clients(self, UserPoolId: str, MaxResults: int) -> Any:
        assert MaxResults <= 60
        self._pool(UserPoolId)
        return {"UserPoolClients": list(self.pool_clients[UserPoolId].values())}

    def cognito_idp_describe_user_pool_client(self, UserPoolId: str, ClientId: str) -> Any:
        return {"UserPoolClient": self._client(UserPoolId, ClientId)}

    def cognito_idp_update_user_pool_client(
        self, UserPoolId: str, ClientId: str, ClientName: str, **given: Any
    ) -> None:
        before = self._client(UserPoolId, ClientId)
        kept = {"UserPoolId": UserPoolId, "ClientId": ClientId, "ClientName": ClientName}
        self.pool_clients[UserPoolId][ClientId] = {
            "CreationDate": before["CreationDate"],
            **kept,
            **given,
        }

    def cognito_idp_delete_user_pool_client(self, UserPoolId: str, ClientId: str) -> None:
        self._client(UserPoolId, ClientId)
        del self.pool_clients[UserPoolId][ClientId]
