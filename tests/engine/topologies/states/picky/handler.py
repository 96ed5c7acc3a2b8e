class TooMany(Exception):
    pass


def handler(event, context):
    if event["quantity"] > 10:
        raise TooMany(f"{event['quantity']} of {event['order']}")
    return {"packed": f"{event['quantity']} {event['order']}"}
