"""A refresh is the same as a full comparison, whatever changed, and looks at little."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.matching.nearness import Side, compare_sides, shown_scores, unchanged_pairs
from arb_platform.matching.remembered import recall, remember
from arb_platform.matching.words import Weights, Words, tie_breakers, weighted

WORDS = [f"word{number}" for number in range(400)]


def side(prefix, texts, keys=()):
    ids = [f"{prefix}{number:05d}" for number in range(len(texts))]
    keys = list(keys) or [""] * len(texts)
    return Side(ids, [str(hash(text)) for text in texts], list(texts), keys)


def titles(count, seed, most=9):
    draw = Random(seed)
    return [" ".join(sorted(set(draw.choices(WORDS, k=draw.randint(2, most))))) for _ in range(count)]


def told(nearness):
    left, right = nearness.sides
    return [
        (left.ids[one], right.ids[other], score)
        for one, other, score in zip(nearness.left, nearness.right, nearness.score, strict=True)
    ]


def edited(before, share, seed, *, gone=()):
    """A share of the titles replaced, some markets gone and as many new ones."""
    draw = Random(seed)
    texts = dict(zip(before.ids, before.spelled, strict=True))
    keys = dict(zip(before.ids, before.keys, strict=True))
    for one in draw.sample(before.ids, int(len(before.ids) * share)):
        texts[one] = titles(1, draw.random())[0]
    for one in gone:
        texts.pop(one)
        texts[f"new-{one}"] = titles(1, draw.random())[0]
    ids = sorted(texts)
    return Side(ids, [str(hash(texts[one])) for one in ids], [texts[one] for one in ids], [keys.get(one, "") for one in ids])  # fmt: skip


@pytest.mark.parametrize("keep", [1, 3, 20])
def test_a_refresh_gives_what_a_full_comparison_gives_to_the_last_digit(keep):
    left, right = side("p", titles(400, 1)), side("k", titles(300, 2), ["a b" if n % 40 == 0 else "" for n in range(300)])  # fmt: skip
    before = compare_sides(left, right, keep=keep, min_score=0.2)
    for turn in range(4):
        left = edited(left, 0.02, turn, gone=left.ids[turn * 7 : turn * 7 + 3])
        right = edited(right, 0.02, turn + 50, gone=right.ids[turn * 5 : turn * 5 + 4])
        full = compare_sides(left, right, keep=keep, min_score=0.2)
        before = compare_sides(left, right, keep=keep, min_score=0.2, before=before)
        assert told(before) == told(full)
        assert before.keys == full.keys


def test_rows_that_lost_more_partners_than_were_spared_are_compared_again():
    left, right = side("p", ["same words here"] * 3), side("k", ["same words here"] * 60)
    before = compare_sides(left, right, keep=5, min_score=0.2)
    # every partner that was kept, the spare ones too, is gone; there are others that were never kept
    kept = {right.ids[column] for column in before.found.columns}
    left_over = [place for place, one in enumerate(right.ids) if one not in kept]
    assert 0 < len(left_over) < len(right.ids)
    fewer = Side(*([column[place] for place in left_over] for column in (right.ids, right.versions, right.spelled, right.keys)))  # fmt: skip
    full = compare_sides(left, fewer, keep=5, min_score=0.2)
    assert told(compare_sides(left, fewer, keep=5, min_score=0.2, before=before)) == told(full)
    assert len(told(full)) == 15


@given(st.integers(0, 10**6), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_whatever_changes_a_refresh_is_a_full_comparison(seed, keep):
    left, right = side("p", titles(30, seed, 4)), side("k", titles(25, seed + 1, 4))
    before = compare_sides(left, right, keep=keep, min_score=0.1)
    left = edited(left, 0.2, seed + 2, gone=left.ids[:2])
    right = edited(right, 0.2, seed + 3, gone=right.ids[5:9])
    again = compare_sides(left, right, keep=keep, min_score=0.1, before=before)
    assert told(again) == told(compare_sides(left, right, keep=keep, min_score=0.1))


def test_only_what_changed_is_looked_at_again():
    left, right = side("p", titles(6000, 1)), side("k", titles(3000, 2))
    before = compare_sides(left, right, keep=5, min_score=0.3)
    assert [int(mask.sum()) for mask in before.looked_at] == [6000, 3000]
    changed = edited(left, 0.01, 3)
    after = compare_sides(changed, right, keep=5, min_score=0.3, before=before)
    assert 60 <= int(after.looked_at[0].sum()) < 600
    assert int(after.looked_at[1].sum()) < 300


def test_a_pair_is_unchanged_only_with_the_same_versions_score_and_key():
    left, right = side("p", ["a b c", "d e f"]), side("k", ["a b c", "d e f"], ["x", ""])
    before = compare_sides(left, right, keep=2, min_score=0.2)
    assert unchanged_pairs(compare_sides(left, right, keep=2, min_score=0.2, before=before), before).all()
    other_rules = Side(left.ids, ["another", left.versions[1]], left.spelled, left.keys)
    now = compare_sides(other_rules, right, keep=2, min_score=0.2, before=before)
    assert not now.looked_at[0].any()  # the titles are the same
    assert unchanged_pairs(now, before).tolist() == [False, True]
    keyed = Side(left.ids, left.versions, left.spelled, ["", "x"])
    now = compare_sides(keyed, right, keep=2, min_score=0.2, before=before)
    places = {(int(one), int(other)): same for one, other, same in zip(now.left, now.right, unchanged_pairs(now, before), strict=True)}  # fmt: skip
    assert places == {(0, 0): True, (1, 0): False, (1, 1): True}


def test_equal_titles_have_an_order_that_does_not_depend_on_their_places():
    right = side("k", ["one title"] * 9)
    turned = Side(right.ids[::-1], right.versions[::-1], right.spelled[::-1], right.keys[::-1])
    left = side("p", ["one title"])
    best = [told(compare_sides(left, this, keep=3, min_score=0.1)) for this in (right, turned)]
    assert best[0] == best[1]
    assert len(set(tie_breakers(right.ids))) == 9


def test_rare_words_weigh_more_and_words_of_everybody_nothing():
    texts = [f"will rare{number} happen" if number % 2 else f"what of rare{number}" for number in range(6000)]
    weights = Weights.fitted(Words.of(texts)).of
    assert weights["will"] == 0
    assert weights["rare7"] > 5
    small = Weights.fitted(Words.of(texts[:100])).of
    assert 0 < small["will"] < small["rare7"]


def test_a_hundredth_more_of_a_word_does_not_change_what_it_weighs():
    texts = [f"league word{number % 50} title{number}" for number in range(9000)]
    newer = texts[90:] + ["league word3 other"] * 90
    before, after = (Weights.fitted(Words.of(listed)) for listed in (texts, newer))
    common = {word for word in before.changed_from(after) if not word.startswith("title")}
    assert common == {"other"}


def test_texts_are_rows_of_length_one():
    texts = ["a b", "b c", "", "d"]
    words = Words.of(texts)
    matrix = weighted(words, Weights.fitted(words))
    assert np.sqrt(matrix.multiply(matrix).sum(axis=1)).ravel().round(9).tolist() == [[1.0, 1.0, 0.0, 1.0]]


def test_what_is_remembered_comes_back_and_a_refresh_can_start_from_it(tmp_path):
    left, right = side("p", titles(50, 1)), side("k", titles(40, 2), ["key"] + [""] * 39)
    kept = compare_sides(left, right, keep=3, min_score=0.2)
    path = tmp_path / "deep" / "nearness.npz"
    remember(path, kept, {"keep": 3})
    again = recall(path, {"keep": 3})
    assert told(again) == told(kept)
    assert (again.keys, again.weights, again.sides) == (kept.keys, kept.weights, kept.sides)
    assert shown_scores(again).tolist() == shown_scores(kept).tolist()
    now = compare_sides(left, right, keep=3, min_score=0.2, before=again)
    assert unchanged_pairs(now, again).all()
    assert not now.looked_at[0].any()


def test_what_another_program_or_another_question_left_is_not_recalled(tmp_path, monkeypatch):
    path = tmp_path / "nearness.npz"
    assert recall(path, {}) is None
    remember(path, compare_sides(side("p", ["a b"]), side("k", ["a b"]), keep=1, min_score=0.1), {"keep": 1})
    assert recall(path, {"keep": 2}) is None
    assert recall(path, {"keep": 1}) is not None
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"PK\x03\x04 no zip", b"not a file of ours"):
        path.write_bytes(broken)
        assert recall(path, {"keep": 1}) is None
    path.write_bytes(whole)
    monkeypatch.setattr("arb_platform.matching.remembered.program", lambda: "edited")
    assert recall(path, {"keep": 1}) is None
