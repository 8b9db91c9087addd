"""The verdict in words: the better one first, ties called ties."""

from __future__ import annotations

from dataclasses import replace

import pytest

from demo import verdicts
from eval.compare import Difference

PLAIN = Difference("ferplus", "accuracy", 0.8747, 0.8154, -0.0593, -0.0717, -0.0469, 4.8e-22, 3153, 3153, "first")
TIE = Difference("london", "accuracy", 0.9074, 0.8889, -0.0185, -0.0926, 0.0556, 1.0, 54, 27, "tie")
MOUTH = Difference("smiles", "mouth_l1", 0.0353, 0.0180, -0.0173, -0.0184, -0.0162, None, 1058, 842, "second")
SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (
            PLAIN,
            f"A is better than B on ferplus: 87.5{SPACE}% of pictures named rightly against 81.5{SPACE}%, 5.9 points "
            "more (95 % interval 4.7 to 7.2, exact McNemar p < 0.0001, 3,153 pictures).",
        ),
        (
            TIE,
            f"A and B are tied on london: 90.7{SPACE}% of pictures named rightly against 88.9{SPACE}%. The difference "
            "of 1.8 points may be chance: its 95 % interval, −9.3 to 5.6 points, includes 0 (exact McNemar p = 1, "
            "54 pictures of 27 people).",
        ),
        (
            MOUTH,
            "B is better than A on smiles: distance of the mouth to the true one 0.0180 against 0.0353, 0.0173 less "
            "(95 % interval 0.0162 to 0.0184, 1,058 pictures of 842 people).",
        ),
        (
            replace(TIE, second=0.9074, difference=0.0, low=0.0, high=0.0),
            f"A and B do the same on london: 90.7{SPACE}% of pictures named rightly for both, and no difference on any "
            "picture (54 pictures of 27 people).",
        ),
    ],
)
def test_a_newcomer_is_told_in_one_sentence(difference: Difference, sentence: str) -> None:
    assert verdicts.sentence(difference, "A", "B") == sentence


def test_the_table_of_measures_is_there_where_there_are_several() -> None:
    one = verdicts.verdict_html("recognition", [[PLAIN]], "A", "B")
    assert "<table" not in one
    assert "How to read this" in one
    judged = replace(MOUTH, measure="judged_neutral", first=0.2, second=0.9, p=1e-9)
    two = verdicts.verdict_html("neutralisation", [[MOUTH, judged]], "<b>", "B")
    assert two.count("<tr>") == 3
    assert "B less &lt;b&gt;, 95 % interval" in two
    assert two.count('dp-verdict"') == 1


def test_the_verdict_speaks_of_the_main_measure() -> None:
    damaged = replace(PLAIN, measure="corrupted_accuracy")
    assert verdicts.main("robustness", [PLAIN, damaged]) is damaged
    assert verdicts.main("recognition", [PLAIN, damaged]) is PLAIN


def test_a_measure_that_has_no_words_is_called_by_its_name() -> None:
    assert verdicts.value("new_score", 0.5) == "new score 0.5000"


def test_an_answer_of_the_endpoint_names_the_better_one_and_people_only_where_they_are_known() -> None:
    answer = verdicts.as_json(MOUTH, "input", "derl")
    assert (answer["better"], answer["pictures"], answer["people"]) == ("derl", 1058, 842)
    assert answer["sentence"].startswith("derl is better than input on smiles: ")
    assert verdicts.as_json(PLAIN, "plain", "derl")["people"] is None
    assert verdicts.as_json(TIE, "plain", "derl")["better"] == "tie"
