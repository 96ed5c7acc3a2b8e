import os

from greeting import GREETING


def handler(event, context):
    return {
        "greeting": GREETING,
        "level": os.environ["LEVEL"],
        "memory": context.memory_limit_in_mb,
        "seconds": context.get_remaining_time_in_millis() // 1000,
        "version": context.function_version,
    }
