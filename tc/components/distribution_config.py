"""A distribution in the words of CloudFront, and back.

Its props: ``enabled``; ``origin`` (``domain``, ``path``); ``root``, the object of ``/``;
``errors`` (status of S3 -> ``page`` and ``status`` of the answer); ``domains``;
``certificate`` (ARN); ``headers`` (see `page_headers`);
``functions`` (``request``, ``response`` -> digest of the code). What CloudFront has
besides (logs, WAF, price class) is the user's and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tc.components.page_edge import EVENTS

ORIGIN = "site"
#: a managed policy ("Use managed cache policies")
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
_TLS = "TLSv1.2_2021"
_METHODS = ["GET", "HEAD"]


def listed(items: list[Any]) -> dict[str, Any]:
    """A list as CloudFront takes it: counted, and without items when it is empty."""
    return {"Quantity": len(items), **({"Items": items} if items else {})}


def new_config(reference: str, comment: str) -> dict[str, Any]:
    """What a distribution is made with, besides its props."""
    return {
        "CallerReference": reference,
        "Comment": comment,
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": True,
        "PriceClass": "PriceClass_All",
        "DefaultCacheBehavior": {
            "TargetOriginId": ORIGIN,
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": {**listed(_METHODS), "CachedMethods": listed(_METHODS)},
            "Compress": True,
            "CachePolicyId": CACHING_OPTIMIZED,
        },
    }


def written(
    config: Mapping[str, Any],
    props: Mapping[str, Any],
    policy: str,
    control: str,
    arns: Mapping[str, str],
) -> dict[str, Any]:
    """`config` with the props.

    `policy` is the id of that of response headers, `control` that of the origin access
    control, `arns` those of the functions by when they run.
    """
    origin = {
        "Id": ORIGIN,
        "DomainName": props["origin"]["domain"],
        "OriginPath": props["origin"]["path"],
        "CustomHeaders": listed([]),
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": control,
    }
    functions = [
        {"FunctionARN": arn, "EventType": EVENTS[when]} for when, arn in sorted(arns.items())
    ]
    behavior = {
        **config["DefaultCacheBehavior"],
        "TargetOriginId": ORIGIN,
        "ResponseHeadersPolicyId": policy,
        "FunctionAssociations": listed(functions),
    }
    return {
        **config,
        "Enabled": props["enabled"],
        "DefaultRootObject": props["root"],
        "Origins": listed([_merged(config, origin)]),
        "DefaultCacheBehavior": behavior,
        "CustomErrorResponses": listed(
            [_error(status, answer) for status, answer in sorted(props["errors"].items())]
        ),
        "Aliases": listed(list(props["domains"])),
        "ViewerCertificate": _certificate(props["certificate"]),
    }


def _merged(config: Mapping[str, Any], origin: Mapping[str, Any]) -> dict[str, Any]:
    """What the live origin has besides (timeouts, shield) stays."""
    before: Mapping[str, Any] = next(iter(config.get("Origins", {}).get("Items", [])), {})
    return {**before, **origin}


def _error(status: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ErrorCode": int(status),
        "ResponsePagePath": answer["page"],
        "ResponseCode": answer["status"],
        "ErrorCachingMinTTL": 0,
    }


def _certificate(arn: str) -> dict[str, Any]:
    if not arn:
        return {"CloudFrontDefaultCertificate": True}
    return {
        "ACMCertificateArn": arn,
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": _TLS,
    }


def props_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The props of a live distribution, but for what takes reads of its own."""
    origin: Mapping[str, Any] = next(iter(config["Origins"].get("Items", [])), {})
    errors = config.get("CustomErrorResponses", {}).get("Items", [])
    return {
        "enabled": config["Enabled"],
        "origin": {"domain": origin.get("DomainName", ""), "path": origin.get("OriginPath", "")},
        "root": config.get("DefaultRootObject", ""),
        "errors": {
            str(one["ErrorCode"]): {
                "page": one.get("ResponsePagePath", ""),
                "status": one.get("ResponseCode", ""),
            }
            for one in errors
        },
        "domains": sorted(config.get("Aliases", {}).get("Items", [])),
        "certificate": config.get("ViewerCertificate", {}).get("ACMCertificateArn", ""),
    }


def functions_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The ARNs of the functions, by when they run."""
    when = {event: name for name, event in EVENTS.items()}
    items = config["DefaultCacheBehavior"].get("FunctionAssociations", {}).get("Items", [])
    return {when[one["EventType"]]: one["FunctionARN"] for one in items if one["EventType"] in when}


def control_of(config: Mapping[str, Any]) -> str:
    """The id of the origin access control, empty for none."""
    origin: Mapping[str, Any] = next(iter(config["Origins"].get("Items", [])), {})
    return str(origin.get("OriginAccessControlId", ""))


def headers_of(config: Mapping[str, Any]) -> str:
    """The id of the policy of response headers, empty for none."""
    return str(config["DefaultCacheBehavior"].get("ResponseHeadersPolicyId", ""))
