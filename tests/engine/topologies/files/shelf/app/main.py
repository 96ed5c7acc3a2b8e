import os

from app.books.names import NAMES


def handler(event, context):
    found = {key: os.environ[key] for key in ("LEVEL", "PLACE", "SECRET")}
    return {"names": NAMES, "memory": int(context.memory_limit_in_mb), **found}
