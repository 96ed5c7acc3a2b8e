"""The function that writes assets to a file system. It runs on Lambda, with the file system
mounted, and on the local engine; nothing in here imports tc.

On the file system, for the asset at ``etl/model``::

    etl/model -> .tc/model/{version}     a link: it always leads to one whole version
    etl/.tc/model/{version}/             a version, named by the SHA-256 of its manifest
    etl/.tc/model/{version}.json.gz      its manifest
    etl/.tc/model/new-{version}/         one that is being put together
    etl/.tc/model/old-…/                 one that is being removed

An invocation is ``{"do", "path", "bucket", "prefix", "transit", "version", …}`` and does one
step; each can be repeated, by several at once too. What it can't finish in its time it says with
``"more"``.
"""

from .steps import handler

__all__ = ["handler"]
