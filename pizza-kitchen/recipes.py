"""What goes into each pizza, in units of the stock."""

from collections import Counter
from collections.abc import Iterable

from pizza_common.order import Item

_BASE = ("sauce", "cheese")
_TOPPINGS = {
    "margherita": ("basil",),
    "pepperoni": ("pepperoni",),
    "hawaiian": ("ham", "pineapple"),
    "vegetarian": ("mushrooms", "peppers", "olives"),
    "quattro_formaggi": ("gorgonzola", "parmesan"),
    "diavola": ("salami", "chili"),
    "capricciosa": ("ham", "mushrooms", "artichokes"),
    "funghi": ("mushrooms",),
}
_UNITS = {"small": 1, "medium": 2, "large": 3}

INGREDIENTS = tuple(
    dict.fromkeys(("dough", *_BASE, *(name for each in _TOPPINGS.values() for name in each)))
)

Amounts = dict[str, int]


def needs_of(pizza: Item) -> Amounts:
    """One dough for each pizza; of all else one unit for a small, two, three for a large."""
    units = _UNITS[pizza.size] * pizza.quantity
    return {"dough": pizza.quantity} | dict.fromkeys((*_BASE, *_TOPPINGS[pizza.pizza_type]), units)


def needs_of_all(pizzas: Iterable[Item]) -> Amounts:
    """What several pizzas need together."""
    total: Counter[str] = Counter()
    for pizza in pizzas:
        total.update(needs_of(pizza))
    return dict(total)
