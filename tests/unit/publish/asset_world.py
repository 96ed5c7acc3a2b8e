"""A project with a model, and the file system it is published to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fake_files import FakeFiles

from tc.build.assets import manifest_of
from tc.config import Roles
from tc.events import silent
from tc.publish.assets import Asset, Published, difference, publish
from tc.publish.bucket import Bucket
from tc.publish.publisher_function import Place

KB = 1024
#: smaller than real ones, and so quicker
PART, SMALL = 64 * KB, 8 * KB
POINT = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"


class World:
    """A project with a model, and the file system it is published to."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.mount = root / "mount"
        self.source = root / "model"
        self.cache = root / "cache"
        self.mount.mkdir()
        for module in ("tc.spec.asset", "tc.build.assets", "tc.publish.assets"):
            patch.setattr(f"{module}.PART", PART)
        patch.setattr("tc.publish.assets.SMALL", SMALL)
        self.aws = FakeFiles(self.mount, patch)
        self.place = Place(POINT, "/mnt/assets", ("subnet-1",), ("sg-1",))

    def write(self, name: str, content: bytes, *, executable: bool = False) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if executable else 0o644)

    def asset(self, keep: int = 3, path: str = "etl/model", owner: str = "etl") -> Asset:
        manifest = manifest_of(self.source, self.cache, silent, "artifacts")
        return Asset("artifacts of one", owner, self.place, path, manifest, keep)

    def publish(self, *, adopt: bool = False, **given: Any) -> Published:
        self.aws.sent.clear()
        asset = self.asset(**given)
        return publish(self.aws, Bucket(self.aws), asset, Roles(), silent, adopt=adopt)

    def difference(self) -> tuple[int, int]:
        found = difference(Bucket(self.aws), self.asset())
        return found.files, found.size

    def there(self, path: str = "etl/model") -> dict[str, bytes]:
        """What a function reads at the path."""
        top = (self.mount / path).resolve()
        return {
            file.relative_to(top).as_posix(): file.read_bytes()
            for folder, _, names in os.walk(top)
            for file in (Path(folder, name) for name in names)
        }

    def wanted(self) -> dict[str, bytes]:
        return {
            file.relative_to(self.source).as_posix(): file.read_bytes()
            for file in self.source.rglob("*")
            if file.is_file()
        }

    def versions(self) -> list[str]:
        return [one.name for one in (self.mount / "etl/.tc/model").iterdir() if one.is_dir()]
