"""What a browser is told of a page's files: their types, and how long they may be kept."""

from __future__ import annotations

import mimetypes
import re

_TEXT = "; charset=utf-8"
#: those that differ from machine to machine in Python's own table
_TYPES = {
    "html": f"text/html{_TEXT}",
    "htm": f"text/html{_TEXT}",
    "css": f"text/css{_TEXT}",
    "js": f"text/javascript{_TEXT}",
    "mjs": f"text/javascript{_TEXT}",
    "json": "application/json",
    "map": "application/json",
    "txt": f"text/plain{_TEXT}",
    "md": f"text/markdown{_TEXT}",
    "xml": "application/xml",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/vnd.microsoft.icon",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "ttf": "font/ttf",
    "otf": "font/otf",
    "wasm": "application/wasm",
    "pdf": "application/pdf",
    "webmanifest": "application/manifest+json",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "zip": "application/zip",
}
_LAST_PART = re.compile(r"(?:^|[-._])([A-Za-z0-9_]{8,32})\.\w+(?:\.map)?\Z")
_HEX = re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{8,32}\Z")
#: what Vite and esbuild write: eight letters and digits, with capitals among them
_EIGHT = re.compile(r"(?=.{1,7}[A-Z])(?=.*[0-9a-z_])[A-Za-z0-9_]{8}\Z|(?=.*[0-9])[A-Z2-7]{8}\Z")
_YEAR = 365 * 24 * 3600


def content_type(path: str) -> str:
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    return _TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def cache_control(path: str) -> str:
    """For ever where the name has a hash of the contents; else browsers and CloudFront ask
    each time whether theirs is still the right one."""
    return f"public, max-age={_YEAR}, immutable" if is_hashed(path) else "no-cache"


def is_hashed(path: str) -> bool:
    """Whether a build tool put a hash of the file's contents into its name."""
    match = _LAST_PART.search(path.rpartition("/")[2])
    return bool(match and (_HEX.match(match[1]) or _EIGHT.match(match[1])))
