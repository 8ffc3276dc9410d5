"""What money is counted by: the same text for the same thing, another for another, and never too long."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.subject import ALL, LONGEST, MOST_TAGS, of_key, of_model, of_tag, subjects_of

TEXT = st.text(max_size=600)
MOST_BYTES = LONGEST + 3 + 32


def test_a_task_counts_for_all_for_its_model_its_key_and_each_tag() -> None:
    found = subjects_of(key_name="shop", model="gpt-image-2", tags={"team": "a", "order": "7"})
    assert found == ("all", "key:shop", "model:gpt-image-2", "tag:order=7", "tag:team=a")


def test_a_task_that_nobody_submitted_through_us_counts_for_no_key() -> None:
    assert subjects_of(key_name=None, model=None, tags={}) == (ALL,)


def test_a_budget_names_its_tag_as_tasks_do() -> None:
    value = "x" * 1000
    assert of_tag(f"team={value}") in subjects_of(key_name=None, model=None, tags={"team": value})


def test_no_more_tags_count_than_a_request_may_carry() -> None:
    found = subjects_of(key_name=None, model=None, tags={f"t{number:02}": "" for number in range(100)})
    assert len(found) == 1 + MOST_TAGS
    assert found[-1] == f"tag:t{MOST_TAGS - 1:02}="


def test_two_tags_that_read_the_same_are_one_subject() -> None:
    assert subjects_of(key_name=None, model=None, tags={"a": "b=c", "a=b": "c"}) == (ALL, "tag:a=b=c")


@given(TEXT, TEXT)
def test_different_names_are_different_subjects_however_long(one: str, other: str) -> None:
    clean = [text.replace("\x00", "\ufffd") for text in (one, other)]
    assert (of_model("m" * 390 + one) == of_model("m" * 390 + other)) == (clean[0] == clean[1])


@given(st.characters(), st.integers(0, 500))
def test_what_is_cut_off_is_never_another_subject_that_stands_for_itself(character: str, length: int) -> None:
    cut = of_key("ü" * 1000 + character * length)
    assert LONGEST < len(cut.encode()) <= MOST_BYTES
    assert of_key(cut.removeprefix("key:")) != cut


@given(st.text(alphabet=st.characters(), max_size=300), st.text(alphabet=st.characters(), max_size=300))
def test_every_subject_can_be_stored(name: str, value: str) -> None:
    for subject in subjects_of(key_name=name, model=value, tags={name: value}):
        assert "\x00" not in subject
        assert len(subject.encode()) <= MOST_BYTES


def test_half_of_a_surrogate_pair_becomes_a_question_mark_as_it_did_before() -> None:
    assert of_key("a\ud800\0") == "key:a?\ufffd"


def test_a_subject_of_just_the_longest_stands_for_itself() -> None:
    assert of_key("x" * (LONGEST - 4)) == "key:" + "x" * (LONGEST - 4)
