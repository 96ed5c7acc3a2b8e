"""CloudFront serves pages over plain HTTP to this machine, and forgets the tags of what is gone.

Why: a page redirects browsers to HTTPS, and the engine has none: nobody could look at it. And what
was deleted would be found by its mark for ever, as if it were still there.
"""

from __future__ import annotations

from typing import Any

from .needs import need, replace

MODULE = "services.cloudfront"


def install() -> None:
    need(MODULE, "_tags")
    need(MODULE, "_distributions")
    check = need(MODULE, "_check_viewer_protocol_policy", "behavior", "method", "viewer_is_https")
    delete = need(MODULE, "_delete_distribution", "dist_id", "headers")

    def over_http(behavior: dict[str, Any], method: str, _: bool, *rest: Any) -> Any:
        return check(behavior, method, True, *rest)

    def with_tags(dist_id: str, headers: dict[str, str]) -> Any:
        from ministack.services import cloudfront

        arn = cloudfront._distributions.get(dist_id, {}).get("ARN", "")
        answer = delete(dist_id, headers)
        if answer[0] == 204:
            cloudfront._tags.pop(arn, None)
        return answer

    replace(MODULE, "_check_viewer_protocol_policy", over_http)
    replace(MODULE, "_delete_distribution", with_tags)
