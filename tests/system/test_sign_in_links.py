"""What a sign-in link leaves in the state store, and a sign-in in the browser."""

import requests

from pizza_common.sign_in_link import sign_in_path
from tests.system.shop import Shop

SIGNED_IN = "You are signed in as manager"


def test_a_link_works_once_and_the_session_holds_also_over_a_crash(shop: Shop):
    pages = shop.process.urls["pizza-web"]
    link = pages + sign_in_path(shop.process.secret, "manager")
    with requests.Session() as browser:
        assert browser.get(link, allow_redirects=False).status_code == 303
        shop.kill("pizza-web")
        assert SIGNED_IN in browser.get(f"{pages}/sign-in").text
    again = requests.get(link, headers={"Accept": "text/html"}, timeout=60)
    assert again.status_code == 410
    assert "it works once" in again.text
    assert SIGNED_IN not in again.text
