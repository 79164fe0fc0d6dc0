"""The quiz keeps training and test apart, and its models beat guessing."""

import numpy as np
import pytest
from tpc_lab import quiz, statistics


@pytest.fixture(scope="module")
def halves() -> tuple[quiz.Quiz, quiz.Quiz]:
    return quiz.build_quiz()


def test_no_docstring_is_in_both_halves(halves: tuple[quiz.Quiz, quiz.Quiz]) -> None:
    train, test = halves
    assert not set(train.docstring) & set(test.docstring)
    assert len(test.sentences) == len(test.package) == len(test.docstring) > 500


def test_sentences_do_not_name_their_package(halves: tuple[quiz.Quiz, quiz.Quiz]) -> None:
    words = {word for sentence in halves[1].sentences for word in quiz.words(sentence)}
    assert not words & {"numpy", "scipy", "matplotlib", "np"}


def test_models_beat_the_most_frequent_package(halves: tuple[quiz.Quiz, quiz.Quiz]) -> None:
    train, test = halves
    guess = np.bincount(test.package).max() / len(test.package)
    for features in (quiz.words, quiz.trigrams):
        assert quiz.naive_bayes(train, test, features).mean() > guess + 0.05


def test_sentences_of_a_docstring_stand_and_fall_together(halves: tuple[quiz.Quiz, quiz.Quiz]) -> None:
    scores = quiz.naive_bayes(*halves, quiz.words)
    assert statistics.clustered_error(scores, halves[1].docstring) > 1.1 * statistics.standard_error(scores)
