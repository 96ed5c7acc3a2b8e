def handler(event, context):
    return {"from": context.function_name}
