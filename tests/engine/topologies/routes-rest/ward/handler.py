def handler(event, context):
    allowed = event["headers"].get("authorization") == "please"
    return {
        "principalId": "ann",
        "context": {"user": "ann"},
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow" if allowed else "Deny",
                    "Action": "execute-api:Invoke",
                    "Resource": event["methodArn"],
                }
            ],
        },
    }
