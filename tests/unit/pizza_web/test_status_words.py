from pizza_common.status import Status
from status_words import PHRASES, phrase


def test_each_status_has_a_phrase_of_its_own():
    assert set(PHRASES) == set(Status)
    assert len(set(PHRASES.values())) == len(PHRASES)


def test_no_phrase_is_the_name_that_programs_have_for_it():
    of_programs = ("validat", "processing", "cooking", "delivery")
    assert not [said for said in PHRASES.values() if any(map(said.lower().count, of_programs))]


def test_a_pizza_s_own_state_is_said_in_its_own_words():
    assert (phrase("cooking_baking"), phrase("waiting")) == ("In the oven", "Waiting")
