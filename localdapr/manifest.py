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
from localdapr.manifest_keys import (
    APP_IGNORED,
    APP_KEYS,
    PORT_KEYS,
    ROOT_KEYS,
    SHARED_IGNORED,
    SHARED_KEYS,
)
from localdapr.ports import pick_port
from localdapr.yaml_section import Section, read_section

FILE_NAME = "dapr.yaml"
FIRST_HTTP_PORT = 3500  # where the search for a free port begins when none is given
FIRST_GRPC_PORT = 4500

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
class Manifest:
    """A run's apps with all ports set, and the Dapr resources that they share."""

    path: Path
    apps: tuple[App, ...]
    resources_paths: tuple[Path, ...]
    config_path: Path | None
    notes: tuple[str, ...] = ()  # for the user: what of the template has no effect


@dataclass(frozen=True)
class Draft:
    """An app as its section gives it; a sidecar port of 0 is still to be picked."""

    section: Section
    app: App
    resources: tuple[Path, ...]
    config: Path | None


def read_manifest(path: Path, port_offset: int = 0) -> Manifest:
    """Reads the template `path`, a file or a folder with a dapr.yaml; adds the offset to each port.

    Raises ManifestError, one line that names the file, the app and the line.
    """
    root = read_section(path / FILE_NAME if path.is_dir() else path)
    root.check_keys(ROOT_KEYS)
    if root.text("version") != "1":
        raise root.complain("version must be 1", "version")
    common = root.section("common")
    if common is not None:
        _check_common(common)
    sections = tuple(root.sections("apps", "appID"))
    if not sections:
        raise root.complain("apps must name at least one app", "apps")
    drafts = [_draft(section, common, port_offset) for section in sections]
    _check_unique(drafts)
    return Manifest(
        path=Path(root.file),
        apps=with_ports([draft.app for draft in drafts], port_offset),
        resources_paths=tuple(dict.fromkeys(path for draft in drafts for path in draft.resources)),
        config_path=_one_config(drafts),
        notes=tuple(_notes(root.file, common, drafts)),
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


def _check_common(common: Section) -> None:
    for key in common:
        if key in APP_KEYS | APP_IGNORED - SHARED_IGNORED:
            raise common.complain(f"{key} belongs to an app, not to common", key)
    common.check_keys(SHARED_KEYS | SHARED_IGNORED)


def _draft(section: Section, common: Section | None, offset: int) -> Draft:
    section.check_keys(SHARED_KEYS | APP_KEYS | APP_IGNORED)
    folder = _folder(section)
    _check_supported(section, common)
    app = App(
        app_id=_app_id(section, folder),
        app_port=section.port("appPort", offset),
        http_port=section.port("daprHTTPPort", offset) or 0,
        grpc_port=section.port("daprGRPCPort", offset) or 0,
        command=_command(section),
        working_dir=folder,
        env={**(common.pairs("env") if common else {}), **section.pairs("env")},
    )
    resources = _resources(section, folder)
    config = _config(section, folder)
    base = Path(section.file).parent
    return Draft(
        section,
        app,
        resources or (_resources(common, base) if common else ()),
        config or (_config(common, base) if common else None),
    )


def _folder(section: Section) -> Path:
    text = section.text("appDirPath")
    if text is None:
        raise section.complain("appDirPath is missing")
    folder = _resolve(Path(section.file).parent, text)
    if not folder.is_dir():
        raise section.complain(f"appDirPath: there is no folder {text}", "appDirPath")
    return folder


def _app_id(section: Section, folder: Path) -> str:
    """appID, or the folder's name as the Dapr CLI has it."""
    app_id = section.text("appID") or folder.name
    if not APP_ID.fullmatch(app_id):
        raise section.complain(f"appID {app_id!r} {APP_ID_RULE}", "appID")
    return app_id


def _command(section: Section) -> tuple[str, ...]:
    command = section.texts("command")
    if not command or not command[0]:
        raise section.complain(
            'command is missing; give a list, such as ["python3", "app.py"]', "command"
        )
    return command


def _check_supported(section: Section, common: Section | None) -> None:
    """Refuses by name what localdapr would otherwise do differently from Dapr."""
    protocol = section.text("appProtocol") or (common.text("appProtocol") if common else None)
    if protocol not in (None, "http"):
        raise section.complain(
            f"appProtocol {protocol} is not supported by localdapr, only http; "
            "run this app with the Dapr CLI",
            "appProtocol",
        )
    address = section.text("appChannelAddress")
    if address not in (None, "127.0.0.1", "localhost"):
        raise section.complain(
            f"appChannelAddress {address} is not supported by localdapr, only 127.0.0.1",
            "appChannelAddress",
        )


def _resources(section: Section, base: Path) -> tuple[Path, ...]:
    """The section's resource folders; for an app without any, its .dapr/resources if it exists."""
    texts = (*_list_or_text(section, "resourcesPaths"), *_list_or_text(section, "resourcesPath"))
    paths = tuple(_resolve(base, text) for text in texts)
    for path, text in zip(paths, texts, strict=True):
        if not path.exists():
            key = "resourcesPaths" if "resourcesPaths" in section else "resourcesPath"
            raise section.complain(f"{key}: there is no folder {text}", key)
    usual = base / ".dapr" / "resources"
    if not paths and section.place != "common" and usual.is_dir():
        return (usual,)
    return paths


def _list_or_text(section: Section, key: str) -> tuple[str, ...]:
    try:
        return section.texts(key)
    except ManifestError:
        text = section.text(key)
        return (text,) if text else ()


def _config(section: Section, base: Path) -> Path | None:
    """The section's configuration; for an app without one, its .dapr/config.yaml if it exists."""
    text = section.text("configFilePath")
    if text is None:
        usual = base / ".dapr" / "config.yaml"
        return usual if section.place != "common" and usual.is_file() else None
    path = _resolve(base, text)
    if not path.is_file():
        raise section.complain(f"configFilePath: there is no file {text}", "configFilePath")
    return path


def _resolve(base: Path, text: str) -> Path:
    # Absolute, because the child processes have other working folders; links stay as written.
    return (Path.cwd() / base / Path(text).expanduser()).resolve()


def _check_unique(drafts: Sequence[Draft]) -> None:
    """No app id and no port may stand twice in the template."""
    owners: dict[str | int, tuple[Draft, str]] = {}
    for draft in drafts:
        app = draft.app
        uses = (app.app_id, app.app_port, app.http_port, app.grpc_port)
        for key, value in zip(("appID", *PORT_KEYS), uses, strict=True):
            if value and value in owners:
                other, other_key = owners[value]
                raise draft.section.complain(
                    f"{key} {value} is already the {other_key} of {other.section.place}", key
                )
            if value:
                owners[value] = (draft, key)


def _one_config(drafts: Sequence[Draft]) -> Path | None:
    """localdapr is one process with one configuration, so all apps must name the same."""
    first = drafts[0]
    for draft in drafts:
        if draft.config != first.config:
            raise draft.section.complain(
                f"configFilePath differs from that of {first.section.place}; localdapr reads one "
                "configuration for all apps, so give it under common",
                "configFilePath",
            )
    return first.config


def _notes(file: str, common: Section | None, drafts: Sequence[Draft]) -> Iterator[str]:
    sections = ([common] if common else []) + [draft.section for draft in drafts]
    ignored = sorted({key for section in sections for key in section} & APP_IGNORED)
    if ignored:
        yield f"{file}: without effect in localdapr: {', '.join(ignored)}"
    if len({draft.resources for draft in drafts}) > 1:
        yield (
            f"{file}: localdapr gives the resources of each app to all apps; "
            "limit a component to some with scopes"
        )
