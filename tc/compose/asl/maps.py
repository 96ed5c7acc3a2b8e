"""The parts of a Map state.

Facts: states-language.net, section "Map State"; Step Functions developer guide,
"Map state in Distributed mode": ItemReader, ItemBatcher, ResultWriter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tc.compose.asl.node import (
    Checker,
    Node,
    anything,
    exclusive,
    fields,
    integer,
    one_of,
    text,
    texts,
)
from tc.compose.asl.paths import path
from tc.compose.asl.payload import expression_or, payload, template
from tc.compose.asl.walk import shown

_S3 = re.compile(r"arn:[^:]+:states:::(?:aws-sdk:)?s3:(\w+)\Z")
#: what a label may not have
_SPECIAL = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"]")
_READS = ("getObject", "listObjectsV2")
_WRITES = ("putObject",)
_LABEL_MAX = 40
_BATCH_BYTES_MAX = 262_144

_PROCESSOR_CONFIG: Mapping[str, Checker] = {
    "Mode": one_of("INLINE", "DISTRIBUTED"),
    "ExecutionType": one_of("STANDARD", "EXPRESS"),
}
_READER_CONFIG: Mapping[str, Checker] = {
    "InputType": one_of("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"),
    "CSVHeaderLocation": one_of("FIRST_ROW", "GIVEN"),
    "CSVHeaders": texts,
    "CSVDelimiter": one_of("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
    "MaxItems": expression_or(integer(0)),
    "MaxItemsPath": path(),
    "ManifestType": one_of("ATHENA_DATA", "S3_INVENTORY"),
    "ItemsPointer": anything,
    "Transformation": one_of("NONE", "LOAD_AND_FLATTEN"),
}
_WRITER_CONFIG: Mapping[str, Checker] = {
    "Transformation": one_of("NONE", "COMPACT", "FLATTEN"),
    "OutputType": one_of("JSON", "JSONL"),
}
_BATCHER: Mapping[str, Checker] = {
    "MaxItemsPerBatch": expression_or(integer(1)),
    "MaxItemsPerBatchPath": path(),
    "MaxInputBytesPerBatch": expression_or(integer(1, _BATCH_BYTES_MAX)),
    "MaxInputBytesPerBatchPath": path(),
    "BatchInput": template,
}


def _s3(verbs: tuple[str, ...]) -> Checker:
    def check(node: Node) -> None:
        value = node.value
        if isinstance(value, str) and "{{" in value:
            return
        match = _S3.match(value) if isinstance(value, str) else None
        if match is None or match[1] not in verbs:
            guess = node.suggest(match[1], verbs) if match else ""
            wanted = " or ".join(f"`arn:aws:states:::s3:{verb}`" for verb in verbs)
            node.fail(f"must be {wanted}, not {shown(value)}", "invalid-resource", guess)

    return check


def _source(node: Node, table: dict[str, Checker]) -> None:
    """ItemReader and ResultWriter: a call of S3."""
    if node.language == "JSONata":
        table["Arguments"] = template
        foreign = {"Parameters": "a JSONata state has `Arguments` in its place"}
    else:
        table["Parameters"] = template
        foreign = {"Arguments": "a JSONPath state has `Parameters` in its place"}
    fields(node, table, (), foreign)


def item_reader(node: Node) -> None:
    _source(node, {"Resource": _s3(_READS), "ReaderConfig": _reader_config, "Comment": text})


def _reader_config(node: Node) -> None:
    if fields(node, _READER_CONFIG):
        exclusive(node, ("MaxItems", "MaxItemsPath"))


def result_writer(node: Node) -> None:
    config: Checker = _writer_config
    _source(node, {"Resource": _s3(_WRITES), "WriterConfig": config, "Comment": text})


def _writer_config(node: Node) -> None:
    fields(node, _WRITER_CONFIG)


def item_batcher(node: Node) -> None:
    if fields(node, _BATCHER):
        exclusive(
            node,
            ("MaxItemsPerBatch", "MaxItemsPerBatchPath"),
            ("MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"),
        )


def label(node: Node) -> None:
    """Label: part of the names of the child executions."""
    value = node.value
    if not isinstance(value, str):
        node.fail(f"must be text, not {shown(value)}", "wrong-type")
    elif "{{" not in value and (len(value) > _LABEL_MAX or _SPECIAL.search(value)):
        node.fail(f"may have {_LABEL_MAX} characters, without blanks and special ones")


def items(node: Node) -> None:
    """Items: a list, a mapping, or an expression."""
    if isinstance(node.value, list | Mapping):
        payload(node)
    else:
        expression_or(_no_items)(node)


def _no_items(node: Node) -> None:
    node.fail(f"must be a list, a mapping or an expression, not {shown(node.value)}", "wrong-type")


def processor_config(node: Node) -> None:
    """ProcessorConfig: a distributed Map says what its children are."""
    if not fields(node, _PROCESSOR_CONFIG):
        return
    distributed = node.value.get("Mode") == "DISTRIBUTED"
    if distributed and "ExecutionType" not in node.value:
        hint = "`ExecutionType: STANDARD` or `EXPRESS`"
        node.fail("is DISTRIBUTED and has no `ExecutionType`", "missing-key", hint, "key")


def is_distributed(state: Mapping[Any, Any]) -> bool:
    """Whether a Map runs each item as an execution of its own."""
    processor = state.get("ItemProcessor")
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    return isinstance(config, Mapping) and config.get("Mode") == "DISTRIBUTED"


def check_mode(node: Node, express: bool) -> None:
    """What follows from INLINE or DISTRIBUTED."""
    state = node.value
    if is_distributed(state):
        if express:
            node.field("ItemProcessor").field("ProcessorConfig").field("Mode").fail(
                "is DISTRIBUTED, which an Express flow can't do",
                "express-limit",
                "`mode: Standard` can",
            )
        return
    for name in ("ItemReader", "ResultWriter"):
        if name in state:
            node.field(name).fail(
                "works only in a distributed Map",
                "conflict",
                "`ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}` in ItemProcessor",
                "key",
            )
