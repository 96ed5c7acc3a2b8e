# ruff: noqa: N803  the parameters are named as AWS names them
"""SQS, S3, DynamoDB, Firehose and the event source mappings of the account in memory."""

from __future__ import annotations

import json
from typing import Any

from fake_functions import Functions
from fake_services import SINCE, Part, pairs, refuse

Tags = list[dict[str, str]]


def listed(tags: dict[str, str]) -> Tags:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Queues(Part):
    def start(self) -> None:
        self.queues: dict[str, dict[str, Any]] = {}

    def _queue(self, url: str) -> dict[str, Any]:
        name = url.rpartition("/")[2]
        assert url == f"https://sqs.{self.region}.amazonaws.com/{self.account}/{name}"
        if name not in self.queues:
            raise refuse(
                "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
            )
        return self.queues[name]

    def sqs_create_queue(
        self, QueueName: str, Attributes: dict[str, str], tags: dict[str, str]
    ) -> Any:
        assert len(QueueName) <= 80
        assert (Attributes.get("FifoQueue") == "true") == QueueName.endswith(".fifo")
        if QueueName in self.queues:
            raise refuse("QueueAlreadyExists", "A queue already exists with the same name")
        self.queues[QueueName] = {"attributes": {}, "tags": dict(tags)}
        url = f"https://sqs.{self.region}.amazonaws.com/{self.account}/{QueueName}"
        self.sqs_set_queue_attributes(url, Attributes)
        return {"QueueUrl": url}

    def sqs_set_queue_attributes(self, QueueUrl: str, Attributes: dict[str, str]) -> None:
        queue = self._queue(QueueUrl)
        for key, value in Attributes.items():
            if value == "":
                queue["attributes"].pop(key, None)
                continue
            if key == "RedrivePolicy":
                other = json.loads(value)["deadLetterTargetArn"].rpartition(":")[2]
                if other not in self.queues:
                    raise refuse("InvalidParameterValue", "Dead letter target does not exist.")
            queue["attributes"][key] = value

    def sqs_get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:
        assert AttributeNames == ["All"]
        queue = self._queue(QueueUrl)
        given = {
            "QueueArn": self.arn("sqs", QueueUrl.rpartition("/")[2]),
            "CreatedTimestamp": str(int(SINCE.timestamp())),
        }
        return {"Attributes": {**given, **queue["attributes"]}}

    def sqs_list_queue_tags(self, QueueUrl: str) -> Any:
        tags = self._queue(QueueUrl)["tags"]
        return {"Tags": tags} if tags else {}

    def sqs_tag_queue(self, QueueUrl: str, Tags: dict[str, str]) -> None:
        self._queue(QueueUrl)["tags"].update(Tags)

    def sqs_untag_queue(self, QueueUrl: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._queue(QueueUrl)["tags"].pop(key, None)

    def sqs_list_queues(self, QueueNamePrefix: str, MaxResults: int) -> Any:
        root = f"https://sqs.{self.region}.amazonaws.com/{self.account}"
        names = [name for name in self.queues if name.startswith(QueueNamePrefix)]
        return {"QueueUrls": [f"{root}/{name}" for name in names]}

    def sqs_delete_queue(self, QueueUrl: str) -> None:
        self._queue(QueueUrl)
        del self.queues[QueueUrl.rpartition("/")[2]]


class Buckets(Part):
    """`settings` of a bucket are the bodies that were put, by the name of the setting."""

    def start(self) -> None:
        self.buckets: dict[str, dict[str, Any]] = {}

    def _bucket(self, name: str) -> dict[str, Any]:
        if name not in self.buckets:
            raise refuse("NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[name]

    def s3_create_bucket(self, Bucket: str, CreateBucketConfiguration: dict[str, Any]) -> None:
        assert 3 <= len(Bucket) <= 63
        assert Bucket == Bucket.lower()
        assert CreateBucketConfiguration["LocationConstraint"] == self.region
        if Bucket in self.buckets:
            raise refuse("BucketAlreadyOwnedByYou", "You already own it.")
        tags = pairs(CreateBucketConfiguration["Tags"])
        self.buckets[Bucket] = {"tags": tags, "settings": {}, "objects": []}

    def s3_list_buckets(self, Prefix: str) -> Any:
        return {"Buckets": [{"Name": name} for name in self.buckets if name.startswith(Prefix)]}

    def s3_get_bucket_tagging(self, Bucket: str) -> Any:
        tags = self._bucket(Bucket)["tags"]
        if not tags:
            raise refuse("NoSuchTagSet", "The TagSet does not exist")
        return {"TagSet": listed(tags)}

    def s3_put_bucket_tagging(self, Bucket: str, Tagging: dict[str, Any]) -> None:
        self._bucket(Bucket)["tags"] = pairs(Tagging["TagSet"])

    def _setting(self, bucket: str, name: str, error: str) -> Any:
        settings = self._bucket(bucket)["settings"]
        if name not in settings:
            raise refuse(error, f"The {name} configuration was not found")
        return settings[name]

    def s3_put_public_access_block(self, Bucket: str, PublicAccessBlockConfiguration: Any) -> None:
        self._bucket(Bucket)["settings"]["block"] = PublicAccessBlockConfiguration

    def s3_get_public_access_block(self, Bucket: str) -> Any:
        found = self._setting(Bucket, "block", "NoSuchPublicAccessBlockConfiguration")
        return {"PublicAccessBlockConfiguration": found}

    def s3_put_bucket_versioning(self, Bucket: str, VersioningConfiguration: Any) -> None:
        self._bucket(Bucket)["settings"]["versioning"] = VersioningConfiguration

    def s3_get_bucket_versioning(self, Bucket: str) -> Any:
        return self._bucket(Bucket)["settings"].get("versioning", {})

    def s3_put_bucket_encryption(self, Bucket: str, ServerSideEncryptionConfiguration: Any) -> None:
        self._bucket(Bucket)["settings"]["encryption"] = ServerSideEncryptionConfiguration

    def s3_get_bucket_encryption(self, Bucket: str) -> Any:
        own = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        found = self._bucket(Bucket)["settings"].get("encryption", own)
        return {"ServerSideEncryptionConfiguration": found}

    def s3_delete_bucket_encryption(self, Bucket: str) -> None:
        self._bucket(Bucket)["settings"].pop("encryption", None)

    def s3_put_bucket_lifecycle_configuration(
        self, Bucket: str, LifecycleConfiguration: Any
    ) -> None:
        self._bucket(Bucket)["settings"]["lifecycle"] = LifecycleConfiguration

    def s3_get_bucket_lifecycle_configuration(self, Bucket: str) -> Any:
        return self._setting(Bucket, "lifecycle", "NoSuchLifecycleConfiguration")

    def s3_delete_bucket_lifecycle(self, Bucket: str) -> None:
        self._bucket(Bucket)["settings"].pop("lifecycle", None)

    def s3_put_bucket_cors(self, Bucket: str, CORSConfiguration: Any) -> None:
        self._bucket(Bucket)["settings"]["cors"] = CORSConfiguration

    def s3_get_bucket_cors(self, Bucket: str) -> Any:
        return self._setting(Bucket, "cors", "NoSuchCORSConfiguration")

    def s3_delete_bucket_cors(self, Bucket: str) -> None:
        self._bucket(Bucket)["settings"].pop("cors", None)

    def s3_put_bucket_notification_configuration(
        self, Bucket: str, NotificationConfiguration: Any
    ) -> None:
        self._bucket(Bucket)["settings"]["notification"] = NotificationConfiguration

    def s3_get_bucket_notification_configuration(self, Bucket: str) -> Any:
        return self._bucket(Bucket)["settings"].get("notification", {})

    def s3_list_object_versions(self, Bucket: str, MaxKeys: int = 1000, Prefix: str = "") -> Any:
        objects = [key for key in self._bucket(Bucket)["objects"] if key.startswith(Prefix)]
        page = [{"Key": key, "VersionId": "null"} for key in objects[:MaxKeys]]
        return {"Versions": page, "IsTruncated": len(objects) > MaxKeys}

    def s3_delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> Any:
        assert len(Delete["Objects"]) <= 1000
        for one in Delete["Objects"]:
            self._bucket(Bucket)["objects"].remove(one["Key"])
        return {}

    def s3_delete_bucket(self, Bucket: str) -> None:
        if self._bucket(Bucket)["objects"]:
            raise refuse("BucketNotEmpty", "The bucket you tried to delete is not empty")
        del self.buckets[Bucket]


class Tables(Part):
    def start(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.streams_made = 0

    def _table(self, name: str) -> dict[str, Any]:
        if name not in self.tables:
            raise refuse("ResourceNotFoundException", f"Table: {name} not found")
        return self.tables[name]

    def dynamodb_create_table(
        self, TableName: str, BillingMode: str, Tags: list[dict[str, str]], **given: Any
    ) -> Any:
        if TableName in self.tables:
            raise refuse("ResourceInUseException", f"Table already exists: {TableName}")
        self._check_attributes(given["AttributeDefinitions"], given)
        table: dict[str, Any] = {
            "TableName": TableName,
            "TableArn": self.arn("dynamodb", f"table/{TableName}"),
            "TableStatus": "ACTIVE",
            "CreationDateTime": SINCE,
            "BillingModeSummary": {"BillingMode": BillingMode},
            "AttributeDefinitions": given["AttributeDefinitions"],
            "KeySchema": given["KeySchema"],
            "GlobalSecondaryIndexes": [
                {**index, "IndexStatus": "ACTIVE"}
                for index in given.get("GlobalSecondaryIndexes", [])
            ],
        }
        self.tables[TableName] = {"table": table, "tags": pairs(Tags), "ttl": {}, "items": 0}
        self._set_stream(table, given.get("StreamSpecification"))
        return {"TableDescription": table}

    def _check_attributes(self, definitions: list[dict[str, str]], given: dict[str, Any]) -> None:
        """DynamoDB wants the attributes of the keys defined, and no others."""
        schemas = [given["KeySchema"]]
        schemas += [index["KeySchema"] for index in given.get("GlobalSecondaryIndexes", [])]
        used = {part["AttributeName"] for schema in schemas for part in schema}
        assert sorted(one["AttributeName"] for one in definitions) == sorted(used)

    def _set_stream(self, table: dict[str, Any], wanted: Any) -> None:
        if wanted is None:
            return
        on = table.get("StreamSpecification", {}).get("StreamEnabled", False)
        if wanted["StreamEnabled"] == on:
            raise refuse("ValidationException", "Table already has that stream")
        table["StreamSpecification"] = wanted
        if wanted["StreamEnabled"]:
            self.streams_made += 1
            table["LatestStreamArn"] = f"{table['TableArn']}/stream/{self.streams_made}"

    def dynamodb_update_table(
        self,
        TableName: str,
        StreamSpecification: Any = None,
        GlobalSecondaryIndexUpdates: Any = None,
        AttributeDefinitions: Any = None,
        BillingMode: str = "",
    ) -> None:
        table = self._table(TableName)["table"]
        self._set_stream(table, StreamSpecification)
        if BillingMode:
            table["BillingModeSummary"]["BillingMode"] = BillingMode
        for change in GlobalSecondaryIndexUpdates or []:
            indexes = table["GlobalSecondaryIndexes"]
            if "Delete" in change:
                name = change["Delete"]["IndexName"]
                table["GlobalSecondaryIndexes"] = [i for i in indexes if i["IndexName"] != name]
            else:
                indexes.append({**change["Create"], "IndexStatus": "ACTIVE"})
                known = {one["AttributeName"]: one for one in table["AttributeDefinitions"]}
                known |= {one["AttributeName"]: one for one in AttributeDefinitions}
                table["AttributeDefinitions"] = list(known.values())

    def dynamodb_describe_table(self, TableName: str) -> Any:
        return {"Table": self._table(TableName)["table"]}

    def dynamodb_list_tables(self, ExclusiveStartTableName: str, Limit: int) -> Any:
        assert len(ExclusiveStartTableName) >= 3
        names = sorted(name for name in self.tables if name > ExclusiveStartTableName)
        return {"TableNames": names[:Limit]}

    def _by_arn(self, arn: str) -> dict[str, Any]:
        return self._table(arn.rpartition("/")[2])

    def dynamodb_list_tags_of_resource(self, ResourceArn: str) -> Any:
        return {"Tags": listed(self._by_arn(ResourceArn)["tags"])}

    def dynamodb_tag_resource(self, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
        self._by_arn(ResourceArn)["tags"].update(pairs(Tags))

    def dynamodb_untag_resource(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._by_arn(ResourceArn)["tags"].pop(key, None)

    def dynamodb_update_time_to_live(self, TableName: str, TimeToLiveSpecification: Any) -> None:
        wanted = TimeToLiveSpecification
        if bool(self._table(TableName)["ttl"]) == wanted["Enabled"]:
            raise refuse("ValidationException", "TimeToLive is already so")
        self._table(TableName)["ttl"] = wanted if wanted["Enabled"] else {}

    def dynamodb_describe_time_to_live(self, TableName: str) -> Any:
        ttl = self._table(TableName)["ttl"]
        if not ttl:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        told = {"TimeToLiveStatus": "ENABLED", "AttributeName": ttl["AttributeName"]}
        return {"TimeToLiveDescription": told}

    def dynamodb_scan(self, TableName: str, Limit: int, Select: str) -> Any:
        assert (Limit, Select) == (1, "COUNT")
        return {"Count": min(1, self._table(TableName)["items"])}

    def dynamodb_delete_table(self, TableName: str) -> None:
        self._table(TableName)
        del self.tables[TableName]


class Streams(Part):
    def start(self) -> None:
        self.streams: dict[str, dict[str, Any]] = {}

    def _stream(self, name: str) -> dict[str, Any]:
        if name not in self.streams:
            raise refuse("ResourceNotFoundException", f"Firehose {name} not found.")
        return self.streams[name]

    def firehose_create_delivery_stream(
        self,
        DeliveryStreamName: str,
        DeliveryStreamType: str,
        ExtendedS3DestinationConfiguration: dict[str, Any],
        Tags: list[dict[str, str]],
    ) -> Any:
        assert len(DeliveryStreamName) <= 64
        if DeliveryStreamName in self.streams:
            raise refuse("ResourceInUseException", f"Firehose {DeliveryStreamName} already exists")
        arn = self.arn("firehose", f"deliverystream/{DeliveryStreamName}")
        self.streams[DeliveryStreamName] = {
            "DeliveryStreamARN": arn,
            "version": 1,
            "destination": ExtendedS3DestinationConfiguration,
            "tags": pairs(Tags),
        }
        return {"DeliveryStreamARN": arn}

    def firehose_describe_delivery_stream(self, DeliveryStreamName: str) -> Any:
        stream = self._stream(DeliveryStreamName)
        destination = {
            "DestinationId": "destinationId-1",
            "ExtendedS3DestinationDescription": stream["destination"],
        }
        return {
            "DeliveryStreamDescription": {
                "DeliveryStreamARN": stream["DeliveryStreamARN"],
                "DeliveryStreamStatus": "ACTIVE",
                "VersionId": str(stream["version"]),
                "CreateTimestamp": SINCE,
                "Destinations": [destination],
            }
        }

    def firehose_update_destination(
        self,
        DeliveryStreamName: str,
        CurrentDeliveryStreamVersionId: str,
        DestinationId: str,
        ExtendedS3DestinationUpdate: dict[str, Any],
    ) -> None:
        stream = self._stream(DeliveryStreamName)
        assert CurrentDeliveryStreamVersionId == str(stream["version"])
        stream["version"] += 1
        stream["destination"].update(ExtendedS3DestinationUpdate)

    def firehose_list_tags_for_delivery_stream(self, DeliveryStreamName: str) -> Any:
        return {"Tags": listed(self._stream(DeliveryStreamName)["tags"])}

    def firehose_tag_delivery_stream(
        self, DeliveryStreamName: str, Tags: list[dict[str, str]]
    ) -> None:
        self._stream(DeliveryStreamName)["tags"].update(pairs(Tags))

    def firehose_untag_delivery_stream(self, DeliveryStreamName: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self._stream(DeliveryStreamName)["tags"].pop(key, None)

    def firehose_delete_delivery_stream(self, DeliveryStreamName: str) -> None:
        self._stream(DeliveryStreamName)
        del self.streams[DeliveryStreamName]


class Mappings(Functions):
    def start(self) -> None:
        super().start()
        self.mappings: dict[str, dict[str, Any]] = {}
        self.mappings_made = 0

    def _mapping(self, number: str) -> dict[str, Any]:
        if number not in self.mappings:
            raise refuse("ResourceNotFoundException", "The resource you requested does not exist.")
        return self.mappings[number]

    def lambda_create_event_source_mapping(
        self, EventSourceArn: str, FunctionName: str, Tags: dict[str, str], **given: Any
    ) -> Any:
        assert isinstance(EventSourceArn, str)
        assert FunctionName.split(":")[6] in self.functions
        for live in self.mappings.values():
            if (live["EventSourceArn"], live["FunctionArn"]) == (EventSourceArn, FunctionName):
                raise refuse("ResourceConflictException", "The mapping already exists.")
        self.mappings_made += 1
        number = f"0000-{self.mappings_made}"
        self.mappings[number] = {
            "UUID": number,
            "EventSourceArn": EventSourceArn,
            "FunctionArn": FunctionName,
            "State": "Enabled" if given.pop("Enabled") else "Disabled",
            "LastModified": SINCE,
            "tags": Tags,
            **given,
        }
        return self.mappings[number]

    def lambda_list_event_source_mappings(self, FunctionName: str) -> Any:
        found = [
            {key: value for key, value in live.items() if key != "tags"}
            for live in self.mappings.values()
            if live["FunctionArn"].split(":function:")[1] == FunctionName
        ]
        return {"EventSourceMappings": found}

    def lambda_get_event_source_mapping(self, UUID: str) -> Any:
        return self._mapping(UUID)

    def lambda_update_event_source_mapping(self, UUID: str, **given: Any) -> None:
        live = self._mapping(UUID)
        if "Enabled" in given:
            live["State"] = "Enabled" if given.pop("Enabled") else "Disabled"
        if "FunctionName" in given:
            live["FunctionArn"] = given.pop("FunctionName")
        live.update(given)

    def lambda_delete_event_source_mapping(self, UUID: str) -> None:
        self._mapping(UUID)
        del self.mappings[UUID]

    def lambda_list_tags(self, Resource: str) -> Any:
        return {"Tags": self._mapping(Resource.rpartition(":")[2])["tags"]}

    def lambda_tag_resource(self, Resource: str, Tags: dict[str, str]) -> None:
        if ":event-source-mapping:" not in Resource:
            super().lambda_tag_resource(Resource, Tags)
            return
        self._mapping(Resource.rpartition(":")[2])["tags"].update(Tags)

    def lambda_untag_resource(self, Resource: str, TagKeys: list[str]) -> None:
        if ":event-source-mapping:" not in Resource:
            super().lambda_untag_resource(Resource, TagKeys)
            return
        for key in TagKeys:
            self._mapping(Resource.rpartition(":")[2])["tags"].pop(key, None)
