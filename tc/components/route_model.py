"""What `routes.X` of topology.yml may say."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AliasChoices, ConfigDict, Field

from tc.spec.base import AsWritten, Entity, Strict
from tc.spec.topology import Entry

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"]
_KEY = re.compile(r"(?:(?P<method>[A-Z]+)\s+)?(?P<path>/\S*)\Z")
#: what a browser may send to a route with CORS: `*` alone doesn't cover `authorization`
CORS_HEADERS = ("authorization", "content-type", "x-amz-date", "x-amz-security-token", "x-api-key")


class Cors(Strict):
    """`cors` of a route: which pages of other origins may call it."""

    methods: list[Method] | None = Field(None, description="those of the routes themselves")
    origins: list[str] = Field(["*"], description="`https://example.com`; any")
    headers: list[str] = Field(list(CORS_HEADERS), description="headers that a page may send")


class Jwt(Strict):
    """`authorizer.jwt` of a route: who issues its tokens, and for whom."""

    issuer: str = Field(description="URL of the issuer; `/.well-known/openid-configuration` below")
    audience: list[str] = Field(description="values of `aud` or `client_id`, one of which must fit")


class Authorizer(Strict):
    """`authorizer` of a route, where a name isn't enough."""

    jwt: Jwt | None = Field(None, description="tokens of an OpenID issuer; HTTP APIs")
    cognito: str | None = Field(None, description="a pool of the topology, or the ARN of one")
    audience: list[str] | None = Field(
        None, description="app clients of the pool; needed on an HTTP API"
    )


class RouteModel(Entity):
    """`routes.X`: its key is a path, a method and a path, or a name with `path`."""

    # `async_` only stands in for a word that Python keeps
    model_config = ConfigDict(populate_by_name=False)

    function: str | None = Field(None, description="the function that answers")
    event: str | None = Field(None, description="the event that is sent")
    state: str | None = Field(None, description="`flow`: the flow that it starts")
    queue: str | None = Field(None, description="the queue that gets a message")
    method: Method | None = Field(None, description="POST")
    methods: list[Method] | None = Field(None, description="several, instead of `method`")
    path: str | None = Field(None, description="the key, when that is a path")
    gateway: str | None = Field(None, description="name of a shared API; an own one otherwise")
    kind: Literal["http", "rest"] | None = Field(None, description="http")
    stage: str | None = Field(None, description="`$default` of HTTP, `live` of REST APIs")
    stage_variables: dict[str, AsWritten] | None = Field(
        None, description="variables of the API's stage"
    )
    timeout: Annotated[int, Field(ge=1, le=30)] | None = Field(
        None, description="seconds; 30, 29 on REST APIs"
    )
    async_: bool = Field(False, alias="async", description="answer before the target has")
    authorizer: str | Authorizer | None = Field(
        None, description="a function, `iam`, `cognito`, `jwt`, or `none`: anybody may call it"
    )
    cors: bool | Cors | None = Field(
        None,
        validation_alias=AliasChoices("cors", "CORS"),
        description="pages of other origins may call it",
    )
    request_template: str | None = Field(
        None, description="`detail`, `merged`, or a mapping template of what the target gets"
    )
    response_template: str | None = Field(None, description="mapping template of the answer")
    request_params: dict[str, AsWritten] | None = Field(
        None, description="parameters of the integration, as API Gateway names them"
    )
    response_params: dict[str, AsWritten] | None = Field(
        None, description="headers of the answer: `method.response.header.NAME`"
    )
    doc_only: bool = Field(False, description="documented, not deployed")
    proxy: str | None = Field(None, description="the function, by its full name; or `none`")

    def targets(self) -> list[tuple[str, str]]:
        found = super().targets()
        if self.proxy and self.proxy != "none":
            found.append(("function", self.proxy))
        return found

    def target_key(self, kind: str) -> str:
        if kind == "function" and self.proxy:
            return "proxy"
        return super().target_key(kind)

    def label(self, name: str) -> str:
        match = _KEY.match(name)
        found: list[str] = list(self.methods or []) or [
            self.method or (match["method"] if match and match["method"] else "POST")
        ]
        return f"{','.join(found)} {self.path or (match['path'] if match else name)}"

    def waits(self) -> bool:
        return not self.async_ and not self.doc_only

    def deployed(self, _: str, /) -> bool:
        return not self.doc_only and self.proxy != "none"


def model_of(entry: Entry) -> RouteModel:
    assert isinstance(entry.model, RouteModel)
    return entry.model


def methods(entry: Entry) -> list[str]:
    """The methods of a route: `methods`, `method`, the key's, else POST."""
    model = model_of(entry)
    if model.methods:
        return list(dict.fromkeys(model.methods))
    match = _KEY.match(entry.name)
    return [model.method or (match["method"] if match and match["method"] else "POST")]


def path(entry: Entry) -> str:
    """The path of a route, empty when nobody wrote one."""
    match = _KEY.match(entry.name)
    return model_of(entry).path or (match["path"] if match else "")


def cors(entry: Entry) -> Cors | None:
    """What the route says of CORS; None when it has none."""
    written = model_of(entry).cors
    if isinstance(written, Cors):
        return written
    return Cors() if written else None
