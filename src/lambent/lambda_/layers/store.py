"""The layers there are: rows, an index in memory, and which contents they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import apsw

from lambent.lambda_.code.quota import CodeQuota
from lambent.lambda_.layers.errors import LayerVersionMissing
from lambent.lambda_.layers.layer import Layer, LayerVersion
from lambent.lambda_.layers.names import LayerArn
from lambent.lambda_.resources import Place, Resources
from lambent.storage.commits import Commits

KIND: Final = "layer"


class Layers:
    """Made by `loaded`."""

    def __init__(self, resources: Resources[Layer], quota: CodeQuota) -> None:
        self._resources: Final = resources
        self._quota: Final = quota
        self._contents: Final[Counter[str]] = Counter()
        resources.follow(self._count)

    @staticmethod
    async def loaded(commits: Commits, quota: CodeQuota) -> Layers:
        """The layers in a database migrated by `rows.MIGRATIONS`; `quota` bounds their archives."""
        return Layers(await Resources[Layer].loaded(commits, KIND, Layer), quota)

    def get(self, arn: LayerArn) -> Layer:
        """The layer, whatever version the ARN names; an empty one where there is none."""
        return self._resources.get(arn.account, arn.region, arn.name) or Layer(arn=arn.layer)

    def find(self, arn: LayerArn) -> LayerVersion | None:
        """The version that the ARN names, if it is there."""
        return self.get(arn).versions.get(arn.version or 0)

    def listed(self, account: str, region: str) -> list[Layer]:
        """The layers of the account in the region that have versions, by name."""
        return [layer for layer in self._resources.listed(account, region) if layer.versions]

    def names_content(self, digest: str) -> bool:
        """Whether a version has this content."""
        return digest in self._contents

    def owners(self) -> dict[str, list[str]]:
        """Every content that a version has, with the ARNs of the versions that have it."""
        owners: dict[str, list[str]] = {digest: [] for digest in self._contents}
        for layer in self._resources.everything():
            for version in layer.versions.values():
                owners[version.code.digest].append(str(version.arn))
        return owners

    def watch(self, watcher: Callable[[Layer | None, Layer | None], None]) -> None:
        """Call `watcher` with before and after of every change that was committed."""
        self._resources.watch(watcher)

    async def change(self, arn: LayerArn, decide: Callable[[Layer], Layer], *, more_bytes: int = 0) -> Layer:
        """Let `decide` compute the next state of the layer, in a transaction; what it raises comes out here.

        `more_bytes` of archives come with it. Raises CodeStorageExceeded.
        """

        def guard(connection: apsw.Connection) -> None:
            if more_bytes:
                self._quota.check(connection, arn.account, arn.region, more_bytes=more_bytes)

        place = Place(arn.account, arn.region, arn.name)
        after = await self._resources.change(place, lambda before: decide(before or Layer(arn=arn.layer)), guard)
        assert after is not None  # decide gives a layer
        return after

    async def change_version(self, arn: LayerArn, decide: Callable[[LayerVersion], LayerVersion]) -> LayerVersion:
        """The same for one version. Raises LayerVersionMissing."""

        def change(layer: Layer) -> Layer:
            version = layer.versions.get(arn.version or 0)
            if version is None:
                raise LayerVersionMissing(arn=arn)
            return layer.changed(decide(version))

        return (await self.change(arn, change)).versions[arn.version or 0]

    def _count(self, before: Layer | None, after: Layer | None) -> None:
        self._contents.update(after.digests() if after is not None else ())
        for digest in before.digests() if before is not None else ():
            self._contents[digest] -= 1
            if not self._contents[digest]:
                del self._contents[digest]
