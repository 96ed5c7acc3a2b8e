def handler(event, context):
    return {"prices": [item["price"] * item["count"] for item in event]}
