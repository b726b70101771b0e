"""What /metrics tells, in a form that is easy to compare."""

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

Values = dict[tuple[str, ...], float]


def values(client: FlaskClient, name: str) -> Values:
    """The samples of that name that are not 0, by their values of the labels, sorted by name."""
    page = client.get("/metrics").text
    samples = [each for family in text_string_to_metric_families(page) for each in family.samples]
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for sample in samples
        if sample.name == name and sample.value
    }
