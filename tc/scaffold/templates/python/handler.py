def handler(event, context):
    return {"message": f"hello, {event.get('name', 'nobody')}"}
