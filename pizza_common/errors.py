"""The errors of the services: one tree; each class has a title and the HTTP status it answers.

PizzaError                 500
├── BadInput               400  what the client sent cannot be used
├── Unauthorized           401  the caller is not the own sidecar
│   └── Unauthenticated    401  the caller did not say who it is, or not rightly
├── Forbidden              403  this caller may not ask for this
├── NotFound               404  there is no such order or page
├── Conflict               409  the order's state does not allow it
│   ├── Undone             409  the step was undone before it was asked for
│   └── OutOfStock         409  the kitchen has not enough of an ingredient
├── Gone                   410  it was there, and cannot be used any more
├── WrongMediaType         415  the body is not sent as JSON
├── Misdirected            421  the request is for a host that this service is not
├── Unsupported            501  the workflow engine cannot do this
├── Unavailable            503  try again later
│   ├── SidecarUnavailable 503  the own sidecar does not answer, or not in time
│   ├── PeerUnavailable    503  another service does not answer, or fails
│   ├── EtagMismatch       503  somebody else wrote the same key at the same time
│   └── Interrupted        503  this service is stopping
├── PeerRefused            the peer's own 4xx: asking again does not help
├── InjectedFault          the status that an operator asked for, to see what happens then
└── SettingsError          the process cannot start: one line, exit code 1
"""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

FieldErrors = Sequence[tuple[str, str]]

_PEER = re.compile(r"^pizza-[a-z]+: ")


class PizzaError(Exception):
    """Anything that a service answers with a problem; `detail` is one sentence for the client."""

    status = 500
    title = "Internal error"
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str = "", errors: FieldErrors = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)


class BadInput(PizzaError):
    """What the client sent cannot be used; `errors` holds pairs of field and message."""

    status = 400
    title = "Bad input"


class Unauthorized(PizzaError):
    """The caller is not the service's own sidecar."""

    status = 401
    title = "Unauthorized"
    # RFC 9110 wants a challenge with each 401.
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "dapr-api-token"}


class Unauthenticated(Unauthorized):
    """The caller did not say who it is, or not rightly."""

    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(PizzaError):
    """This caller may not ask for this."""

    status = 403
    title = "Forbidden"


class NotFound(PizzaError):
    """There is no such order."""

    status = 404
    title = "Not found"


class Conflict(PizzaError):
    """The state of the order does not allow what was asked."""

    status = 409
    title = "Conflict"


class Undone(Conflict):
    """The step was undone, so it must not run any more."""

    title = "Already undone"


class OutOfStock(Conflict):
    """The kitchen has not enough of an ingredient; `detail` names what is missing."""

    title = "Out of stock"


class Gone(PizzaError):
    """It was there, and cannot be used any more."""

    status = 410
    title = "Gone"


class WrongMediaType(PizzaError):
    """The body is sent as something else than JSON."""

    status = 415
    title = "Unsupported media type"


class Misdirected(PizzaError):
    """The request names a host for which this service does not answer."""

    status = 421
    title = "Misdirected request"


class Unsupported(PizzaError):
    """The workflow engine on which the shop runs cannot do this; another one can."""

    status = 501
    title = "Not supported"


class Unavailable(PizzaError):
    """Something that is needed does not work at the moment; the same request may succeed later."""

    status = 503
    title = "Temporarily unavailable"


class SidecarUnavailable(Unavailable):
    """The service's own sidecar does not answer, not in time, or cannot do its work."""

    title = "Sidecar unavailable"


class PeerUnavailable(Unavailable):
    """Another service does not answer, not in time, or failed with a 5xx."""

    title = "Peer unavailable"


class EtagMismatch(Unavailable):
    """The key was written by somebody else since it was read, or is there already."""

    title = "Written at the same time"


class Interrupted(Unavailable):
    """The service is stopping; the work is taken up again by the next request."""

    title = "Service is stopping"


class PeerRefused(PizzaError):
    """Another service refused with a 4xx, kept in `status`, `detail` and `errors`; it is final."""

    status = 400
    title = "Refused by a peer"

    def __init__(self, detail: str = "", status: int = 400, errors: FieldErrors = ()) -> None:
        super().__init__(detail, errors)
        self.status = status

    @property
    def said(self) -> str:
        """The detail in the peer's own words, without the app id that stands before them."""
        return _PEER.sub("", self.detail, count=1)


class InjectedFault(PizzaError):
    """An operator asked for this failure, with this status, to see what happens then."""

    title = "Injected fault"

    def __init__(self, detail: str = "", status: int = 500) -> None:
        super().__init__(detail)
        self.status = status


class SettingsError(PizzaError):
    """An environment variable has a value that cannot be used."""

    title = "Wrong settings"
