"""Browsers that have signed in."""

import time


def sign_in(client, *roles, name="Olga", seconds=3600):
    """As a sign-in page does it, for so long; gives the time at which that ends."""
    until = time.time() + seconds
    with client.session_transaction() as session:
        session["person"] = {"name": name, "roles": list(roles), "until": until}
    return until
