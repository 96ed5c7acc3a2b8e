"""What a page is made of: where its files are, and what was read and built of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class SiteSource:
    """Where a page's files are: `dir`, and below it `dist`, which the commands of `build` make.

    `template` is the dotenv template, `functions` the JavaScript files by when CloudFront
    runs them (``request``, ``response``), all in `dir`; empty where there is none.
    """

    name: str
    dir: Path
    dist: str
    build: tuple[str, ...] = ()
    template: str = ""
    functions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file to serve; `md5` (hex) is what S3 calls its ETag."""

    path: Path
    md5: str
    size: int


#: what the template's names stand for -> the files by their paths below the page's root
Build = Callable[[Mapping[str, str]], Mapping[str, SiteFile]]


@dataclass(frozen=True, slots=True)
class Site:
    """A page as it was read: `names` are those of its template, `functions` the code.

    `files` is None until it was built with all the values of `names` known; `certificate`
    is the ARN of the one for its domain, empty where it has none.
    """

    build: Build
    names: tuple[str, ...] = ()
    functions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, SiteFile] | None = None
    certificate: str = ""
