"""The names of the metrics that the program itself exposes, and those that an expression asks for."""

import re

from prometheus_client.parser import text_string_to_metric_families

from service.observability import Metrics

FROM_PROMETHEUS = frozenset({"up"})
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def declared_metrics() -> set[str]:
    """Every name under which a sample of ours can be asked for."""
    families = text_string_to_metric_families(Metrics().render()[0].decode())
    return {f"{one.name}{suffix}" for one in families for suffix in _SUFFIXES.get(one.type, ("",))}


def declared_values(metric: str, label: str) -> set[str]:
    """Every value that a label of one of our metrics may have; none for a metric or label that it does not have."""
    families = text_string_to_metric_families(Metrics().render()[0].decode())
    return {
        sample.labels[label]
        for one in families
        for sample in one.samples
        if sample.name == metric and label in sample.labels
    }


def metrics_in(expression: str) -> list[str]:
    """What is asked for: every name before a brace."""
    return re.findall(r"\b([a-z_:][a-z0-9_:]*)\{", expression)


def unknown_metrics(text: str) -> set[str]:
    """Names in expressions or in prose that the program does not have."""
    asked = set(re.findall(r"\b((?:darkroom|process|python)_[a-z0-9_]+)\b", text)) | set(metrics_in(text))
    return asked - declared_metrics() - FROM_PROMETHEUS
