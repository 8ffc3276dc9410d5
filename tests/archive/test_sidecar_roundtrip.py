"""What a sidecar tells is read back to the letter, and whatever has befallen its bytes has an answer."""

import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.archive.sidecar import Evidence, render
from service.archive.sidecar_reader import SidecarRead, Unreadable, read_sidecar
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored
from service.domain.history import Effect, HistoryEntry
from service.domain.image import Image, ImageFormat
from service.domain.object_key import asset_key, sidecar_key
from service.domain.task import Check, Origin, Rank, Standing, Task, TaskReason, TaskStatus

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
TIME = st.integers(0, 10**15).map(lambda microseconds: NOW + timedelta(microseconds=microseconds))
NUMBER = st.integers(0, 2**31 - 1)
SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALAR | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.none() | st.dictionaries(TEXT, JSON, max_size=3)
PROVIDER = st.none() | st.dictionaries(TEXT, JSON).map(json.dumps) | st.sampled_from(['{"n": NaN}', "{cut"])
LINKS = st.lists(st.builds("https://files.evolink.ai/{}".format, TEXT), max_size=3).map(tuple)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    version = draw(NUMBER)
    return Task(
        id=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{3,127}", fullmatch=True)),
        source="evolink",
        received_at=draw(TIME),
        status=draw(st.sampled_from(TaskStatus)),
        reason=draw(st.none() | st.sampled_from(TaskReason)),
        rank=draw(st.sampled_from(Rank)),
        confirmed=draw(st.booleans()),
        conflict=draw(st.booleans()),
        token_id=draw(st.none() | TEXT),
        model=draw(st.none() | TEXT),
        ref=draw(st.none() | TEXT),
        tags=draw(st.dictionaries(TEXT, TEXT, max_size=3)),
        prompt=draw(st.none() | TEXT),
        parameters=draw(OBJECT),
        usage=draw(OBJECT),
        error=draw(OBJECT),
        created_at=draw(st.none() | TIME),
        deadline=draw(st.none() | TIME),
        settled_at=draw(st.none() | TIME),
        archive_date=draw(st.dates(date(2024, 1, 1), date(2100, 1, 1))),
        provider_json=draw(
            st.none() | st.dictionaries(TEXT, JSON).map(json.dumps) | st.just('{"n": NaN}') | st.just("{cut")
        ),
        callback_rank=draw(st.sampled_from(Rank)),
        expected_images=draw(NUMBER),
        stranger=draw(st.booleans()),
        check=Check(at=draw(st.none() | TIME)),
        version=version,
        sidecar_version=version,
    )


@st.composite
def assets(draw: st.DrawFn, task: Task, index: int) -> Asset:
    status = draw(st.sampled_from(AssetStatus))
    has_bytes = status is AssetStatus.ARCHIVED or (status is AssetStatus.DELETED and draw(st.booleans()))
    image = Image(draw(st.sampled_from(ImageFormat)), draw(NUMBER), draw(NUMBER))
    digest = draw(st.text("0123456789abcdef", min_size=64, max_size=64))
    assert task.archive_date is not None
    key = asset_key(task.source, task.archive_date, task.id, index, digest, image.format)
    return Asset(
        task_id=task.id,
        index=index,
        links=("https://files.evolink.ai/a.png", *draw(LINKS)),
        refused=draw(LINKS),
        deadline=draw(TIME),
        created_at=draw(TIME),
        status=status,
        reason=draw(st.none() | st.sampled_from(AssetReason)),
        detail=draw(st.none() | TEXT),
        attempts=draw(NUMBER),
        revivals=draw(NUMBER),
        next_attempt_at=draw(st.none() | TIME),
        stored=Stored(key, digest, draw(st.integers(0, 2**63 - 1)), image) if has_bytes else None,
        archived_at=draw(st.none() | TIME),
        details=draw(OBJECT) if status is AssetStatus.ARCHIVED else None,
    )


ENTRIES = st.builds(
    HistoryEntry,
    at=TIME,
    origin=st.sampled_from(Origin),
    status=TEXT,
    standing=st.sampled_from(Standing),
    effect=st.sampled_from(Effect),
    rank=st.sampled_from(Rank),
    callback_id=st.none() | st.integers(1, 2**63 - 1),
    note=st.none() | TEXT,
)
EVIDENCE = st.builds(
    Evidence,
    origin=st.sampled_from([one.value for one in Origin]),
    body_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    token_id=st.none() | TEXT,
    verdict=st.sampled_from(["accepted", "unreadable", "foreign"]),
    deliveries=NUMBER,
    received_at=TIME,
    callback_id=st.none() | st.integers(1, 2**63 - 1),
    status=st.none() | TEXT,
    size=NUMBER,
)


@st.composite
def documents(draw: st.DrawFn) -> SidecarRead:
    """What a sidecar can tell."""
    task = draw(tasks())
    images = tuple(draw(assets(task, index)) for index in range(draw(st.integers(0, 3))))
    seen = draw(st.lists(EVIDENCE, max_size=3, unique_by=lambda one: one.body_sha256))
    return SidecarRead(task, images, tuple(draw(st.lists(ENTRIES, max_size=3))), tuple(seen))


def key_of(task: Task) -> str:
    assert task.archive_date is not None
    return sidecar_key(task.source, task.archive_date, task.id)


def rendered(told: SidecarRead) -> bytes:
    return render(told.task, told.assets, told.history, told.evidence)


@given(documents())
def test_what_was_rendered_is_read_back(told: SidecarRead) -> None:
    assert read_sidecar(key_of(told.task), rendered(told)) == told


@given(documents(), st.data())
def test_a_sidecar_that_is_cut_off_anywhere_is_unreadable(told: SidecarRead, data: st.DataObject) -> None:
    whole = rendered(told).rstrip()
    end = data.draw(st.integers(0, len(whole) - 1))
    assert isinstance(read_sidecar(key_of(told.task), whole[:end]), Unreadable)


@given(documents(), st.data())
def test_a_damaged_sidecar_has_an_answer_and_nothing_is_raised(told: SidecarRead, data: st.DataObject) -> None:
    damaged = bytearray(rendered(told))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(read_sidecar(key_of(told.task), bytes(damaged)), (SidecarRead, Unreadable))
