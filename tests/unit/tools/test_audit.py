"""`make check` asks whether a locked version is vulnerable; by the real pip-audit."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import audit

ADVISORY = {
    "id": "PYSEC-2026-1",
    "modified": "2026-11-01T00:00:00Z",
    "published": "2026-11-01T00:00:00Z",
    "aliases": ["CVE-2026-1"],
    "summary": "It burns.",
    "affected": [
        {
            "package": {"name": "oven", "ecosystem": "PyPI"},
            "versions": ["1.0"],
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """OSV's query, about one package."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_oven = (asked["package"]["name"], asked["version"]) == ("oven", "1.0")
        body = json.dumps({"vulns": [ADVISORY]} if is_oven else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def audited(
    pins: str, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> int:
    (folder / "requirements.txt").write_text(f"{pins}\n    # via pizza-shop\n-e .\n")
    monkeypatch.setattr(audit, "LOCK", folder / "requirements.txt")
    return audit.main(["--vulnerability-service", "osv", "--osv-url", url, *options])


def test_a_known_vulnerability_fails_and_is_named(
    service: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audited("oven==1.0\npeel==2.0", service, tmp_path, monkeypatch) == 1
    said = capsys.readouterr().err
    assert said == "oven 1.0: PYSEC-2026-1, CVE-2026-1; fixed in 1.1\n"


def test_versions_of_which_nothing_is_known_pass_in_silence(
    service: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert audited("oven==1.1\npeel==2.0", service, tmp_path, monkeypatch) == 0
    assert capsys.readouterr().err == ""


def test_a_service_that_cannot_be_reached_is_one_line_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited("oven==1.0", "http://127.0.0.1:1/", tmp_path, monkeypatch) == 0
    said = capsys.readouterr().err
    assert said.startswith("pip-audit: nothing was audited: ")
    assert said.count("\n") == 1


def test_a_service_that_does_not_answer_in_time_is_one_line_and_passes(
    service: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "SECONDS", 0.01)
    assert audited("oven==1.0", service, tmp_path, monkeypatch) == 0
    assert "no answer within" in capsys.readouterr().err
