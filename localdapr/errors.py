"""The errors of localdapr: one tree, each raised where its cause is known.

LocalDaprError            shown to the user as one line, exit code 1
├── ManifestError         dapr.yaml or a file of resources/ is wrong
├── PortInUseError        a port that an app or its sidecar needs is taken
├── AppFailedError        an app did not start, or ended before it was ready
├── DatabaseError         the data file is corrupt, foreign or locked
└── ApiError              a Dapr API call is answered with an error
"""


class LocalDaprError(Exception):
    """Anything that localdapr reports to its user; the text is one line that says what to do."""


class ManifestError(LocalDaprError):
    """A manifest or resource file cannot be used; the text begins with the file's path."""


class PortInUseError(LocalDaprError):
    """A port that an app or its sidecar needs is taken by another process."""


class AppFailedError(LocalDaprError):
    """An app could not be started, or ended before it was ready."""


class DatabaseError(LocalDaprError):
    """The data file is corrupt, was made by something else, or belongs to another process."""


class ApiError(LocalDaprError):
    """A call of the Dapr API failed: `status` is HTTP's, `code` Dapr's (`ERR_...`)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
