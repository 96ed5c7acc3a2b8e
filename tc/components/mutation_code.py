"""The JavaScript of resolvers that are no function (runtime APPSYNC_JS of AppSync).

That runtime has no `try`, no `async` and no loops but `for … of` ("JavaScript runtime
features for resolvers and functions").
"""

from __future__ import annotations

import json
from collections.abc import Sequence

_HEAD = "import { util } from '@aws-appsync/utils';\n"
_ITEM = """\
  const now = util.time.nowISO8601();
  const item = { createdAt: now, ...ctx.args.input, updatedAt: now };
"""
_FAILED = """\
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
"""


def hand_on() -> str:
    """Gives back its input: what subscribers get is what was sent."""
    return _module(f"{_ITEM}  return {{ payload: item }};\n", "  return ctx.result;\n")


def put_event(source: str, name: str, mark: str) -> str:
    """Puts its input on a bus, and gives it back."""
    event = (
        f"      source: {json.dumps(source)},\n"
        f"      detailType: {json.dumps(name)},\n"
        "      detail: item,\n"
        f"      resources: [{json.dumps(mark)}],\n"
    )
    request = (
        f"{_ITEM}  ctx.stash.item = item;\n"
        f"  return {{\n    operation: 'PutEvents',\n    events: [{{\n{event}    }}],\n  }};\n"
    )
    return _module(request, "  return ctx.stash.item;\n")


def put_item(keys: Sequence[str]) -> str:
    """Puts its input into a table whose items are found by `keys`, and gives the item back."""
    return _module(
        f"{_ITEM}  return {{\n"
        "    operation: 'PutItem',\n"
        f"    key: util.dynamodb.toMapValues({{ {_picked(keys, 'item')} }}),\n"
        "    attributeValues: util.dynamodb.toMapValues(item),\n"
        "  };\n",
        "  return ctx.result;\n",
    )


def get_item(keys: Sequence[str]) -> str:
    """Finds an item of a table."""
    return _module(
        "  return {\n"
        "    operation: 'GetItem',\n"
        f"    key: util.dynamodb.toMapValues({{ {_picked(keys, 'ctx.args')} }}),\n"
        "  };\n",
        "  return ctx.result;\n",
    )


def _picked(keys: Sequence[str], of: str) -> str:
    return ", ".join(f"{key}: {of}.{key}" for key in keys)


def _module(request: str, response: str) -> str:
    return (
        f"{_HEAD}\nexport function request(ctx) {{\n{request}}}\n"
        f"\nexport function response(ctx) {{\n{_FAILED}{response}}}\n"
    )
