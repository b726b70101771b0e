"""What a multi-app run template means, and what is said when it is wrong."""

from pathlib import Path

import pytest

from localdapr.errors import ManifestError
from localdapr.manifest import App, Manifest, read_manifest

ONE_APP = """version: 1
apps:
  - appID: kitchen
    appDirPath: ./kitchen
    appPort: 21903
    daprHTTPPort: 21503
    daprGRPCPort: 21603
    command: ["python3", "app.py"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with an empty folder for each app and one of resources."""
    monkeypatch.chdir(tmp_path)
    for name in ("kitchen", "delivery", "resources"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.yaml").touch()
    return tmp_path


def paths(manifest: Manifest) -> list[tuple[Path, tuple[str, ...]]]:
    return [(part.path, part.apps) for part in manifest.resources_paths]


def write(folder: Path, text: str) -> Path:
    (folder / "dapr.yaml").write_text(text)
    return Path("dapr.yaml")


def test_an_app_is_read_with_its_ports_and_folder(folder: Path) -> None:
    manifest = read_manifest(write(folder, ONE_APP))
    command = ("python3", "app.py")
    expected = App("kitchen", 21503, 21603, 21903, command, folder / "kitchen", {})
    assert manifest.apps == (expected,)
    assert (manifest.resources_paths, manifest.config_path, manifest.notes) == ((), None, ())


def test_a_folder_stands_for_its_dapr_yaml(folder: Path) -> None:
    write(folder, ONE_APP)
    assert read_manifest(Path(".")) == read_manifest(Path("dapr.yaml"))


def test_the_offset_is_added_to_every_port(folder: Path) -> None:
    (app,) = read_manifest(write(folder, ONE_APP), port_offset=1000).apps
    assert (app.app_port, app.http_port, app.grpc_port) == (22903, 22503, 22603)


def test_common_values_hold_for_each_app_that_has_none(folder: Path) -> None:
    common = "common: {resourcesPath: resources, configFilePath: config.yaml, env: {A: 1, B: 2}}\n"
    manifest = read_manifest(write(folder, ONE_APP + "    env: {B: on, C: }\n" + common))
    assert manifest.apps[0].env == {"A": "1", "B": "on", "C": ""}
    assert paths(manifest) == [(folder / "resources", ())]
    assert manifest.config_path == folder / "config.yaml"


def test_values_of_env_are_texts_as_they_are_written(folder: Path) -> None:
    env = '    env: {A: true, B: 0x10, C: 1_000, D: "x y", E: 2024-01-01, F: ~}\n'
    (app,) = read_manifest(write(folder, ONE_APP + env)).apps
    expected = {"A": "true", "B": "0x10", "C": "1_000", "D": "x y", "E": "2024-01-01", "F": ""}
    assert app.env == expected


def test_an_apps_own_paths_are_relative_to_its_folder(folder: Path) -> None:
    (folder / "kitchen" / "parts").mkdir()
    manifest = read_manifest(write(folder, ONE_APP + "    resourcesPaths: [parts, ../resources]\n"))
    assert paths(manifest) == [(folder / "kitchen" / "parts", ()), (folder / "resources", ())]


def test_an_apps_dapr_folder_is_used_when_it_names_nothing(folder: Path) -> None:
    (folder / "kitchen" / ".dapr" / "resources").mkdir(parents=True)
    (folder / "kitchen" / ".dapr" / "config.yaml").touch()
    manifest = read_manifest(write(folder, ONE_APP + "common: {resourcesPath: resources}\n"))
    assert paths(manifest) == [(folder / "kitchen" / ".dapr" / "resources", ())]
    assert manifest.config_path == folder / "kitchen" / ".dapr" / "config.yaml"


def test_resources_that_only_some_apps_name_are_for_these(folder: Path) -> None:
    (folder / "kitchen" / "parts").mkdir()
    kitchen = ONE_APP + "    resourcesPaths: [parts, ../resources]\n"
    manifest = read_manifest(
        write(folder, kitchen + SECOND + "common: {resourcesPath: resources}\n")
    )
    own = (folder / "kitchen" / "parts", ("kitchen",))
    assert paths(manifest) == [own, (folder / "resources", ())]


def test_of_an_app_without_a_command_only_the_sidecar_is_run_and_it_is_said(folder: Path) -> None:
    manifest = read_manifest(write(folder, changed('    command: ["python3", "app.py"]\n', "")))
    assert manifest.apps[0].command == ()
    assert manifest.notes == ("kitchen has no command: only its sidecar is run",)


def test_an_app_without_an_id_has_the_name_of_its_folder(folder: Path) -> None:
    (app,) = read_manifest(write(folder, ONE_APP.replace("appID: kitchen\n    ", ""))).apps
    assert app.app_id == "kitchen"


def test_an_anchor_may_be_merged_into_an_app(folder: Path) -> None:
    second = "  - {<<: *first, appID: again, appPort: 21904, daprHTTPPort: 1, daprGRPCPort: 2}\n"
    text = ONE_APP.replace("- appID", "- &first\n    appID") + second
    assert [app.app_port for app in read_manifest(write(folder, text)).apps] == [21903, 21904]


def test_keys_without_effect_are_named_in_one_note(folder: Path) -> None:
    text = ONE_APP + "    appMaxConcurrency: 1\ncommon: {logLevel: debug}\n"
    assert read_manifest(write(folder, text)).notes == (
        "dapr.yaml: without effect in localdapr: appMaxConcurrency, logLevel",
    )


def changed(old: str, new: str) -> str:
    assert old in ONE_APP
    return ONE_APP.replace(old, new)


APP = "dapr.yaml: apps[0]"
SECOND = """  - appID: delivery
    appDirPath: ./delivery
    appPort: 21904
    command: [run]
"""
PORT_RULE = "must be a whole number from 1 to 65535"
NOT_YAML = "dapr.yaml: is not YAML: "
UNKNOWN = "is no key that is known here"
ONLY_DAPR = "run this app with the Dapr CLI"
WRONG = {
    "": "dapr.yaml: must hold one YAML mapping, not 0",
    "[1, 2]": "dapr.yaml: must be a mapping (line 1)",
    "version: 1\n  apps: 2": NOT_YAML + "mapping values are not allowed here (line 2, column 7)",
    "version: 1\napps: [": NOT_YAML + "expected the node content, but found '<stream end>' "
    "(line 2, column 8)",
    "a: 1\n---\nb: 2": "dapr.yaml: must hold one YAML mapping, not 2",
    "a: \x07": NOT_YAML + "unacceptable character #x0007: special characters are not allowed "
    'in "<unicode string>", position 3',
    "a: " + "[" * 5000: "dapr.yaml: is nested too deeply",
    "a: &a {<<: *a}": f"dapr.yaml: a: {UNKNOWN} (line 1)",
    "? [1]\n: 2": NOT_YAML + "a key must be a text (line 1, column 3)",
    "apps: []": "dapr.yaml: version: is missing (line 1)",
    "version: 2\napps: []": "dapr.yaml: version: must be '1', not '2' (line 1)",
    "version: 1": "dapr.yaml: apps: is missing (line 1)",
    "version: 1\napps: []": "dapr.yaml: apps: must not be empty (line 2)",
    "version: 1\napps: 7": "dapr.yaml: apps: must be a list, such as [a, b], not '7' (line 2)",
    "version: 1\napps: [7]": f"{APP}: must be a mapping, not '7' (line 2)",
    "version: 1\ncommon: 7": "dapr.yaml: common: must be a mapping, not '7' (line 2)",
    "version: 1\nversion: 1": NOT_YAML + "version stands here twice (line 2, column 1)",
    "version: 1\napp: []": f"dapr.yaml: app: {UNKNOWN}; did you mean apps? (line 2)",
    "version: 1\ncommon: {appID: a}": f"dapr.yaml: common.appID: {UNKNOWN}; did you mean apps? "
    "(line 2)",
    "version: 1\ncommon: {envs: {}}": f"dapr.yaml: common.envs: {UNKNOWN}; did you mean env? "
    "(line 2)",
    changed("appPort", "appPrt"): f"{APP}.appPrt: {UNKNOWN}; did you mean appPort? (line 5)",
    changed("    appDirPath: ./kitchen\n", ""): f"{APP}.appDirPath: is missing (line 3)",
    changed("./kitchen", "nowhere"): f"{APP}.appDirPath: there is no folder nowhere (line 4)",
    changed(
        "./kitchen", "config.yaml"
    ): f"{APP}.appDirPath: there is no folder config.yaml (line 4)",
    changed("./kitchen", "[a]"): f"{APP}.appDirPath: must be a text (line 4)",
    changed("kitchen\n    appD", "a.b\n    appD"): f"{APP}.appID: must be 1 to 64 letters, "
    "digits, - or _, not 'a.b' (line 3)",
    changed("21903", "0"): f"{APP}.appPort: {PORT_RULE}, not '0' (line 5)",
    changed("21903", "65536"): f"{APP}.appPort: {PORT_RULE}, not '65536' (line 5)",
    changed("21903", "-1"): f"{APP}.appPort: {PORT_RULE}, not '-1' (line 5)",
    changed("21503", "eighty"): f"{APP}.daprHTTPPort: {PORT_RULE}, not 'eighty' (line 6)",
    changed("21603", "[1]"): f"{APP}.daprGRPCPort: {PORT_RULE}, not ['1'] (line 7)",
    changed("21603", "21503"): f"{APP}.daprGRPCPort: 21503 is already the daprHTTPPort of "
    "apps[0] (line 7)",
    changed('["python3", "app.py"]', "python3 app.py"): f"{APP}.command: must be a list, such as "
    "[a, b], not 'python3 app.py' (line 8)",
    changed("app.py", "app\\0.py"): NOT_YAML
    + "a null character cannot be used (line 8, column 26)",
    ONE_APP + "    env: 7\n": f"{APP}.env: must be a mapping, not '7' (line 9)",
    ONE_APP + "    env: {A: [1]}\n": f"{APP}.env.A: must be a text (line 9)",
    ONE_APP + "    appProtocol: grpc\n": f"{APP}.appProtocol: grpc is not supported by localdapr, "
    f"only http; {ONLY_DAPR} (line 9)",
    ONE_APP + "    appChannelAddress: 10.0.0.1\n": f"{APP}.appChannelAddress: 10.0.0.1 is not "
    f"supported by localdapr, only 127.0.0.1; {ONLY_DAPR} (line 9)",
    ONE_APP + "    resourcesPaths: [gone]\n": f"{APP}.resourcesPaths: there is no file or folder "
    "gone (line 9)",
    ONE_APP + "    configFilePath: gone\n": f"{APP}.configFilePath: there is no file gone (line 9)",
    ONE_APP + "    configFilePath: .\n": f"{APP}.configFilePath: there is no file . (line 9)",
    ONE_APP + SECOND.replace("delivery\n", "kitchen\n", 1): "dapr.yaml: apps[1].appID: "
    "kitchen is already the appID of apps[0] (line 9)",
    ONE_APP + SECOND.replace("21904", "21903"): "dapr.yaml: apps[1].appPort: 21903 is "
    "already the appPort of apps[0] (line 11)",
    ONE_APP + SECOND + "    configFilePath: ../config.yaml\n": "dapr.yaml: apps[1].configFilePath: "
    "differs from that of apps[0]; localdapr reads one configuration "
    "for all apps, so give it under common (line 13)",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=range(len(WRONG)))
def test_a_wrong_template_is_one_line_that_says_where(
    folder: Path, text: str, message: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(write(folder, text))
    assert str(caught.value) == message


def test_an_offset_that_leads_beyond_the_last_port_is_refused(folder: Path) -> None:
    with pytest.raises(ManifestError, match="appPort: 21903 and the port offset give 81903"):
        read_manifest(write(folder, ONE_APP), port_offset=60000)


def test_a_template_that_cannot_be_read_is_named(folder: Path) -> None:
    with pytest.raises(ManifestError, match=r"^kitchen/dapr.yaml: no such file or directory$"):
        read_manifest(Path("kitchen"))


def test_a_template_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "dapr.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match=r"^dapr.yaml: is not UTF-8 text$"):
        read_manifest(Path("dapr.yaml"))
