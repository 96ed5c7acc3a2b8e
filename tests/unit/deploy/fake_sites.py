# ruff: noqa: N803  the parameters are named as AWS names them
"""CloudFront, ACM and the objects of S3 of the account in memory."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from fake_services import SINCE, Part, pairs, refuse


class Sites(Part):
    """`propagating` is how often a changed distribution will say that it isn't deployed yet."""

    buckets: dict[str, dict[str, Any]]

    def start(self) -> None:
        self.distributions: dict[str, dict[str, Any]] = {}
        self.controls: dict[str, dict[str, Any]] = {}
        self.edge: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.invalidations: list[list[str]] = []
        self.certificates: list[dict[str, Any]] = []
        #: bucket -> key -> what PutObject was given
        self.sent: dict[str, dict[str, dict[str, Any]]] = {}
        self.propagating = 0
        self._made = 0

    def _next(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}{self._made}"

    # S3

    def _there(self, bucket: str) -> dict[str, Any]:
        if bucket not in self.buckets:
            raise refuse("NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[bucket]

    def s3_put_object(self, Bucket: str, Key: str, Body: bytes, **given: Any) -> None:
        if not given:
            super().s3_put_object(Bucket, Key, Body)  # type: ignore[misc]  # a script of a job
            return
        held = self._there(Bucket)["objects"]
        if Key not in held:
            held.append(Key)
        self.sent.setdefault(Bucket, {})[Key] = {"Body": Body, **given}

    def s3_list_objects_v2(self, Bucket: str, Prefix: str) -> Any:
        held = self._there(Bucket)["objects"]
        known = self.sent.get(Bucket, {})
        found = [
            {"Key": key, "ETag": f'"{hashlib.md5(known[key]["Body"]).hexdigest()}"'}
            for key in sorted(held)
            if key.startswith(Prefix)
        ]
        return {"Contents": found}

    def s3_get_bucket_policy(self, Bucket: str) -> Any:
        policy = self._there(Bucket)["settings"].get("policy")
        if policy is None:
            raise refuse("NoSuchBucketPolicy", "The bucket policy does not exist")
        return {"Policy": policy}

    def s3_put_bucket_policy(self, Bucket: str, Policy: str) -> None:
        assert json.loads(Policy)["Statement"]
        self._there(Bucket)["settings"]["policy"] = Policy

    def s3_delete_bucket_policy(self, Bucket: str) -> None:
        self._there(Bucket)["settings"].pop("policy", None)

    # ACM

    def acm_list_certificates(self, CertificateStatuses: list[str]) -> Any:
        assert CertificateStatuses == ["ISSUED"]
        return {"CertificateSummaryList": self.certificates}

    # CloudFront: distributions

    def _distribution(self, number: str) -> dict[str, Any]:
        if number not in self.distributions:
            raise refuse("NoSuchDistribution", "The specified distribution does not exist.")
        return self.distributions[number]

    def _check_config(self, config: dict[str, Any]) -> None:
        for name in ("Aliases", "Origins", "CustomErrorResponses"):
            assert config[name]["Quantity"] == len(config[name].get("Items", []))
        for origin in config["Origins"]["Items"]:
            if origin["DomainName"].split(".")[0] not in self.buckets:
                raise refuse("InvalidOrigin", "The specified origin server does not exist.")
            assert origin["OriginAccessControlId"] in self.controls
        if config["Aliases"]["Quantity"]:
            assert config["ViewerCertificate"]["ACMCertificateArn"].startswith("arn:aws:acm:us-e")

    def cloudfront_create_distribution_with_tags(
        self, DistributionConfigWithTags: dict[str, Any]
    ) -> Any:
        config = DistributionConfigWithTags["DistributionConfig"]
        self._check_config(config)
        number = self._next("E")
        self.distributions[number] = {
            "Id": number,
            "ARN": f"arn:aws:cloudfront::{self.account}:distribution/{number}",
            "DomainName": f"d{number.lower()}.cloudfront.net",
            "LastModifiedTime": SINCE,
            "DistributionConfig": config,
            "etag": self._next("V"),
            "tags": pairs(DistributionConfigWithTags["Tags"]["Items"]),
            "waits": self.propagating,
        }
        return {"Distribution": self.distributions[number]}

    def cloudfront_get_distribution(self, Id: str) -> Any:
        live = self._distribution(Id)
        status = "InProgress" if live["waits"] else "Deployed"
        live["waits"] = max(0, live["waits"] - 1)
        return {"Distribution": {**live, "Status": status}, "ETag": live["etag"]}

    def cloudfront_get_distribution_config(self, Id: str) -> Any:
        live = self._distribution(Id)
        return {"DistributionConfig": live["DistributionConfig"], "ETag": live["etag"]}

    def cloudfront_list_distributions(self) -> Any:
        items = [
            {"Id": number, "Comment": config["Comment"], "Origins": config["Origins"]}
            for number, live in self.distributions.items()
            for config in [live["DistributionConfig"]]
        ]
        return {"DistributionList": {"IsTruncated": False, "Items": items}}

    def cloudfront_update_distribution(
        self, Id: str, IfMatch: str, DistributionConfig: dict[str, Any]
    ) -> Any:
        live = self._distribution(Id)
        assert IfMatch == live["etag"]
        self._check_config(DistributionConfig)
        assert (
            DistributionConfig["CallerReference"] == live["DistributionConfig"]["CallerReference"]
        )
        live |= {
            "DistributionConfig": DistributionConfig,
            "etag": self._next("V"),
            "waits": self.propagating,
        }
        return {"Distribution": live}

    def cloudfront_delete_distribution(self, Id: str, IfMatch: str) -> None:
        live = self._distribution(Id)
        assert IfMatch == live["etag"]
        if live["DistributionConfig"]["Enabled"] or live["waits"]:
            raise refuse("DistributionNotDisabled", "The distribution has not been disabled.")
        del self.distributions[Id]

    def cloudfront_list_tags_for_resource(self, Resource: str) -> Any:
        tags = self._distribution(Resource.rpartition("/")[2])["tags"]
        return {"Tags": {"Items": [{"Key": key, "Value": text} for key, text in tags.items()]}}

    def cloudfront_tag_resource(self, Resource: str, Tags: dict[str, Any]) -> None:
        self._distribution(Resource.rpartition("/")[2])["tags"].update(pairs(Tags["Items"]))

    def cloudfront_untag_resource(self, Resource: str, TagKeys: dict[str, Any]) -> None:
        for key in TagKeys["Items"]:
            self._distribution(Resource.rpartition("/")[2])["tags"].pop(key, None)

    def cloudfront_create_invalidation(
        self, DistributionId: str, InvalidationBatch: dict[str, Any]
    ) -> None:
        self._distribution(DistributionId)
        paths = InvalidationBatch["Paths"]
        assert paths["Quantity"] == len(paths["Items"])
        self.invalidations.append(paths["Items"])

    # CloudFront: origin access controls

    def cloudfront_create_origin_access_control(
        self, OriginAccessControlConfig: dict[str, Any]
    ) -> Any:
        config = OriginAccessControlConfig
        assert len(config["Name"]) <= 64
        if any(one["Name"] == config["Name"] for one in self.controls.values()):
            raise refuse("OriginAccessControlAlreadyExists", "already exists")
        number = self._next("O")
        self.controls[number] = config
        return {"OriginAccessControl": {"Id": number, "OriginAccessControlConfig": config}}

    def cloudfront_list_origin_access_controls(self) -> Any:
        items = [{"Id": number, **config} for number, config in self.controls.items()]
        return {"OriginAccessControlList": {"Items": items}}

    def cloudfront_get_origin_access_control(self, Id: str) -> Any:
        if Id not in self.controls:
            raise refuse("NoSuchOriginAccessControl", "does not exist")
        config = self.controls[Id]
        return {"OriginAccessControl": {"OriginAccessControlConfig": config}, "ETag": "V"}

    def cloudfront_delete_origin_access_control(self, Id: str, IfMatch: str) -> None:
        assert IfMatch == "V"
        used = [
            origin["OriginAccessControlId"]
            for live in self.distributions.values()
            for origin in live["DistributionConfig"]["Origins"]["Items"]
        ]
        if Id in used:
            raise refuse("OriginAccessControlInUse", "still in use")
        del self.controls[Id]

    # CloudFront: policies of response headers

    def _headers_of(self, number: str) -> dict[str, Any]:
        if number not in self.policies:
            raise refuse("NoSuchResponseHeadersPolicy", "does not exist")
        return self.policies[number]

    def cloudfront_create_response_headers_policy(
        self, ResponseHeadersPolicyConfig: dict[str, Any]
    ) -> Any:
        config = ResponseHeadersPolicyConfig
        if any(one["config"]["Name"] == config["Name"] for one in self.policies.values()):
            raise refuse("ResponseHeadersPolicyAlreadyExists", "already exists")
        number = self._next("P")
        self.policies[number] = {"config": config, "etag": self._next("V")}
        return self.cloudfront_get_response_headers_policy(number)

    def cloudfront_get_response_headers_policy(self, Id: str) -> Any:
        live = self._headers_of(Id)
        policy = {"Id": Id, "ResponseHeadersPolicyConfig": live["config"]}
        return {"ResponseHeadersPolicy": policy, "ETag": live["etag"]}

    def cloudfront_list_response_headers_policies(self, Type: str) -> Any:
        assert Type == "custom"
        items = [self.cloudfront_get_response_headers_policy(number) for number in self.policies]
        return {"ResponseHeadersPolicyList": {"Items": items}}

    def cloudfront_update_response_headers_policy(
        self, Id: str, IfMatch: str, ResponseHeadersPolicyConfig: dict[str, Any]
    ) -> None:
        live = self._headers_of(Id)
        assert IfMatch == live["etag"]
        live |= {"config": ResponseHeadersPolicyConfig, "etag": self._next("V")}

    def cloudfront_delete_response_headers_policy(self, Id: str, IfMatch: str) -> None:
        assert IfMatch == self._headers_of(Id)["etag"]
        for live in self.distributions.values():
            behavior = live["DistributionConfig"]["DefaultCacheBehavior"]
            if behavior["ResponseHeadersPolicyId"] == Id:
                raise refuse("ResponseHeadersPolicyInUse", "still in use")
        del self.policies[Id]

    # CloudFront: functions

    def _edge(self, name: str) -> dict[str, Any]:
        if name not in self.edge:
            raise refuse("NoSuchFunctionExists", "The specified function does not exist.")
        return self.edge[name]

    def _summary(self, name: str) -> dict[str, Any]:
        arn = f"arn:aws:cloudfront::{self.account}:function/{name}"
        config = self.edge[name]["config"]
        return {"FunctionConfig": config, "FunctionMetadata": {"FunctionARN": arn}}

    def cloudfront_create_function(
        self, Name: str, FunctionConfig: dict[str, Any], FunctionCode: bytes
    ) -> Any:
        assert len(Name) <= 64
        if Name in self.edge:
            raise refuse("FunctionAlreadyExists", "already exists")
        tag = self._next("V")
        self.edge[Name] = {"config": FunctionConfig, "code": FunctionCode, "etag": tag, "live": b""}
        return {"FunctionSummary": self._summary(Name), "ETag": tag}

    def cloudfront_update_function(
        self, Name: str, IfMatch: str, FunctionConfig: dict[str, Any], FunctionCode: bytes
    ) -> Any:
        edge = self._edge(Name)
        assert IfMatch == edge["etag"]
        edge |= {"config": FunctionConfig, "code": FunctionCode, "etag": self._next("V")}
        return {"FunctionSummary": self._summary(Name), "ETag": edge["etag"]}

    def cloudfront_publish_function(self, Name: str, IfMatch: str) -> Any:
        edge = self._edge(Name)
        assert IfMatch == edge["etag"]
        edge["live"] = copy.copy(edge["code"])
        return {"FunctionSummary": self._summary(Name)}

    def cloudfront_describe_function(self, Name: str, Stage: str) -> Any:
        assert Stage == "DEVELOPMENT"
        return {"ETag": self._edge(Name)["etag"], "FunctionSummary": self._summary(Name)}

    def cloudfront_get_function(self, Name: str, Stage: str) -> Any:
        assert Stage == "LIVE"
        return {"FunctionCode": self._edge(Name)["live"]}

    def cloudfront_delete_function(self, Name: str, IfMatch: str) -> None:
        assert IfMatch == self._edge(Name)["etag"]
        for live in self.distributions.values():
            behavior = live["DistributionConfig"]["DefaultCacheBehavior"]
            for one in behavior["FunctionAssociations"].get("Items", []):
                if one["FunctionARN"].endswith(f"/{Name}"):
                    raise refuse("FunctionInUse", "still in use")
        del self.edge[Name]

    def tagged_sites(self) -> Iterator[tuple[str, dict[str, str]]]:
        for live in self.distributions.values():
            yield live["ARN"], live["tags"]

    def left_of_sites(self) -> Iterator[str]:
        yield from (*self.distributions, *self.controls, *self.edge, *self.policies)
