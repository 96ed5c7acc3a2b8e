"""What the tests in containers share."""

from __future__ import annotations

import os

from tc.spec.layer import Platform

#: an image of Debian with Python 3.11 and gcc, in which things are built; empty for none
IMAGE = os.environ.get("TC_TEST_IMAGE", "")
PLATFORM = Platform("python3.11", "x86_64")
