def handler(event, context):
    return {"report": event["number"] * 2, "note": 'it\'s "quoted"'}
