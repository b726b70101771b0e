"""What a service loads when it starts."""

import subprocess
import sys

from tests.unit.services import ROOT

PROVIDERS_LIBRARIES = ("joserfc", "authlib", "cryptography")


def test_without_a_sign_in_provider_its_libraries_are_not_loaded():
    look = f"[name for name in {PROVIDERS_LIBRARIES} if name in sys.modules]"
    code = f"import app, sys; app.create_app(); print({look})"
    for service in ("pizza-web", "pizza-kitchen"):
        told = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT / service,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == "[]"
