import pytest

from localdapr.resiliency import NO_POLICY, Resiliency, ResiliencySpec, Retry, seconds


def read(policies: object, targets: object) -> Resiliency:
    return ResiliencySpec.model_validate({"policies": policies, "targets": targets}).resiliency()


@pytest.mark.parametrize(
    ("text", "value"),
    [("5s", 5), ("500ms", 0.5), ("1h30m", 5400), ("1m0.5s", 60.5), ("2", 2), ("15us", 15e-6)],
)
def test_durations_are_read_as_go_writes_them(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "5 s", "s", "5x", "-1s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


def test_a_constant_retry_waits_the_same_and_ends() -> None:
    retry = Retry("constant", duration=2, max_retries=2)
    assert [retry.delay(failure) for failure in (1, 2, 3)] == [2, 2, None]


def test_an_exponential_retry_grows_up_to_its_maximum_and_may_go_on_for_ever() -> None:
    retry = Retry("exponential", max_interval=1)
    assert [retry.delay(failure) for failure in (1, 2, 3, 9999)] == [0.5, 0.75, 1, 1]


def test_only_the_named_answers_are_tried_again() -> None:
    resiliency = read(
        {"retries": {"few": {"matching": {"httpStatusCodes": "429,500-503"}}}},
        {"apps": {"kitchen": {"retry": "few"}}},
    )
    retry = resiliency.for_app("kitchen").retry
    assert retry
    codes = (200, 302, 400, 429, 500, 503, 504)
    assert [code for code in codes if retry.covers(code)] == [429, 500, 503]


def test_without_named_answers_every_error_is_tried_again() -> None:
    assert [code for code in (200, 399, 400, 500) if Retry().covers(code)] == [400, 500]


def test_targets_find_their_policies_by_name_and_direction() -> None:
    resiliency = read(
        {"retries": {"r": {"maxRetries": 3}}, "timeouts": {"t": "5s"}},
        {"components": {"pubsub": {"inbound": {"retry": "r", "timeout": "t"}}}},
    )
    policy = resiliency.for_inbound("pubsub")
    assert (policy.retry, policy.timeout) == (Retry(max_retries=3), 5)
    assert resiliency.for_inbound("other") == NO_POLICY
    assert resiliency.for_app("pubsub") == NO_POLICY


def test_reserved_names_are_defaults() -> None:
    retries = {"DefaultRetryPolicy": {"maxRetries": 1}, "DefaultAppRetryPolicy": {"maxRetries": 2}}
    resiliency = read({"retries": retries}, {})
    assert resiliency.for_app("any").retry == Retry(max_retries=2)
    assert resiliency.for_inbound("any").retry == Retry(max_retries=1)


@pytest.mark.parametrize(
    ("policies", "targets", "message"),
    [
        ({}, {"apps": {"a": {"retry": "none"}}}, "no policy named 'none'"),
        ({}, {"apps": {"a": {"circuitBreaker": "cb"}}}, "no policy named 'cb'"),
        ({"retries": {"r": {"policy": "linear"}}}, {}, "'constant' or 'exponential'"),
        ({"retries": {"r": {"duration": "soon"}}}, {}, "'soon' is not a duration"),
        ({"retries": {"r": {"maxRetries": "many"}}}, {}, "valid integer"),
        ({"timeouts": {"t": "5 minutes"}}, {}, r"timeouts\.t"),
        ({"circuitBreakers": {"cb": {"trip": "failures > 3"}}}, {}, "does not understand it"),
        ({"retries": {"r": {"matching": {"httpStatusCodes": "5xx"}}}}, {}, "no status or range"),
    ],
)
def test_a_wrong_policy_is_refused_by_its_field(
    policies: object, targets: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read(policies, targets)
