"""What is told about an error: where, what, why, and what to do next."""

from __future__ import annotations

from tc.cli.render.text import CUT, Line, Span, block, cells, safe
from tc.errors import AwsError, InvalidInput, Problem, TcError

_GUTTER = 5
_TAB = 4
#: cells of the source that stay in view to the right of the caret's start, where a line is long
_AHEAD = 24


def fault_lines(error: TcError, width: int) -> list[Line]:
    """`error` for people, on lines of a terminal `width` cells wide."""
    if isinstance(error, InvalidInput):
        lines = [line for problem in error.problems for line in problem_lines(problem, width)]
        return [*lines, *_verdict(error)]
    return [
        (Span(f"error[{safe(error.code)}]: ", "bad"), *_first(error.message)),
        *block(error.message)[1:],
        *_where(error),
        *labelled("next", error.hint),
    ]


def labelled(label: str, text: str) -> list[Line]:
    """``  next: tc login -e dev``; nothing for an empty `text`."""
    return block(f"  {label}: {text}", indent="    ") if text else []


def _where(error: TcError) -> list[Line]:
    if not isinstance(error, AwsError):
        return labelled("at", error.where)
    answer = f"answered {error.aws_code}" if error.status else f"gave no answer ({error.aws_code})"
    status = f" (HTTP {error.status})" if error.status else ""
    return [
        *labelled("at", error.where if error.where != error.operation else ""),
        *labelled("call", f"{error.operation} {answer}{status}"),
    ]


def _first(message: str) -> Line:
    return block(message)[0]


def problem_lines(problem: Problem, width: int) -> list[Line]:
    """``file:line:col: error[code]: message``, the source line, the caret and the hint."""
    place = [problem.file, *(str(n) for n in (problem.line, problem.col) if n)]
    style = "bad" if problem.severity == "error" else "warn"
    head = (
        Span(safe(":".join(place)) + ": ", "bold"),
        Span(f"{problem.severity}[{safe(problem.code)}]: ", style),
        *_first(problem.message),
    )
    lines = [head, *block(problem.message)[1:]]
    if problem.line and problem.col and problem.source:
        return [*lines, *_excerpt(problem, style, width)]
    return [*lines, *block(f"  {problem.hint}", indent="  ")] if problem.hint else lines


def _verdict(error: InvalidInput) -> list[Line]:
    wrong = [problem for problem in error.problems if problem.severity == "error"]
    if not wrong:
        return []
    problems, files = len(wrong), len({problem.file for problem in wrong})
    said = (
        f"{problems} problem{'s' if problems != 1 else ''} in "
        f"{files} file{'s' if files != 1 else ''}. Nothing was called, nothing was changed."
    )
    return [(Span(said, "bold"),)]


def _excerpt(problem: Problem, style: str, width: int) -> list[Line]:
    """The source line with the caret line below it."""
    shown = _displayed(problem.source.rstrip("\r\n"))
    start = min(problem.col - 1, len(shown))
    end = max(min(start + problem.width, len(shown)), start)
    gutter = max(_GUTTER, len(str(problem.line)))
    before, marked, after = _windowed(
        shown[:start], shown[start:end], shown[end:], width - gutter - 3
    )
    carets = "^" * max(cells(marked), 1)
    hint, *more = block(problem.hint, indent=" " * (gutter + 3)) if problem.hint else [()]
    return [
        (Span(f"{problem.line:>{gutter}} | ", "dim"), Span(before + marked + after)),
        (
            Span(" " * gutter + " | ", "dim"),
            Span(" " * cells(before)),
            Span(carets, style),
            *((Span(" "), *hint) if hint else ()),
        ),
        *more,
    ]


def _displayed(source: str) -> list[str]:
    """What each character of `source` is shown as: tabs as blanks, controls as escapes."""
    shown: list[str] = []
    column = 0
    for char in source:
        text = " " * (_TAB - column % _TAB) if char == "\t" else safe(char)
        column += cells(text)
        shown.append(text)
    return shown


def _windowed(
    before: list[str], marked: list[str], after: list[str], room: int
) -> tuple[str, str, str]:
    """The three parts of a line in `room` cells, cut at the ends so that the mark is in view."""
    room = max(room, 2 * _AHEAD)
    if sum(cells(text) for text in (*before, *marked, *after)) <= room:
        return "".join(before), "".join(marked), "".join(after)
    ahead = min(sum(map(cells, marked)) + sum(map(cells, after)), _AHEAD)
    left = _cut(before[::-1], room - ahead)
    lead = "".join(left[::-1])
    rest = _cut([*marked, *after], room - cells(lead))
    return lead, "".join(rest[: len(marked)]), "".join(rest[len(marked) :])


def _cut(texts: list[str], room: int) -> list[str]:
    """The first of `texts` that fit in `room` cells, and ``…`` where some do not."""
    if sum(map(cells, texts)) <= room:
        return texts
    kept: list[str] = []
    used = 1
    for text in texts:
        used += cells(text)
        if used > room:
            break
        kept.append(text)
    return [*kept, CUT]
