import numpy as np
import pytest

from yori.curate.outcome import Choice, Curation, Round


@pytest.mark.parametrize(("label", "action"), [(None, "drop"), (0, "relabel"), (2, "relabel")])
def test_the_action_follows_from_the_new_label_unless_it_is_said(label, action):
    assert Choice(3, label, -0.1, 1.0).action == action
    assert Choice(3, None, -0.1, 1.0, "review").action == "review"


def test_chosen_are_the_choices_of_accepted_rounds_in_order():
    one, two, three = (Choice(position, None, -0.1, 1.0) for position in (9, 4, 7))
    rounds = (
        Round(1, (one, two), -0.2, 0.1, accepted=True),
        Round(2, (), -0.3, 0.1, accepted=True),
        Round(3, (three,), 0.1, 0.1, accepted=False),
    )
    found = Curation(rounds, np.zeros(10), 0.5, 0.4, 12)
    assert found.chosen == ((1, one), (1, two))
    assert Curation((), np.zeros(10), 0.5, 0.5, 0).chosen == ()
