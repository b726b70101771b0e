import pytest

from pizza_common.claims import principal_of


@pytest.mark.parametrize(
    ("claims", "claim", "roles"),
    [
        ({"roles": ["manager", "owner"]}, "roles", {"manager"}),
        ({"roles": "operator kitchen"}, "roles", {"operator", "kitchen"}),
        ({"realm_access": {"roles": ["kitchen"]}}, "realm_access.roles", {"kitchen"}),
        ({"https://shop.example/roles": ["operator"]}, "https://shop.example/roles", {"operator"}),
        ({"roles": ["service", "customer"]}, "roles", set()),
        ({"roles": "managers"}, "roles", set()),
        ({"roles": {"manager": True}}, "roles", set()),
        ({"roles": [["manager"], 7, None]}, "roles", set()),
        ({"realm_access": "roles"}, "realm_access.roles", set()),
        ({}, "roles", set()),
    ],
)
def test_the_shop_s_roles_are_read_from_the_claim(claims, claim, roles):
    assert principal_of(claims, claim).roles == roles
