"""What every page has, whoever wrote it."""

import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from pizza_common.access import PAGE, callers_of
from pizza_common.principal import Principal
from tests.unit.pizza_web.conftest import HTML, STREAM
from tests.unit.pizza_web.sessions import sign_in
from tests.unit.pizza_web.visitor import Visitor
from tests.unit.services import ROOT

TEMPLATES = sorted((ROOT / "pizza-web" / "templates").rglob("*.html"))
STATIC = ROOT / "pizza-web" / "static"


class Tags(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def named(self, name):
        return [attributes for tag, attributes in self.found if tag == name]


def htmx_config(client):
    tags = Tags(client.get("/probe").text)
    return json.loads(
        next(m["content"] for m in tags.named("meta") if m.get("name") == "htmx-config")
    )


def test_a_page_may_load_nothing_of_others_and_run_nothing_of_its_own(probe):
    headers = probe.open().get("/probe").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' data:")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_only_the_documentation_may_run_a_script_of_its_page(probe):
    client = probe.open()
    documentation = client.get("/openapi/swagger")
    assert "<script>" in documentation.text
    assert "'unsafe-inline'" in documentation.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" in client.get("/openapi/").headers["Content-Security-Policy"]
    for path in ("/probe", "/nowhere", "/healthz", "/openapi/openapi.json"):
        assert "unsafe" not in client.get(path).headers["Content-Security-Policy"]


def test_browsers_that_came_by_https_come_by_nothing_else(probe):
    header = "Strict-Transport-Security"
    assert header not in probe.open().get("/probe").headers
    assert "max-age=" in probe.open(pizza_web_url="https://pizza.example").get("/").headers[header]


def test_the_ingress_leads_to_the_pages_and_to_nothing_else(probe):
    client = probe.open()
    ingress = yaml.safe_load((ROOT / "deploy/k8s/base/ingress.yaml").read_text())
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    kinds = {each["path"]: each["pathType"] for each in paths}
    assert kinds == {path: "Exact" if path == "/" else "Prefix" for path in kinds}
    assert set(kinds) == {
        "/" + rule.rule.split("/")[1]
        for rule in client.application.url_map.iter_rules()
        if PAGE in callers_of(client.application, rule.endpoint)
    }


@pytest.mark.parametrize("credentials", ["Basic b3BlcmF0b3I6", "Bearer of-a-proxy", "Negotiate x"])
def test_what_a_proxy_in_front_has_in_authorization_is_not_looked_at(sidecar, credentials):
    client = Visitor(sidecar, pizza_manager_token="token-of-the-manager").client
    headers = {"Authorization": credentials, **HTML}
    assert client.get("/sign-in", headers=headers).status_code == 200
    assert client.get("/manager", headers=headers).status_code == 303
    assert client.get("/nowhere", headers=headers).status_code == 404


def test_an_asset_has_one_address(probe):
    assert probe.open().get("/static/shop.css").status_code == 404


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_what_the_policy_forbids(template):
    text = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\bstyle\s*=|\bon\w+\s*=\s*[\"']", text)
    assert not re.search(r"hx-on|javascript:|\bjs:|hx-trigger=\"[^\"]*\[", text)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_is_written_for_htmx_2(template):
    """There, attributes are inherited without saying so, and SSE is a package of its own."""
    text = template.read_text()
    assert not re.search(r"sse-(?:connect|swap|close)=|hx-ext=|hx-(?:disinherit|inherit)=", text)
    assert not re.search(r"<(?:body|main|html)[^>]*\bhx-[\w-]+=", text)  # `:inherited` is missing


def test_htmx_and_its_extension_are_loaded_in_order_and_not_deferred(probe):
    scripts = Tags(probe.open().get("/probe").text).named("script")
    assert [re.search(r"/assets/([a-z-]+)", each["src"])[1] for each in scripts] == [
        "htmx-",
        "hx-sse-",
        "page",
    ]
    assert all(set(each) == {"src"} for each in scripts)


def test_htmx_adds_no_style_and_knows_one_extension(probe):
    config = htmx_config(probe.open())
    assert config["includeIndicatorCSS"] is False
    assert config["extensions"] == "sse"
    assert "open" in config["morphIgnore"]


def test_a_page_that_lost_its_service_asks_again_within_5_seconds(probe):
    sse = htmx_config(probe.open())["sse"]
    assert sse["connectTimeout"] + 1.3 * sse["reconnectMaxDelay"] < 5000


def test_a_live_region_is_whole_without_script_and_connects_until_it_is_connected(probe):
    text = probe.open().get("/probe").text
    (region,) = [tag for tag in Tags(text).named("div") if "hx-sse:connect" in tag]
    assert region == {
        "class": "live",
        "hx-sse:connect": "/live/probe",
        "hx-trigger": "load, every 1s",
        "hx-sync": "drop",  # a tick while it connects would be queued, and connect once more
        "hx-swap": "innerMorph",
        "hx-status:4xx": "swap:none",
        "hx-status:5xx": "swap:none",
    }
    assert "<p>one</p>" in text


def test_a_page_leads_to_what_its_person_may_see(probe):
    client = probe.open()

    def links():
        return {a["href"] for a in Tags(client.get("/probe").text).named("a")}

    assert not links() & {"/kitchen", "/manager", "/operator"}
    sign_in(client, "manager")
    assert links() & {"/kitchen", "/manager", "/operator"} == {"/manager"}


@pytest.mark.parametrize("path", sorted(p.name for p in STATIC.iterdir()))
def test_what_a_page_loads_is_sent_compressed_and_kept_until_it_changes(probe, path):
    client = probe.open()
    content = (STATIC / path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    answer = client.get(f"/assets/{path}?v={digest}", headers={"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(answer.data) == content
    assert "immutable" in answer.headers["Cache-Control"]
    plain = client.get(f"/assets/{path}", headers={"If-None-Match": answer.headers["ETag"]})
    assert plain.status_code == 304
    assert client.get(f"/assets/{path}").data == content


def test_what_is_vendored_is_as_it_was_released():
    sums = dict(reversed(line.split()) for line in (STATIC / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in STATIC.glob("*.min.*")
    }
    assert all(re.search(r"-\d+\.\d+\.\d+\.min\.", name) for name in sums)
    versions = {name.rsplit("-", 1)[1] for name in sums if name.startswith(("htmx-", "hx-sse-"))}
    assert versions == {"4.0.1.min.js"}  # the extension is of the same release


def test_a_file_outside_is_not_found(probe):
    client = probe.open()
    assert client.get("/assets/../app.py").status_code == 404
    assert client.get("/assets/nothing.css").status_code == 404


def test_the_frame_of_a_page_is_under_60_kb(probe):
    client = probe.open()
    page = client.get("/probe")
    tags = Tags(page.text)
    urls = [each["src"] for each in tags.named("script")]
    urls += [each["href"] for each in tags.named("link")]
    sent = [client.get(url, headers={"Accept-Encoding": "gzip"}).data for url in urls]
    assert len(page.data) + sum(map(len, sent)) < 60_000


@pytest.mark.parametrize(("how", "status"), [("404", 404), ("503", 503), ("500", 500)])
def test_an_error_is_a_page_for_a_browser_and_a_problem_for_others(probe, how, status):
    client = probe.open()
    page = client.get(f"/fails/{how}", headers=HTML)
    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert Tags(page.text).named("main")
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}, STREAM):
        answer = client.get(f"/fails/{how}", headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_a_page_says_what_is_missing_and_asks_again(probe):
    page = probe.open().get("/fails/503", headers=HTML)
    assert "The kitchen is away." in page.text
    assert 'href="/fails/503"' in page.text
    assert page.headers["Refresh"] == "5"


def test_a_form_that_failed_is_not_said_to_have_changed_nothing(probe):
    client = probe.open()
    probe.app.config["WTF_CSRF_ENABLED"] = False
    for path, said in (("/fails", "is not known"), ("/nowhere", "Nothing was changed")):
        assert said in client.post(path, headers=HTML).text


def test_an_address_of_no_page_is_told_plainly(probe):
    page = probe.open().get("/nowhere", headers=HTML)
    assert page.status_code == 404
    assert "There is no such page." in page.text
    assert "URL" not in page.text


def test_a_name_of_another_host_is_a_page_too(probe):
    page = probe.open().get("/probe", headers={**HTML, "Host": "evil.example"})
    assert (page.status_code, page.mimetype) == (421, "text/html")


def test_who_has_not_signed_in_is_led_there_and_back(probe):
    answer = probe.open().get("/managers-only?round=2", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=/managers-only?round%3D2"


def test_another_role_gets_a_page_that_says_whose_it_is(probe):
    client = probe.open()
    sign_in(client, "kitchen")
    page = client.get("/managers-only", headers=HTML)
    assert page.status_code == 403
    assert "This page is for others" in page.text
    assert "Only the manager can see it." in page.text
    sign_in(client, "manager")
    assert client.get("/managers-only").text == "secret"


def test_a_stream_of_a_page_that_was_signed_out_has_it_loaded_again(probe):
    answer = probe.open().get("/managers-only", headers=STREAM)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert answer.text.startswith("event: shop:reload\n")


def test_a_session_that_was_tampered_with_is_nobody(probe):
    client = probe.open()
    sign_in(client, "manager")
    cookie = client.get_cookie("pizza_session").value
    client.set_cookie("pizza_session", cookie[:-4] + "AAAA")
    assert client.get("/managers-only").status_code == 303


def test_the_services_are_asked_as_the_person(probe, sidecar):
    client = probe.open()
    sidecar.peers["/menu"] = {"sizes": [], "pizzas": [], "currency": "USD"}
    sign_in(client, "manager", name="Mia")
    client.get("/")
    assert sidecar.identities[-1] == Principal("Mia", frozenset({"manager"}))


def test_a_form_without_its_token_changes_nothing(probe):
    client = probe.open()
    page = client.post("/probe", data={"text": "two"}, headers=HTML)
    assert (page.status_code, page.mimetype) == (400, "text/html")
    assert probe.text == "one"


def test_the_session_cookie_is_for_this_origin_only(probe):
    client = probe.open(pizza_host="127.0.0.1")
    cookie = client.get("/probe").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_beyond_loopback_the_session_cookie_goes_by_https_only(probe):
    client = probe.open(pizza_host="0.0.0.0")
    assert "Secure" in client.get("/probe").headers["Set-Cookie"]


def test_templates_are_in_folders_of_their_roles():
    folders = {path.parent.name for path in TEMPLATES} - {"templates"}
    assert folders <= {"customer", "kitchen", "manager", "operator", "sign_in"}
    assert Path(ROOT / "pizza-web" / "templates" / "base.html") in TEMPLATES
