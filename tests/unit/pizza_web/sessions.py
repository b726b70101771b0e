"""Browsers that have signed in."""


def sign_in(client, *roles, name="Olga"):
    """As a sign-in page does it."""
    with client.session_transaction() as session:
        session["person"] = {"name": name, "roles": list(roles)}
