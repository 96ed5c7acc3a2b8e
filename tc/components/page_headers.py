"""Headers that CloudFront adds to a page's answers: AWS's own set for security, and the user's.

A page without `headers` uses AWS's managed policy "SecurityHeadersPolicy"; one with them has a
policy of its own, with the same headers where the user says nothing else. A policy can't be
tagged; its comment is the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tc.components import defaults
from tc.components.protocol import Aws
from tc.errors import AwsError, TcError
from tc.spec.finding import Address, Finding
from tc.spec.names import shorten

#: the managed policy ("Use managed response headers policies")
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
#: characters of a name (ResponseHeadersPolicyConfig)
_NAME_LIMIT = 128
#: headers of a policy that aren't CloudFront's own ("Quotas on response headers policies")
_CUSTOM_LIMIT = 10
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_CSP = "Content-Security-Policy"
_HSTS = "Strict-Transport-Security"
_TYPES = "X-Content-Type-Options"
_FRAME = "X-Frame-Options"
_REFERRER = "Referrer-Policy"
_XSS = "X-XSS-Protection"
#: headers that CloudFront takes apart: the values it can say
_SECURITY = {
    _CSP: re.compile(r".+"),
    _HSTS: re.compile(r"max-age=(?P<age>\d+)(?P<below>; *includeSubDomains)?(?P<pre>; *preload)?"),
    _TYPES: re.compile(r"nosniff"),
    _FRAME: re.compile(r"DENY|SAMEORIGIN"),
    _REFERRER: re.compile(
        "no-referrer|no-referrer-when-downgrade|origin|origin-when-cross-origin|same-origin|"
        "strict-origin|strict-origin-when-cross-origin|unsafe-url"
    ),
    _XSS: re.compile(r"(?P<on>[01])(?P<block>; *mode=block)?"),
}
_BY_LOWER = {name.lower(): name for name in _SECURITY}
#: what the managed policy says
_USUAL = {
    _HSTS: "max-age=31536000",
    _TYPES: "nosniff",
    _FRAME: "SAMEORIGIN",
    _REFERRER: "strict-origin-when-cross-origin",
    _XSS: "1; mode=block",
}


def check(headers: Mapping[str, str], at: Address) -> Iterator[Finding]:
    """What CloudFront would refuse."""
    custom = [name for name in headers if name.lower() not in _BY_LOWER]
    if len(custom) > _CUSTOM_LIMIT:
        message = f"there are {len(custom)} headers; CloudFront takes {_CUSTOM_LIMIT}"
        yield Finding("invalid-value", message, at, "besides those for security", "key")
    for name, value in headers.items():
        known = _BY_LOWER.get(name.lower())
        if not _TOKEN.match(name):
            yield Finding("bad-name", f"`{name}` is no header", at / name, at="key")
        elif name.lower().startswith("access-control-"):
            message = f"CloudFront takes no `{name}` among headers"
            hint = "`functions: {response: FILE}` can set it"
            yield Finding("invalid-value", message, at / name, hint, "key")
        elif known and not _SECURITY[known].fullmatch(value):
            message = f"CloudFront can't say `{value}` as `{known}`"
            yield Finding("invalid-value", message, at / name, _hint(known))


def _hint(name: str) -> str:
    usual = _USUAL.get(name)
    return f"such as `{usual}`" if usual else "write a policy"


def canonical(headers: Mapping[str, str]) -> dict[str, str]:
    """All headers of the page's answers, as CloudFront tells of them."""
    return _told(_config("", "", headers))


def _config(name: str, comment: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The policy as CloudFront takes it."""
    said = {**_USUAL, **{_BY_LOWER.get(key.lower(), key): value for key, value in headers.items()}}
    custom = [
        {"Header": key, "Value": value, "Override": True}
        for key, value in said.items()
        if key not in _SECURITY
    ]
    config: dict[str, Any] = {"Name": name, "Comment": comment}
    config["SecurityHeadersConfig"] = _security(said)
    if custom:
        config["CustomHeadersConfig"] = {"Quantity": len(custom), "Items": custom}
    return config


def _security(said: Mapping[str, str]) -> dict[str, Any]:
    hsts = _SECURITY[_HSTS].fullmatch(said[_HSTS])
    xss = _SECURITY[_XSS].fullmatch(said[_XSS])
    made: dict[str, dict[str, Any]] = {
        "ContentTypeOptions": {},
        "FrameOptions": {"FrameOption": said[_FRAME]},
        "ReferrerPolicy": {"ReferrerPolicy": said[_REFERRER]},
    }
    if hsts:
        made["StrictTransportSecurity"] = {
            "AccessControlMaxAgeSec": int(hsts["age"]),
            "IncludeSubdomains": hsts["below"] is not None,
            "Preload": hsts["pre"] is not None,
        }
    if xss:
        on = xss["on"] == "1"
        made["XSSProtection"] = {
            "Protection": on,
            **({"ModeBlock": xss["block"] is not None} if on else {}),
        }
    if _CSP in said:
        made["ContentSecurityPolicy"] = {"ContentSecurityPolicy": said[_CSP]}
    return {key: {"Override": True, **value} for key, value in made.items()}


def _told(config: Mapping[str, Any]) -> dict[str, str]:
    """A policy as headers and their values; the inverse of `_config`."""
    security = config.get("SecurityHeadersConfig", {})
    found: dict[str, str] = {}
    if "ContentTypeOptions" in security:
        found[_TYPES] = "nosniff"
    if frame := security.get("FrameOptions"):
        found[_FRAME] = frame["FrameOption"]
    if referrer := security.get("ReferrerPolicy"):
        found[_REFERRER] = referrer["ReferrerPolicy"]
    if hsts := security.get("StrictTransportSecurity"):
        found[_HSTS] = f"max-age={hsts['AccessControlMaxAgeSec']}"
        found[_HSTS] += "; includeSubDomains" if hsts.get("IncludeSubdomains") else ""
        found[_HSTS] += "; preload" if hsts.get("Preload") else ""
    if xss := security.get("XSSProtection"):
        found[_XSS] = "1" if xss["Protection"] else "0"
        found[_XSS] += "; mode=block" if xss.get("ModeBlock") else ""
    if csp := security.get("ContentSecurityPolicy"):
        found[_CSP] = csp["ContentSecurityPolicy"]
    items = config.get("CustomHeadersConfig", {}).get("Items", [])
    return found | {one["Header"]: one["Value"] for one in items}


def live(aws: Aws, number: str, comment: str) -> dict[str, str]:
    """The headers of the policy `number`; of one that is neither ours nor the managed one
    its id."""
    if number == SECURITY_HEADERS:
        return dict(_USUAL)
    found = _described(aws, number) if number else None
    config = found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"] if found else {}
    if config.get("Comment") != comment:
        return {"policy": number or "none"}
    return _told(config)


def _described(aws: Aws, number: str) -> dict[str, Any] | None:
    with defaults.if_there():
        return aws.call("cloudfront", "get_response_headers_policy", Id=number)
    return None


def put(aws: Aws, base: str, headers: Mapping[str, str], comment: str) -> str:
    """The id of the policy for `headers`, made or changed; the managed one's where it says
    the same.

    Raises TcError ``not-owned`` when a policy of this name has another comment.
    """
    if dict(headers) == _USUAL:
        return SECURITY_HEADERS
    config = _config(shorten(base, _NAME_LIMIT), comment, headers)
    operation, given = "create_response_headers_policy", {"ResponseHeadersPolicyConfig": config}
    try:
        made = aws.call("cloudfront", operation, **given)["ResponseHeadersPolicy"]
    except AwsError as error:
        if error.aws_code != "ResponseHeadersPolicyAlreadyExists":
            raise
        return _change(aws, config)
    return str(made["Id"])


def _change(aws: Aws, config: Mapping[str, Any]) -> str:
    for found in _all(aws):
        policy = found["ResponseHeadersPolicy"]
        there = policy["ResponseHeadersPolicyConfig"]
        if there["Name"] == config["Name"] and there.get("Comment") == config["Comment"]:
            number = str(policy["Id"])
            described = aws.call("cloudfront", "get_response_headers_policy", Id=number)
            given = {"Id": number, "IfMatch": described["ETag"]}
            given["ResponseHeadersPolicyConfig"] = config
            aws.call("cloudfront", "update_response_headers_policy", **given)
            return number
    raise TcError(
        f"the response headers policy {config['Name']} belongs to another",
        code="not-owned",
        where=str(config["Name"]),
        hint="rename the page, or delete that policy",
    )


def _all(aws: Aws) -> Iterator[Mapping[str, Any]]:
    """The account's own policies; it has at most 20 unless AWS raised that."""
    marker: dict[str, str] = {}
    while True:
        answer = aws.call("cloudfront", "list_response_headers_policies", Type="custom", **marker)[
            "ResponseHeadersPolicyList"
        ]
        yield from answer.get("Items", [])
        if not answer.get("NextMarker"):
            return
        marker = {"Marker": answer["NextMarker"]}


def remove(aws: Aws, number: str, comment: str) -> None:
    """Deletes the policy when it is ours."""
    if number in ("", SECURITY_HEADERS):
        return
    found = _described(aws, number)
    if found is None:
        return
    config = found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    if config.get("Comment") == comment:
        with defaults.if_there():
            aws.call(
                "cloudfront",
                "delete_response_headers_policy",
                Id=number,
                IfMatch=found["ETag"],
            )
