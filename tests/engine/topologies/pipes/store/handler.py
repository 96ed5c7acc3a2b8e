def handler(event, context):
    print("stored", " and ".join(event))
