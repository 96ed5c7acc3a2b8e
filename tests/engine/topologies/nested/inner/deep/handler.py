def handler(event, context):
    print("deep", event.get("detail"))
    return {"from": context.function_name}
