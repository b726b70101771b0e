"""Which apps a run has: read from a multi-app run template (dapr.yaml) or given on a command line.

The template means what it means to the Dapr CLI: `common` is the default of each app, an app's
own paths are relative to its folder, all others to the template. It never starts anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from localdapr.errors import ManifestError
from localdapr.ports import pick_port
from localdapr.template import IGNORED, KEYS, Common, Section, Template
from localdapr.yaml_file import Document, Place, read_documents

FILE_NAME = "dapr.yaml"
FIRST_HTTP_PORT = 3500  # where the search for a free port begins when none is given
FIRST_GRPC_PORT = 4500
EXISTS = {"file": Path.is_file, "folder": Path.is_dir, "file or folder": Path.exists}

APP_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
APP_ID_RULE = "must be 1 to 64 letters, digits, - or _"


@dataclass(frozen=True)
class App:
    """One app and its sidecar. No command: its user starts it. No app_port: it serves nothing."""

    app_id: str
    http_port: int  # the sidecar's Dapr HTTP port
    grpc_port: int  # the sidecar's Dapr gRPC port
    app_port: int | None = None
    command: tuple[str, ...] = ()
    working_dir: Path = Path(".")
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourcesPath:
    """A folder or file of Dapr resources, and the ids of the apps that it is for: () for all."""

    path: Path
    apps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """A run's apps with all ports set, and their Dapr resources."""

    path: Path
    apps: tuple[App, ...]
    resources_paths: tuple[ResourcesPath, ...]
    config_path: Path | None
    notes: tuple[str, ...] = ()  # for the user: what of the template has no effect


@dataclass(frozen=True)
class Draft:
    """An app as its section gives it; a sidecar port of 0 is still to be picked."""

    place: Place
    app: App
    resources: tuple[Path, ...]
    config: Path | None


def read_manifest(path: Path, port_offset: int = 0) -> Manifest:
    """Reads the template `path`, a file or a folder with a dapr.yaml; adds the offset to each port.

    Raises ManifestError, one line that names the file, the key and the line.
    """
    path = path / FILE_NAME if path.is_dir() else path
    documents = list(read_documents(path))
    if len(documents) != 1:
        raise ManifestError(f"{path}: must hold one YAML mapping, not {len(documents)}")
    reader = _Reader(documents[0], port_offset)
    drafts = reader.drafts()
    return Manifest(
        path=path,
        apps=with_ports([draft.app for draft in drafts], port_offset),
        resources_paths=tuple(_shared(drafts)),
        config_path=drafts[0].config,
        notes=tuple(_notes(documents[0], drafts)),
    )


def with_ports(apps: Sequence[App], port_offset: int = 0) -> tuple[App, ...]:
    """The apps, each sidecar port that is 0 replaced by a free one that no other app names."""
    taken = {port for app in apps for port in (app.app_port, app.http_port, app.grpc_port) if port}

    def choose(port: int, first: int) -> int:
        chosen = port or pick_port(first + port_offset, taken)
        taken.add(chosen)
        return chosen

    return tuple(
        replace(
            app,
            http_port=choose(app.http_port, FIRST_HTTP_PORT),
            grpc_port=choose(app.grpc_port, FIRST_GRPC_PORT),
        )
        for app in apps
    )


class _Reader:
    """What the sections of one template mean; every complaint names one of its lines."""

    def __init__(self, document: Document, port_offset: int) -> None:
        self._document = document
        self._template = document.read(Template, KEYS, {"port_offset": port_offset})

    def drafts(self) -> list[Draft]:
        drafts = [self._draft(*numbered) for numbered in enumerate(self._template.apps)]
        self._check_unique(drafts)
        for draft in drafts:
            if draft.config != drafts[0].config:
                raise self._document.complaint(
                    (*draft.place, "configFilePath"),
                    "differs from that of apps[0]; localdapr reads one configuration for all apps, "
                    "so give it under common",
                )
        return drafts

    def _draft(self, index: int, section: Section) -> Draft:
        common, base = self._template.common, self._document.path.parent
        place: Place = ("apps", index)
        (folder,) = self._paths((*place, "appDirPath"), base, [section.app_dir_path], "folder")
        app = App(
            app_id=self._app_id(place, section.app_id or folder.name),
            app_port=section.app_port,
            http_port=section.dapr_http_port,
            grpc_port=section.dapr_grpc_port,
            command=section.command,
            working_dir=folder,
            env=common.env | section.env,
        )
        config = (
            self._config(place, folder, section)
            or _usual(folder / ".dapr" / "config.yaml")
            or self._config(("common",), base, common)
        )
        resources = (
            self._resources(place, folder, section)
            or _usual(folder / ".dapr" / "resources")
            or self._resources(("common",), base, common)
        )
        return Draft(place, app, resources, config[0] if config else None)

    def _app_id(self, place: Place, app_id: str) -> str:
        """appID, or the folder's name as the Dapr CLI has it."""
        if not APP_ID.fullmatch(app_id):
            raise self._document.complaint((*place, "appID"), f"{APP_ID_RULE}, not {app_id!r}")
        return app_id

    def _resources(self, place: Place, base: Path, section: Common) -> tuple[Path, ...]:
        return (
            *self._paths((*place, "resourcesPaths"), base, section.resources_paths),
            *self._paths((*place, "resourcesPath"), base, section.resources_path),
        )

    def _config(self, place: Place, base: Path, section: Common) -> tuple[Path, ...]:
        return self._paths((*place, "configFilePath"), base, section.config_file_path, "file")

    def _paths(
        self, place: Place, base: Path, texts: Sequence[str], noun: str = "file or folder"
    ) -> tuple[Path, ...]:
        # Absolute, because the child processes have other working folders.
        paths = tuple((Path.cwd() / base / Path(text).expanduser()).resolve() for text in texts)
        for path, text in zip(paths, texts, strict=True):
            if not EXISTS[noun](path):
                raise self._document.complaint(place, f"there is no {noun} {text}")
        return paths

    def _check_unique(self, drafts: Sequence[Draft]) -> None:
        """No app id and no port may stand twice in the template."""
        keys = ("appID", "appPort", "daprHTTPPort", "daprGRPCPort")
        owners: dict[str | int, str] = {}
        for index, app in enumerate(draft.app for draft in drafts):
            uses = (app.app_id, app.app_port, app.http_port, app.grpc_port)
            for key, value in zip(keys, uses, strict=True):
                if value and value in owners:
                    text = f"{value} is already the {owners[value]}"
                    raise self._document.complaint(("apps", index, key), text)
                if value:
                    owners[value] = f"{key} of apps[{index}]"


def _shared(drafts: Sequence[Draft]) -> Iterator[ResourcesPath]:
    """Each path once, with the apps that it is for."""
    for path in dict.fromkeys(path for draft in drafts for path in draft.resources):
        users = tuple(draft.app.app_id for draft in drafts if path in draft.resources)
        yield ResourcesPath(path, () if len(users) == len(drafts) else users)


def _usual(path: Path) -> tuple[Path, ...]:
    """What the Dapr CLI takes when an app names nothing, if it is there."""
    return (path,) if path.exists() else ()


def _notes(document: Document, drafts: Sequence[Draft]) -> Iterator[str]:
    sections = (document.value.get("common") or {}, *document.value["apps"])
    ignored = sorted({key for section in sections for key in section} & IGNORED)
    if ignored:
        yield f"{document.path}: without effect in localdapr: {', '.join(ignored)}"
    for draft in drafts:
        if not draft.app.command:
            yield f"{draft.app.app_id} has no command: only its sidecar is run"
