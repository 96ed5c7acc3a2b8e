"""Everything that can go wrong, in the shape in which it is told.

The hierarchy::

    TcError            something failed                              exit 1
    ├── UsageError     the command was called wrongly                exit 2
    ├── InvalidInput   problems in the user's files, all of them     exit 2
    └── AwsError       AWS refused a call

An error says where, what, why and what to do next; `tc.cli.render` prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tc.records import dataclass

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem in a user's file, with its address.

    `line` and `col` count from 1; 0 means that the problem is the whole file's.
    `width` is the number of characters the caret line underlines.
    """

    code: str
    message: str
    file: str
    line: int = 0
    col: int = 0
    width: int = 1
    source: str = ""
    hint: str = ""
    severity: Severity = "error"


class TcError(Exception):
    """Something failed.

    `code` is a short kebab-case name that scripts may rely on, `where` the file
    or the AWS thing, `hint` the way out: where it can, a command to run.
    """

    exit_code = 1

    def __init__(self, message: str, *, code: str = "failed", where: str = "", hint: str = ""):
        super().__init__(message)
        self.message = message
        self.code = code
        self.where = where
        self.hint = hint


class UsageError(TcError):
    """The command was called wrongly; nothing was called, nothing changed."""

    exit_code = 2

    def __init__(self, message: str, *, code: str = "usage", where: str = "", hint: str = ""):
        super().__init__(message, code=code, where=where, hint=hint)


class InvalidInput(TcError):
    """The user's files have problems; `problems` has every one of them."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]):
        errors = sum(1 for p in problems if p.severity == "error")
        super().__init__(f"{errors} problem{'s' if errors != 1 else ''}", code="invalid")
        self.problems = tuple(problems)


class AwsError(TcError):
    """AWS refused a call, or could not be reached.

    `aws_code` is the service's own error code (``ResourceNotFoundException``),
    `operation` is ``service.operation`` (``lambda.create_function``), `status`
    the HTTP status, 0 when no answer came.
    """

    def __init__(
        self,
        message: str,
        *,
        aws_code: str,
        operation: str,
        status: int = 0,
        where: str = "",
        hint: str = "",
    ):
        super().__init__(message, code="aws", where=where or operation, hint=hint)
        self.aws_code = aws_code
        self.operation = operation
        self.status = status

    @property
    def missing(self) -> bool:
        """Whether AWS says that the thing does not exist."""
        return self.aws_code in _MISSING

    @property
    def exists(self) -> bool:
        """Whether AWS says that a thing of that name exists already."""
        return self.aws_code in _EXISTS


_MISSING = frozenset(
    {
        "ActivityDoesNotExist",
        "EntityNotFoundException",
        "NoSuchEntity",
        "NoSuchEntityException",
        "NotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "NoSuchBucket",
        "NoSuchDistribution",
        "NoSuchFunctionExists",
        "NoSuchOriginAccessControl",
        "NoSuchResponseHeadersPolicy",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "NoSuchKey",
        "404",
    }
)
_EXISTS = frozenset(
    {
        "EntityAlreadyExists",
        "EntityAlreadyExistsException",
        "ResourceConflictException",
        "ResourceAlreadyExistsException",
        "StateMachineAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "BucketAlreadyExists",
        "QueueAlreadyExists",
        "QueueNameExists",
        "ResourceInUseException",
        "ConflictException",
    }
)
