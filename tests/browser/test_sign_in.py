"""Signing in and out in a real browser, at a pizza-web that has a sidecar but no shop."""

import contextlib
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pizza_common.sign_in_link import sign_in_path
from tests.browser import looks, watch
from tests.unit.pizza_common.service_process import Process
from tests.unit.pizza_common.stub_dapr import RunningDapr, StubDapr
from tests.unit.pizza_web.oidc_provider import OidcProvider, running_provider

SECRET = "a-secret-of-the-tests"
TOKEN = "token-of-the-manager"
REFUSED = r"status of [45]\d\d"  # what the browser says of an answer that a test wants
OF_PROVIDER = r"cdn\.jsdelivr\.net"  # its page looks for its style elsewhere

Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with running_provider() as running:
        yield running


@contextlib.contextmanager
def running_web(**env: str) -> Iterator[str]:
    """A pizza-web; gives its URL."""
    secrets = {"PIZZA_SECRET": SECRET, "APP_API_TOKEN": "a-token-of-the-sidecar"}
    with (
        RunningDapr(StubDapr()) as dapr,
        Process(dapr, service="pizza-web", **secrets, **env) as web,
    ):
        yield web.ready().url


@pytest.fixture(scope="module")
def signs_in_by_link() -> Iterator[str]:
    with running_web() as url:
        yield url


@pytest.fixture(scope="module")
def signs_in_otherwise(provider: OidcProvider) -> Iterator[str]:
    oidc = {"ISSUER": provider.issuer, "CLIENT_ID": "shop", "CLIENT_SECRET": "a-client-secret"}
    env = {f"PIZZA_OIDC_{name}": value for name, value in oidc.items()}
    with running_web(PIZZA_MANAGER_TOKEN=TOKEN, **env) as url:
        yield url


@pytest.fixture
def visit(watch: watch.Watch, new_context: Callable[..., BrowserContext]) -> Open:
    """Opens an address in a browser of its own."""
    for pattern in (REFUSED, OF_PROVIDER):
        watch.forgive(pattern)

    def visit(address: str) -> Page:
        context = new_context(reduced_motion="reduce")
        watch.over(context)
        looks.note_layout_shifts(context)
        page = context.new_page()
        page.goto(address)
        return page

    return visit


def expect_signed_in(page: Page, name: str) -> None:
    expect(page.get_by_text(f"You are signed in as {name}.")).to_be_visible()


def test_one_signs_in_at_the_provider_and_out_again(
    signs_in_otherwise: str, visit: Open, provider: OidcProvider
):
    page = visit(f"{signs_in_otherwise}/sign-in?next=/sign-in")
    page.get_by_role("button", name="Sign in at").click()
    expect(page).to_have_url(re.compile(re.escape(provider.issuer)))
    page.get_by_role("button", name="mia", exact=True).click()
    expect_signed_in(page, "Mia")
    (cookie,) = page.context.cookies(signs_in_otherwise)
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.context.cookies(signs_in_otherwise) == []


def test_whom_the_provider_does_not_sign_in_may_try_again(signs_in_otherwise: str, visit: Open):
    page = visit(f"{signs_in_otherwise}/sign-in")
    page.get_by_role("button", name="Sign in at").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("did not sign you in")
    looks.assert_accessible(page)
    page.get_by_role("button", name="Sign in at").click()
    page.get_by_role("button", name="gast", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("gives Guest no role of this shop")


def test_one_signs_in_with_a_token_by_the_keyboard(signs_in_otherwise: str, visit: Open):
    page = visit(f"{signs_in_otherwise}/sign-in?next=/sign-in")
    looks.assert_accessible(page)
    page.get_by_label("Your name").fill("Maria")
    page.get_by_label("Token").press_sequentially("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("belongs to no role")
    looks.assert_accessible(page)
    looks.assert_nothing_jumped(page)
    page.get_by_label("Token").press_sequentially(TOKEN)
    page.keyboard.press("Enter")
    expect_signed_in(page, "manager Maria")
    looks.assert_accessible(page)


def test_a_link_signs_in_one_browser(signs_in_by_link: str, visit: Open):
    link = signs_in_by_link + sign_in_path(SECRET, "kitchen")
    page = visit(link)
    expect(page).to_have_url(f"{signs_in_by_link}/kitchen")
    page.goto(f"{signs_in_by_link}/sign-in")
    expect_signed_in(page, "kitchen")
    looks.assert_accessible(page)
    other = visit(link)
    expect(other.get_by_role("alert")).to_contain_text("it works once")
    looks.assert_accessible(other)
    other.get_by_role("button", name="Write new links").click()
    expect(other.get_by_text("New links are in the log")).to_be_visible()


def test_a_form_that_is_older_than_its_session_is_sent_again(signs_in_by_link: str, visit: Open):
    page = visit(signs_in_by_link + sign_in_path(SECRET, "kitchen"))
    page.goto(f"{signs_in_by_link}/sign-in")
    page.context.clear_cookies()
    page.get_by_role("button", name="Write new links").click()
    expect(page.get_by_role("heading", name="The page was too old")).to_be_visible()
    looks.assert_accessible(page)
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("New links are in the log")).to_be_visible()
