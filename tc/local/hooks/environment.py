"""One execution environment of a function: a process that keeps its handler loaded.

The process and we talk in JSON lines over a socket of their own, so stdout and stderr are all
the handler's: they share one pipe and become its log, in the order written. After each
invocation the process writes a mark into that pipe, so the log of an invocation is complete when
its answer is given.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
import weakref
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import mounts
from .channel import Channel, Failed, Gone, Overdue
from .log_lines import LogLines, LogText
from .node_sdk import node_sdk
from .runtimes import NoRuntime, command, variables
from .trees import Trees

TREES = Trees()
LIVE: weakref.WeakSet[Environment] = weakref.WeakSet()
INIT_SECONDS = 10.0  # Lambda's limit of the init phase


class Environment:
    """What the engine's pool calls a worker. It leases by `in_use` and `last_used`, reads
    `config`, and calls `_spawn` (holding `_lock`), `invoke` and, to end one, `_discard_tmpdir`.

    `_proc` stays None, or the pool would kill the process itself, in the middle of an invocation:
    on Lambda those in flight finish when a function is changed or deleted.
    """

    _proc = None

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        self.func_name = func_name
        self.config = config
        self.code_zip = code_zip
        self.in_use = False
        self.last_used = time.time()
        self._lock = threading.Lock()
        self._cold = True
        self._process: subprocess.Popen[bytes] | None = None
        self._group = 0
        self._channel: Channel | None = None
        self._lines = LogLines()
        self._trees: list[Path] = []
        self._tmp: Path | None = None
        self._retired = False
        self.stream = ""
        LIVE.add(self)

    # -- what the engine calls -------------------------------------------------------------

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        depth: int = 0,
        durable: dict[str, str] | None = None,
        invoked_function_arn: str | None = None,
    ) -> dict[str, Any]:
        """`{"status": "ok", "result"}` or `{"status": "error", "error", "error_payload"}`, both
        with `log` and `cold_start`. Never raises for what a handler does."""
        timeout = float(self.config.get("Timeout") or 3)
        call = {
            "event": event,
            "request_id": request_id,
            "arn": invoked_function_arn or self.config.get("FunctionArn", ""),
            "env": self._call_variables(trace_id, depth, durable),
        }
        with self._lock:
            result = self._call(call, timeout)
        if self._retired:
            self._discard_tmpdir()
        return result

    def _discard_tmpdir(self) -> None:
        """End it: now, or after the invocation that runs in it."""
        self._retired = True
        if self._lock.acquire(blocking=False):
            try:
                self.end()
            finally:
                self._lock.release()

    # -- an invocation ---------------------------------------------------------------------

    def _call(self, call: dict[str, Any], timeout: float) -> dict[str, Any]:
        cold = self._process is None or self._process.poll() is not None
        began, init = time.monotonic(), 0.0
        try:
            if cold:
                self._spawn()
                init = time.monotonic() - began
                began = time.monotonic()
            self._line().send({**call, "deadline": time.time() + timeout}, timeout)
            answer = self._line().answer(began + timeout)
            result = {"status": "ok", "result": answer["result"]}
        except (Failed, Gone, Overdue, NoRuntime) as error:
            payload = self._error(error, call["request_id"], timeout)
            text = payload["errorMessage"]
            result = {"status": "error", "error": text, "error_payload": payload}
        result["log"] = self._log(call["request_id"], time.monotonic() - began, init)
        result["cold_start"] = cold
        return result

    def end(self) -> None:
        self._stop()
        for tree in self._trees:
            TREES.release(tree)
        self._trees = []

    # -- the process -----------------------------------------------------------------------

    def _spawn(self) -> None:
        """Start the process and wait until the handler is loaded. Raises what `invoke` catches."""
        from ministack.core.lambda_runtime import execution_credentials

        self._stop()
        task, opt = self._unpack()
        self._tmp = TREES.scratch()
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        version = self.config.get("Version") or "$LATEST"
        self.stream = f"{day}/[{version}]{secrets.token_hex(16)}"
        group = (self.config.get("LoggingConfig") or {}).get("LogGroup")
        environment = {
            **variables(self.config, execution_credentials(self.config), task, opt, self._tmp),
            "AWS_LAMBDA_LOG_GROUP_NAME": group or f"/aws/lambda/{self.func_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
        }
        mounted = mounts.of(self.config)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                runtime = str(self.config["Runtime"])
                words = command(runtime, theirs.fileno(), node_sdk(TREES.root))
                self._process = subprocess.Popen(
                    mounts.started(words, mounted),
                    cwd=task,
                    env=mounts.seen(environment, mounted),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except (OSError, NoRuntime) as error:
                ours.close()
                raise NoRuntime(str(error)) from error
        self._group = self._process.pid
        self._channel = Channel(ours, self._process)
        self._lines = LogLines()
        self._lines.follow(self._process.stdout)
        if said := mounts.notice(mounted):
            self._lines.add(said)
        self._cold = False
        limit = max(INIT_SECONDS, float(self.config.get("Timeout") or 3))
        start = {
            "handler": self.config.get("Handler") or "",
            "task": str(task),
            "opt": str(opt),
            "site": os.environ.get("TC_HANDLER_SITE", ""),
        }
        self._channel.send(start, limit)
        self._channel.answer(time.monotonic() + limit)

    def _unpack(self) -> tuple[Path, Path]:
        from ministack.services.lambda_svc import _resolve_layer_zip

        if not self._trees:
            layers = [_resolve_layer_zip(layer) for layer in self.config.get("Layers") or []]
            try:
                self._trees.append(TREES.take(self.code_zip))
                self._trees.append(TREES.take(*(layer for layer in layers if layer)))
            except zipfile.BadZipFile as error:
                raise NoRuntime(f"The code or a layer can't be unpacked: {error}.") from error
        return self._trees[0], self._trees[1]

    def _call_variables(
        self, trace_id: str | None, depth: int, durable: dict[str, str] | None
    ) -> dict[str, str]:
        """What changes with each invocation. The lineage lets the engine stop endless recursion:
        SDKs pass the whole header on."""
        root = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        trace = trace_id or f"{root};Parent={secrets.token_hex(8)};Sampled=0"
        return {"_X_AMZN_TRACE_ID": f"{trace};Lineage=1:{'0' * 8}:{depth}", **(durable or {})}

    def _stop(self, *, just_ended: bool = False) -> None:
        """End the process and all it started: Lambda too leaves nothing of an environment.

        The group of a process that ended long ago is left alone: its number may be another's.
        """
        proc, self._process = self._process, None
        if self._group and (just_ended or (proc is not None and proc.poll() is None)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        self._group = 0
        if proc is not None:
            proc.wait()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._tmp is not None:
            Trees.clear(self._tmp)
            self._tmp = None

    def _line(self) -> Channel:
        if self._channel is None:
            raise Gone
        return self._channel

    # -- what is reported ------------------------------------------------------------------

    def _error(self, error: Exception, request_id: str, timeout: float) -> dict[str, Any]:
        """Lambda's error object. The environment survives errors that the handler raised."""
        if isinstance(error, Failed):
            payload = dict(error.args[0])
            if payload.pop("init", False):
                self._end()
            if "requestId" in payload:
                payload["requestId"] = request_id
            return payload
        status = self._end(graceful=isinstance(error, Gone))
        if isinstance(error, Overdue):
            kind, text = "Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds"
        elif isinstance(error, NoRuntime):
            kind, text = "Runtime.InvalidRuntime", str(error)
        else:
            kind, text = "Runtime.ExitError", _exit_text(status)
        message = f"RequestId: {request_id} Error: {text}"
        self._lines.add(message if kind != "Sandbox.Timedout" else f"{request_id} {text}")
        return {"errorType": kind, "errorMessage": message}

    def _end(self, *, graceful: bool = False) -> int | None:
        """Stop the process; how it ended when it did so by itself."""
        status = None
        if graceful and self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(timeout=1)
        self._stop(just_ended=graceful)
        self._lines.finish()
        return status

    def _log(self, request_id: str, seconds: float, init: float) -> LogText:
        version = self.config.get("Version") or "$LATEST"
        memory = self.config.get("MemorySize") or 128
        duration = f"{seconds * 1000:.2f}"
        report = (
            f"REPORT RequestId: {request_id}\tDuration: {duration} ms\t"
            f"Billed Duration: {int(seconds * 1000) + 1} ms\tMemory Size: {memory} MB"
        )
        if init:
            report += f"\tInit Duration: {init * 1000:.2f} ms"
        lines = self._lines.take(request_id, alive=self._process is not None)
        start = f"START RequestId: {request_id} Version: {version}"
        return LogText.of(
            self.stream, lines, start=start, end=[f"END RequestId: {request_id}", report]
        )


def _exit_text(status: int | None) -> str:
    if not status:
        return "Runtime exited without providing a reason"
    if status < 0:
        return f"Runtime exited with error: signal: {str(signal.strsignal(-status)).lower()}"
    return f"Runtime exited with error: exit status {status}"
