def handler(event, context):
    print(f"version {context.function_version} was called")
