import pytest

from localdapr.routing import Condition, RuleError

EVENT = {
    "type": "order.new",
    "source": "shop",
    "data": {
        "total": 150,
        "size": "large",
        "tags": ["hot", "new"],
        "customer": {"vip": True},
        "class": 1,
    },
}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ('event.type == "order.new"', True),
        ("event.type == 'order.old'", False),
        ('event.type != "order.old"', True),
        ("event.data.total > 100", True),
        ("event.data.total <= 149.5", False),
        ("event.data.total > 100 && event.data.size == 'large'", True),
        ("event.data.total > 1000 || event.data.customer.vip", True),
        ("!(event.data.total > 100)", False),
        ("event.type in ['order.new', 'order.paid']", True),
        ('"hot" in event.data.tags', True),
        ('event.data["size"] == "large"', True),
        ("event.data.tags[1] == 'new'", True),
        ("event.type.startsWith('order.')", True),
        ("event.type.endsWith('.new') && event.type.contains('der')", True),
        ("size(event.data.tags) == 2", True),
        ("has(event.data.customer.vip)", True),
        ("has(event.data.coupon)", False),
        ("has(event.data.coupon) && event.data.coupon == 'x'", False),
        (r"event.data.size == 'la\'rge' || true", True),
        ("event.data.total == -1 || false", False),
        ("event.data.tags == ['hot', 'new']", True),
        ("event.data.class == 1", True),
    ],
)
def test_a_rule_holds_as_in_cel(rule: str, holds: bool) -> None:
    assert Condition(rule).holds(EVENT) is holds


@pytest.mark.parametrize(
    "rule",
    [
        "event.data.coupon == 'x'",
        "event.data.coupon.code == 'x'",
        "event.data.size > 5",
        "event.data.tags[7] == 'x'",
        "event.data.size",
        "event.data.coupon == 'x' && true",
        "event.data.coupon == 'x' || false",
    ],
)
def test_reading_what_the_event_has_not_is_an_error_not_a_mismatch(rule: str) -> None:
    with pytest.raises(RuleError):
        Condition(rule).holds(EVENT)


def test_an_error_of_one_side_does_not_matter_when_the_other_decides() -> None:
    assert Condition("event.data.coupon == 'x' || true").holds(EVENT)
    assert not Condition("event.data.coupon == 'x' && false").holds(EVENT)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "event.type ==",
        "event.type = 'x'",
        "other.type == 'x'",
        "(event.type",
        "event.f(1)",
        "#",
        "event.type == 'x' # or so",
        "event.type == 'x' or true",
        "not event.data.customer.vip",
        "1 < event.data.total < 200",
        "event.data.customer.get('vip')",
    ],
)
def test_a_rule_outside_the_supported_part_is_refused_when_it_is_read(rule: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        Condition(rule)
