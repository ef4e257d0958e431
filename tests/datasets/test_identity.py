from hypothesis import given
from hypothesis import strategies as st

from medassay.datasets.identity import PSEUDONYM, date_shift_days, joined_persons, pseudonym

KEY = bytes(32)
drafts = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=3), max_size=8)


def test_one_person_under_two_ids_at_two_sites_is_one_subject():
    first, second, other = joined_persons([["A/1", "张三|1950"], ["B/9", "张三|1950"], ["B/8", "李四|1960"]])
    assert first == second
    assert first != other


def test_unknown_identity_is_never_guessed():
    assert joined_persons([[], ["a"], []]) == [None, "a", None]


@given(drafts)
def test_drafts_that_share_a_token_share_a_person_and_order_does_not_matter(tokens):
    persons = joined_persons(tokens)
    for first, one in zip(tokens, persons, strict=True):
        for second, two in zip(tokens, persons, strict=True):
            if set(first) & set(second):
                assert one == two
    assert joined_persons(tokens[::-1]) == persons[::-1]


@given(drafts)
def test_persons_that_no_chain_of_tokens_links_stay_apart(tokens):
    # Second route: grow each draft's tokens until nothing more joins.
    for start, person in zip(tokens, joined_persons(tokens), strict=True):
        reached, before = set(start), set()
        while reached != before:
            before = set(reached)
            for other in tokens:
                if reached & set(other):
                    reached |= set(other)
        assert person == (min(reached) if reached else None)


@given(st.text(), st.text())
def test_a_pseudonym_depends_on_key_kind_and_token_and_holds_none_of_them(first, second):
    assert (pseudonym(KEY, "S", first) == pseudonym(KEY, "S", second)) == (first == second)
    assert pseudonym(KEY, "S", first) != pseudonym(b"\x01" * 32, "S", first)
    assert pseudonym(KEY, "S", first)[2:] != pseudonym(KEY, "R", first)[2:]
    assert PSEUDONYM.fullmatch(pseudonym(KEY, "S", first))


def test_a_file_name_that_is_no_text_has_a_pseudonym_of_its_own():
    assert pseudonym(KEY, "F", "a\udcff") != pseudonym(KEY, "F", "a\udcfe")


@given(st.text())
def test_dates_of_a_subject_move_back_by_one_fixed_number_of_days(subject):
    assert 1 <= date_shift_days(KEY, subject) <= 3650
    assert date_shift_days(KEY, subject) == date_shift_days(KEY, subject)


def test_what_tells_a_person_everywhere_names_the_subject():
    tokens = ["id:a:1", "name:zhangwei|1950-01-01|F", "name:张伟|1950-01-01|F", "resident:11010519491231002"]
    for count in range(1, 5):
        assert joined_persons([tokens[:count]]) == [tokens[count - 1]]
