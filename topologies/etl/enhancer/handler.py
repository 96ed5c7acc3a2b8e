def handler(event, context):
    return {"data": "enhanced-data"}
