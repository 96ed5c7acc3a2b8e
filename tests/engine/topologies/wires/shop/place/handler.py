def handler(order, context):
    return {"order": order["order"], "total": 3 * order["price"]}
