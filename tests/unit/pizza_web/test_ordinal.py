"""Numbers in a row, in words."""

import pytest

from ordinal import ordinal


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "first"), (10, "tenth"), (11, "11th"), (20, "20th"), (21, "21st"), (112, "112th")],
)
def test_numbers_in_a_row_are_words_up_to_the_tenth(number, said):
    assert ordinal(number) == said
