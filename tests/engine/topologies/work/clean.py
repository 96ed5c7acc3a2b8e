import sys

import boto3

given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
boto3.client("s3").put_object(
    Bucket=given["--bucket"], Key="cleaned.txt", Body=given["--mode"].encode()
)
