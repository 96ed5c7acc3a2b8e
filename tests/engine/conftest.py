from __future__ import annotations

from hooks_support import hooked, own_hooked

__all__ = ["hooked", "own_hooked"]
