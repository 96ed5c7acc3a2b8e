def handler(event, context):
    print(event["triggerSource"], event["request"]["userAttributes"]["email"])
    return event
