def handler(event, context):
    return {"left": context.get_remaining_time_in_millis() <= 7000}
