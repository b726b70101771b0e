"""Browsers that have signed in."""

import time


def sign_in(client, *roles, name="Olga"):
    """As a sign-in page does it."""
    with client.session_transaction() as session:
        until = time.time() + 3600
        session["person"] = {"name": name, "roles": list(roles), "until": until}
