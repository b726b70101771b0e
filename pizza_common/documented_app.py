"""An app whose OpenAPI says who may call each of its operations."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask_openapi.openapi import OpenAPI
from flask_openapi.utils import parse_rule

from pizza_common.access import ANYONE, Callers, callers_of
from pizza_common.problems import problem_docs

SECURITY_SCHEMES: dict[str, Any] = {"bearer": {"type": "http", "scheme": "bearer"}}


class DocumentedApp(OpenAPI):
    """Each operation gets `x-roles`, and the answers to who may not call it."""

    def generate_spec_json(self) -> None:
        """flask-openapi calls this when the document is first asked for."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        for operation, callers in self._operations():
            operation["x-roles"] = sorted(callers)
            refusals = (401,) if ANYONE in callers else (401, 403)
            for status, answer in problem_docs(*refusals).items():
                described = {"description": HTTPStatus(int(status)).phrase, **answer}
                operation["responses"].setdefault(str(status), described)
            if ANYONE not in callers:
                operation["security"] = [{"bearer": []}]

    def _operations(self) -> Iterator[tuple[dict[str, Any], Callers]]:
        paths = self.spec_json["paths"]
        for rule in self.url_map.iter_rules():
            found = paths.get(parse_rule(rule.rule), {})
            for method in rule.methods or ():
                if method.lower() in found:
                    yield found[method.lower()], callers_of(self, rule.endpoint)
