"""Which orders an operator wants to see: the fields of the search form."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

PAGE = 20

SHOWN = {
    "": "all orders",
    "open": "unfinished ones",
    "stuck": "stuck ones",
    "needs_attention": "those that need attention",
}
AGES = {"": "any time", "600": "10 minutes", "3600": "an hour", "86400": "a day"}


@dataclass(frozen=True)
class OrderFilter:
    """The fields as they were typed; "" for one that was left empty."""

    show: str = ""
    status: str = ""
    customer: str = ""
    age: str = ""
    cursor: str = ""

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> "OrderFilter":
        """What the form says; what it does not have is left out."""
        wanted = {name: typed.get(name, "").strip()[:100] for name in cls.__dataclass_fields__}
        wanted["show"] = wanted["show"] if wanted["show"] in SHOWN else ""
        wanted["age"] = wanted["age"] if wanted["age"] in AGES else ""
        return cls(**wanted)

    def fields(self) -> dict[str, str]:
        """For the address of the page: what is not empty."""
        return {name: value for name, value in asdict(self).items() if value}

    def path(self) -> str:
        """Where the order book has these orders."""
        query = {"limit": str(PAGE), "status": self.status, "customer": self.customer}
        if self.show:
            query[self.show] = "true"
        query["older_than_seconds"] = self.age
        query["cursor"] = "" if self.age or self.show == "stuck" else self.cursor
        return "/orders?" + urlencode({name: value for name, value in query.items() if value})

    @property
    def is_narrow(self) -> bool:
        """Whether anything is asked for but a page of all orders."""
        return bool(self.fields().keys() - {"cursor"})
