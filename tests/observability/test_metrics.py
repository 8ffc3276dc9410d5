"""Exactly the promised metrics, with labels from closed sets, at zero from the start."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.domain.api_key import Denial
from service.domain.asset import AssetReason
from service.domain.attempt import Failure
from service.domain.callback import Verdict
from service.domain.task import TaskReason
from service.intake.answers import Result
from service.observability import CallbackVerdict, Metrics
from service.observability.figure import FRESH_SECONDS
from service.observability.metrics import NO_KEY, OUTCOMES, REASONS, RESULTS, SOURCES, SUBMITTED, TOLD
from service.submission.outcome import Reason

PROMISED = {
    "darkroom_callbacks_total": {"source", "verdict"},
    "darkroom_ack_seconds": set(),
    "darkroom_inbox_batch_size": set(),
    "darkroom_assets_total": {"outcome"},
    "darkroom_archive_seconds": set(),
    "darkroom_archived_bytes_total": set(),
    "darkroom_assets_pending": set(),
    "darkroom_oldest_pending_seconds": set(),
    "darkroom_next_expiry_seconds": set(),
    "darkroom_ready": set(),
    "darkroom_free_bytes": set(),
    "darkroom_min_free_bytes": set(),
    "darkroom_reconcile_total": {"result"},
    "darkroom_dead_total": {"reason"},
    "darkroom_retention_deleted_total": set(),
    "darkroom_provider_key_refused": set(),
    "darkroom_submissions_total": {"result"},
    "darkroom_submissions_unclear": set(),
    "darkroom_budget_warnings_total": set(),
    "darkroom_events_total": {"outcome"},
    "darkroom_events_pending": set(),
    "darkroom_details_pending": set(),
    "darkroom_auth_failures_total": {"reason"},
    "darkroom_build_info": {"version"},
}
"""The public contract: what dashboards and alerts of users are built on."""

LOOKED_UP = {
    "darkroom_assets_pending",
    "darkroom_oldest_pending_seconds",
    "darkroom_next_expiry_seconds",
    "darkroom_free_bytes",
    "darkroom_min_free_bytes",
    "darkroom_submissions_unclear",
    "darkroom_events_pending",
    "darkroom_details_pending",
}
"""What is left out while nobody has looked."""

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.render()[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


def test_exactly_the_promised_metrics_exist() -> None:
    families = text_string_to_metric_families(Metrics().render()[0].decode())
    found = {}
    for family in families:
        if family.name.startswith(("process_", "python_")):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert family.documentation, name
        assert bool(family.samples) is (name not in LOOKED_UP), f"{name} has a series from the start, or none"
    assert found == PROMISED


def test_every_series_is_there_at_zero() -> None:
    metrics = Metrics()
    for source in SOURCES:
        for verdict in CallbackVerdict:
            assert value(metrics, "darkroom_callbacks_total", source=source, verdict=verdict.value) == 0
    for outcome in OUTCOMES:
        assert value(metrics, "darkroom_assets_total", outcome=outcome) == 0
    for reason in REASONS:
        assert value(metrics, "darkroom_dead_total", reason=reason) == 0
    for result in RESULTS:
        assert value(metrics, "darkroom_reconcile_total", result=result) == 0
    for result in SUBMITTED:
        assert value(metrics, "darkroom_submissions_total", result=result) == 0
    for outcome in TOLD:
        assert value(metrics, "darkroom_events_total", outcome=outcome) == 0
    for reason in NO_KEY:
        assert value(metrics, "darkroom_auth_failures_total", reason=reason) == 0


def test_labels_are_what_the_domain_can_say() -> None:
    assert set(OUTCOMES) == {"archived"} | {failure.value for failure in Failure}
    assert set(REASONS) == {reason.value for reason in (*TaskReason, *AssetReason)}
    assert set(RESULTS) == {result.value for result in Result}
    assert set(NO_KEY) == {denial.value for denial in Denial}
    assert set(SUBMITTED) == {"taken", "replayed", *(reason.value for reason in Reason)}
    assert {verdict.value for verdict in Verdict} <= {verdict.value for verdict in CallbackVerdict}


def test_what_happens_is_counted() -> None:
    metrics = Metrics()
    metrics.callback("unknown", CallbackVerdict.REFUSED)
    metrics.acknowledged("evolink", CallbackVerdict.ACCEPTED, 0.003)
    metrics.batch_committed(7)
    metrics.attempt("truncated")
    metrics.archived(seconds=2.0, size=1234)
    metrics.reconciled("terminal")
    metrics.died("link_expired")
    metrics.auth_failed("expired")
    assert value(metrics, "darkroom_callbacks_total", source="unknown", verdict="refused") == 1
    assert value(metrics, "darkroom_callbacks_total", source="evolink", verdict="accepted") == 1
    assert value(metrics, "darkroom_ack_seconds_sum") == pytest.approx(0.003)
    assert value(metrics, "darkroom_inbox_batch_size_sum") == 7
    assert value(metrics, "darkroom_assets_total", outcome="truncated") == 1
    assert value(metrics, "darkroom_archive_seconds_count") == 1
    assert value(metrics, "darkroom_auth_failures_total", reason="expired") == 1
    assert value(metrics, "darkroom_archived_bytes_total") == 1234
    assert value(metrics, "darkroom_reconcile_total", result="terminal") == 1
    assert value(metrics, "darkroom_dead_total", reason="link_expired") == 1


def test_the_next_expiry_counts_down_and_is_infinite_when_nothing_waits() -> None:
    metrics = Metrics()
    metrics.waiting(3, NOW + timedelta(hours=1), now=NOW, oldest=NOW - timedelta(minutes=2))
    assert value(metrics, "darkroom_next_expiry_seconds") == 3600
    assert value(metrics, "darkroom_assets_pending") == 3
    assert value(metrics, "darkroom_oldest_pending_seconds") == 120
    metrics.waiting(0, None, now=NOW)
    assert value(metrics, "darkroom_next_expiry_seconds") == float("inf")
    assert value(metrics, "darkroom_oldest_pending_seconds") == 0


def test_what_became_known_after_now_by_another_clock_is_no_negative_age() -> None:
    metrics = Metrics()
    metrics.waiting(1, None, now=NOW, oldest=NOW + timedelta(seconds=1))
    assert value(metrics, "darkroom_oldest_pending_seconds") == 0


def shown(metrics: Metrics) -> set[str]:
    return {name for name, _ in samples(metrics)} & LOOKED_UP


def test_what_nobody_has_looked_at_for_a_minute_is_left_out_until_somebody_does() -> None:
    clock = [1000.0]
    metrics = Metrics(clock=lambda: clock[0])
    assert shown(metrics) == set()
    metrics.waiting(0, None, now=NOW)
    metrics.under_way(unclear=0, untold=0, unseen=0)
    metrics.disk(free=5, least=7)
    clock[0] += FRESH_SECONDS - 1
    assert shown(metrics) == LOOKED_UP
    metrics.disk(free=5, least=7)
    clock[0] += 2
    assert shown(metrics) == {"darkroom_free_bytes", "darkroom_min_free_bytes"}
    metrics.waiting(0, None, now=NOW)
    metrics.under_way(unclear=0, untold=0, unseen=0)
    assert shown(metrics) == LOOKED_UP


def test_a_process_is_not_ready_until_it_says_so() -> None:
    metrics = Metrics()
    assert value(metrics, "darkroom_ready") == 0
    metrics.ready(True)
    assert value(metrics, "darkroom_ready") == 1
    metrics.ready(False)
    assert value(metrics, "darkroom_ready") == 0


def test_free_space_is_told_with_the_least_that_is_needed() -> None:
    metrics = Metrics()
    metrics.disk(free=3 << 40, least=1 << 30)
    assert value(metrics, "darkroom_free_bytes") == 3 << 40
    assert value(metrics, "darkroom_min_free_bytes") == 1 << 30


def test_a_label_outside_its_set_is_refused() -> None:
    metrics = Metrics()
    with pytest.raises(KeyError):
        metrics.attempt("bad luck")
    with pytest.raises(KeyError):
        metrics.died("boredom")
    with pytest.raises(KeyError):
        metrics.callback("somebody", CallbackVerdict.ACCEPTED)


def test_two_services_in_one_process_do_not_share_figures() -> None:
    one, other = Metrics(), Metrics()
    one.attempt("archived")
    assert value(other, "darkroom_assets_total", outcome="archived") == 0


def test_buckets_tell_a_fast_answer_from_a_slow_one() -> None:
    series = samples(Metrics())
    ack = {float(dict(labels)["le"]) for name, labels in series if name == "darkroom_ack_seconds_bucket"}
    archive = {float(dict(labels)["le"]) for name, labels in series if name == "darkroom_archive_seconds_bucket"}
    assert min(ack) == 0.001
    assert max(ack - {float("inf")}) == 10
    assert min(archive) == 0.05
    assert max(archive - {float("inf")}) == 30 * 60


def test_the_exposition_names_its_format() -> None:
    assert Metrics().render()[1].startswith("text/plain; version=")
