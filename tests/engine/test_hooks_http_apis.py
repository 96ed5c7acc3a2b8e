"""HTTP APIs of the engine: their tags, and one route for one key."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from hooks_support import Hooked

pytestmark = pytest.mark.engine


def test_an_api_tells_the_tags_that_it_was_given_later(hooked: Hooked) -> None:
    aws = hooked.client("apigatewayv2")
    api = aws.create_api(Name="tagged", ProtocolType="HTTP", Tags={"a": "1", "b": "2"})["ApiId"]
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}"
    aws.tag_resource(ResourceArn=arn, Tags={"a": "3"})
    aws.untag_resource(ResourceArn=arn, TagKeys=["b"])
    assert aws.get_api(ApiId=api)["Tags"] == {"a": "3"}
    assert aws.get_tags(ResourceArn=arn)["Tags"] == {"a": "3"}


def test_a_route_key_is_taken_once(hooked: Hooked) -> None:
    aws = hooked.client("apigatewayv2")
    api = aws.create_api(Name="routed", ProtocolType="HTTP")["ApiId"]
    one = aws.create_route(ApiId=api, RouteKey="GET /one")["RouteId"]
    two = aws.create_route(ApiId=api, RouteKey="GET /two")["RouteId"]
    with pytest.raises(ClientError, match="GET /one already exists") as refused:
        aws.create_route(ApiId=api, RouteKey="GET /one")
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    with pytest.raises(ClientError, match="GET /one already exists"):
        aws.update_route(ApiId=api, RouteId=two, RouteKey="GET /one")
    aws.update_route(ApiId=api, RouteId=one, RouteKey="GET /one")
    assert len(aws.get_routes(ApiId=api)["Items"]) == 2
