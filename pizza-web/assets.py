"""What pages load: read once, sent compressed, kept by browsers until it changes."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from flask import Response, request

from pizza_common.errors import NotFound

_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file of the folder."""

    body: bytes
    compressed: bytes
    content_type: str
    digest: str

    @classmethod
    def read(cls, path: Path) -> "Asset":
        body = path.read_bytes()
        content_type = mimetypes.guess_type(path.name)[0] or "text/plain"
        digest = hashlib.sha256(body).hexdigest()
        return cls(body, gzip.compress(body, mtime=0), content_type, digest)


class Assets:
    """The files of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self._assets = {path.name: Asset.read(path) for path in folder.iterdir() if path.is_file()}

    def url(self, name: str) -> str:
        """Where a page finds it; another address as soon as its content is another."""
        return f"/assets/{name}?v={self._assets[name].digest[:12]}"

    def answer(self, name: str) -> Response:
        """The file. Raises NotFound."""
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound("There is no such file.")
        zipped = request.accept_encodings.quality("gzip") > 0
        answer = Response(asset.compressed if zipped else asset.body)
        answer.content_type = asset.content_type
        if zipped:
            answer.content_encoding = "gzip"
        answer.vary.add("Accept-Encoding")
        current = request.args.get("v") == asset.digest[:12]
        answer.headers["Cache-Control"] = _FOR_EVER if current else "no-cache"
        answer.set_etag(asset.digest)
        answer.make_conditional(request)
        return answer
