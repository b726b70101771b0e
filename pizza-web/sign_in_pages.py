"""Signing in and out."""

from typing import Any

from flask import Blueprint, redirect, render_template

from person import sign_out

pages = Blueprint("sign_in_pages", __name__)


@pages.get("/sign-in")
def sign_in_page() -> str:
    """How to sign in."""
    return render_template("sign_in/sign_in.html")


@pages.post("/sign-out")
def sign_out_of_all() -> Any:
    """Forget who this browser is."""
    sign_out()
    return redirect("/", 303)
