"""Values that stand somewhere else, fetched: each once, all at once, before anything changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tc.components.protocol import Aws
from tc.components.variables import ENVIRONMENT_LIMIT, environment_bytes
from tc.errors import AwsError, TcError
from tc.records import dataclass
from tc.spec.fetched import Reference, Secret, filled_in, is_reference, reference
from tc.spec.function import Function

#: names that one call takes (API references of GetParameters and BatchGetSecretValue)
_PARAMETERS = 10
_SECRETS = 20


@dataclass(frozen=True, slots=True)
class _Unusable:
    """Why there is no value."""

    reason: str


_Answer = str | _Unusable
_Answers = dict[Reference, _Answer]
_ABSENT = _Unusable("isn't there")


def fetch(aws: Aws, variables: Iterable[Function], layers: Iterable[Function]) -> dict[str, Secret]:
    """The values that the environments of the functions `variables` and the layers of the
    functions `layers` refer to, by reference as it stands there.

    Raises TcError ``no-value`` that names each one that can't be had, with the variables
    that use it, and ``environment-too-long`` for what Lambda would refuse.
    """
    variables = list(variables)
    values = secrets(aws, _users(variables, layers))
    _check_sizes(variables, values)
    return values


def secrets(aws: Aws, users: Mapping[str, Sequence[str]]) -> dict[str, Secret]:
    """The values of references as they stand somewhere, each with what uses it, in words.

    Raises TcError ``no-value`` that names each one that can't be had.
    """
    found = {text: reference(text) for text in users}
    wanted = sorted({replace(ref, key="") for ref in found.values() if ref})
    answers: _Answers = {}
    for part in aws.map(lambda job: job(), list(_jobs(aws, wanted))):
        answers.update(part)
    values: dict[str, Secret] = {}
    problems: dict[str, str] = {}
    for text, ref in found.items():
        assert ref
        answer = _of_key(answers[replace(ref, key="")], ref.key)
        if isinstance(answer, _Unusable):
            problems[text] = answer.reason
        else:
            values[text] = Secret(str(ref), answer)
    if problems:
        raise _no_value(problems, users, aws)
    return values


def _users(variables: Iterable[Function], layers: Iterable[Function]) -> dict[str, list[str]]:
    """Each reference, and what uses it, in words."""
    users: dict[str, list[str]] = {}
    for function in variables:
        for name, value in function.environment.items():
            if is_reference(value):
                users.setdefault(value, []).append(f"{name} of {function.name}")
    for function in layers:
        for layer in function.layers:
            if is_reference(layer):
                users.setdefault(layer, []).append(f"a layer of {function.name}")
    return users


def _jobs(aws: Aws, wanted: Sequence[Reference]) -> Iterator[Callable[[], _Answers]]:
    """The calls that fetch `wanted`, as few as can be."""

    def of(scheme: str) -> list[Reference]:
        return [ref for ref in wanted if ref.scheme == scheme]

    for some in _pages(of("ssm"), _PARAMETERS):
        yield partial(_parameters, aws, some)
    for some in _pages(of("secretsmanager"), _SECRETS):
        yield partial(_secrets, aws, some)
    for ref in of("s3"):
        yield partial(_object, aws, ref)
    for ref in of("file"):
        yield partial(_file, ref)


def _pages(refs: Sequence[Reference], size: int) -> list[Sequence[Reference]]:
    return [refs[start : start + size] for start in range(0, len(refs), size)]


def _parameters(aws: Aws, refs: Sequence[Reference]) -> _Answers:
    names = [ref.name for ref in refs]
    found = aws.call("ssm", "get_parameters", Names=names, WithDecryption=True)["Parameters"]
    values: dict[str, str] = {}
    for parameter in found:
        chosen = parameter.get("Selector", "").lstrip(":")
        for name in (parameter["Name"], parameter.get("ARN", parameter["Name"])):
            values[f"{name}:{chosen}" if chosen else name] = parameter["Value"]
    return {ref: values.get(ref.name, _ABSENT) for ref in refs}


def _secrets(aws: Aws, refs: Sequence[Reference]) -> _Answers:
    answers: _Answers = dict.fromkeys(refs, _ABSENT)
    more: dict[str, str] = {}
    while True:
        page = aws.call(
            "secretsmanager",
            "batch_get_secret_value",
            SecretIdList=[ref.name for ref in refs],
            **more,
        )
        for ref in refs:
            for secret in page.get("SecretValues", ()):
                if _means(ref.name, secret):
                    answers[ref] = _secret_text(secret)
            for error in page.get("Errors", ()):
                if error["SecretId"] == ref.name:
                    answers[ref] = _refused(error["ErrorCode"], error.get("Message", ""))
        if not page.get("NextToken"):
            return answers
        more = {"NextToken": page["NextToken"]}


def _means(written: str, secret: Mapping[str, Any]) -> bool:
    """Whether a secret is the one called `written`: its name, or its ARN, of which the
    six characters at the end may be left out."""
    arn = secret["ARN"]
    return written in (secret["Name"], arn) or arn.rpartition("-")[0] == written


def _secret_text(secret: Mapping[str, Any]) -> _Answer:
    text = secret.get("SecretString")
    return _decoded(secret["SecretBinary"]) if text is None else str(text)


def _refused(code: str, message: str) -> _Unusable:
    if code == "ResourceNotFoundException":
        return _ABSENT
    return _Unusable(f"can't be read: {message.rstrip('.') or code} [{code}]")


def _object(aws: Aws, ref: Reference) -> _Answers:
    bucket, _, key = ref.name.partition("/")
    try:
        # one byte more than Lambda takes is enough to know, however large the object is
        head = f"bytes=0-{ENVIRONMENT_LIMIT}"
        answer = aws.call("s3", "get_object", Bucket=bucket, Key=key, Range=head)
    except AwsError as error:
        if error.aws_code == "InvalidRange":
            return {ref: ""}
        if error.missing:
            return {ref: _ABSENT}
        if error.aws_code == "AccessDenied":
            # S3 says so too of an object that isn't there to those who may not list the bucket
            return {ref: _Unusable("isn't there, or you may not read it [AccessDenied]")}
        raise
    return {ref: _line(answer["Body"])}


def _file(ref: Reference) -> _Answers:
    root = Path(ref.root).resolve()
    path = root / ref.name
    if not path.resolve().is_relative_to(root):
        return {ref: _Unusable(f"is outside the project {root}")}
    try:
        if not path.is_file():
            return {ref: _ABSENT}
        with path.open("rb") as file:
            return {ref: _line(file.read(ENVIRONMENT_LIMIT + 1))}
    except OSError as error:
        return {ref: _Unusable(f"can't be read: {(error.strerror or str(error)).lower()}")}


def _line(raw: bytes) -> _Answer:
    """The text of a file or an object, without the newline that editors put at its end."""
    if len(raw) > ENVIRONMENT_LIMIT:
        return _Unusable(f"has over {ENVIRONMENT_LIMIT:,} bytes, more than a variable can hold")
    text = _decoded(raw)
    if isinstance(text, _Unusable):
        return text
    return text.removesuffix("\n").removesuffix("\r")


def _decoded(raw: bytes) -> _Answer:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return _Unusable("is no UTF-8 text")
    return _Unusable("holds a NUL, which no variable can") if "\0" in text else text


def _of_key(answer: _Answer, key: str) -> _Answer:
    """One key of a JSON object; text as it is, anything else as JSON writes it."""
    if not key or isinstance(answer, _Unusable):
        return answer
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        return _Unusable("is no JSON object, so it has no keys")
    if key not in data:
        return _Unusable(f"has no key `{key}`")
    value = data[key]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _no_value(problems: Mapping[str, str], users: Mapping[str, Sequence[str]], aws: Aws) -> TcError:
    lines = [
        f"`{reference(text)}` {reason} ({', '.join(users[text])})"
        for text, reason in problems.items()
    ]
    absent = next((text for text, reason in problems.items() if reason == _ABSENT.reason), None)
    return TcError(
        f"{len(lines)} value{'s' if len(lines) != 1 else ''} can't be had:\n  "
        + "\n  ".join(lines),
        code="no-value",
        where="" if aws.local else f"account {aws.account}, {aws.region}",
        hint=_way_out(reference(absent), aws) if absent else "",
    )


def _way_out(ref: Reference | None, aws: Aws) -> str:
    """A command that makes what isn't there."""
    if ref is None or ref.scheme == "file":
        return "write the file"
    door = f"aws --endpoint-url {aws.endpoint}" if aws.local else "aws"
    if ref.scheme == "ssm":
        return f"{door} ssm put-parameter --type SecureString --name {ref.name} --value VALUE"
    if ref.scheme == "secretsmanager":
        return f"{door} secretsmanager create-secret --name {ref.name} --secret-string VALUE"
    return f"{door} s3 cp FILE s3://{ref.name}"


def _check_sizes(functions: Iterable[Function], values: Mapping[str, Secret]) -> None:
    sizes = {
        function.name: environment_bytes(filled_in(function.environment, values) or {})
        for function in functions
    }
    long = [
        f"`{name}` has {size:,} bytes" for name, size in sizes.items() if size > ENVIRONMENT_LIMIT
    ]
    if long:
        raise TcError(
            f"environments with their fetched values are too long: {', '.join(long)}; "
            f"Lambda takes {ENVIRONMENT_LIMIT:,}",
            code="environment-too-long",
            hint="have the function fetch large values itself when it starts",
        )
