"""`python -m tools.audit`: is a version of requirements.txt known to be vulnerable?

Asks PyPI by pip-audit and installs nothing. Without an answer from there nothing is wrong: one line
says that nothing was audited. Arguments are passed on to pip-audit.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.lock import LOCK, locked_lines

SECONDS = 60.0
"""For all packages together; a quarter of a second each is usual."""
CONNECT_SECONDS = 5


def main(options: list[str]) -> int:
    """Exit code 1 when a locked version has a known vulnerability."""
    answer = asked(options)
    if isinstance(answer, str):
        sys.stderr.write(f"pip-audit: nothing was audited: {answer}\n")
        return 0
    skipped = [each["name"] for each in answer if "skip_reason" in each]
    if len(skipped) == len(answer):
        sys.stderr.write("pip-audit: nothing was audited: the index has no advisories\n")
        return 0
    if skipped:
        sys.stderr.write(f"pip-audit: no advisories about {', '.join(skipped)}\n")
    found = [f"{each['name']} {each['version']}: {told}" for each in answer for told in known(each)]
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


def asked(options: list[str]) -> list[dict[str, Any]] | str:
    """pip-audit's row for each package of the lock, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"
        pins.write_text("\n".join(locked_lines(LOCK.read_text())))
        command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "pypi"]
        command += ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        command += ["--timeout", str(CONNECT_SECONDS), "--requirement", str(pins), *options]
        try:
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {SECONDS:.0f} s"
    if not done.stdout:
        return (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
    dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return dependencies


def known(package: dict[str, Any]) -> list[str]:
    """The vulnerabilities of a package: their names, and the versions that have them no more."""
    return [
        f"{', '.join([each['id'], *each['aliases']])}; "
        f"fixed in {', '.join(each['fix_versions']) or 'no version yet'}"
        for each in package.get("vulns", [])
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
