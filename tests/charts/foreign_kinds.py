"""Kinds that no Kubernetes brings, as far as this chart makes them: small JSON schemas after each project's own CRD.

They know the members that the chart may use and refuse all others, so that a misspelt one is found.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_TEXT_MAP: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w|y))+$"}
_ANY: Schema = {"type": "object"}
_PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}


def _closed(required: tuple[str, ...] = (), **members: Schema) -> Schema:
    """A map of these members and no others."""
    return {"type": "object", "properties": members, "required": list(required), "additionalProperties": False}


def _items(schema: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": schema, "minItems": least}


def _kind(spec: Schema) -> Schema:
    """A whole manifest around its specification."""
    metadata = _closed(("name",), name=_TEXT, namespace=_TEXT, labels=_TEXT_MAP, annotations=_TEXT_MAP)
    return _closed(
        ("apiVersion", "kind", "metadata", "spec"), apiVersion=_TEXT, kind=_TEXT, metadata=metadata, spec=spec
    )


_SELECTOR = _closed(matchLabels=_TEXT_MAP, matchExpressions=_items(_ANY))

_RELABELING = _closed(
    sourceLabels=_TEXTS,
    separator={"type": "string"},
    targetLabel=_TEXT,
    regex={"type": "string"},
    modulus=_NUMBER,
    replacement={"type": "string"},
    action=_TEXT,
)

_SERVICE_MONITOR = _closed(
    ("selector", "endpoints"),
    jobLabel=_TEXT,
    targetLabels=_TEXTS,
    podTargetLabels=_TEXTS,
    sampleLimit=_NUMBER,
    targetLimit=_NUMBER,
    labelLimit=_NUMBER,
    selector=_SELECTOR,
    namespaceSelector=_closed(any={"type": "boolean"}, matchNames=_TEXTS),
    endpoints=_items(
        _closed(
            ("port",),
            port=_TEXT,
            path=_TEXT,
            scheme={"enum": ["http", "https"]},
            interval=_DURATION,
            scrapeTimeout=_DURATION,
            honorLabels={"type": "boolean"},
            relabelings=_items(_RELABELING),
            metricRelabelings=_items(_RELABELING),
        ),
        least=1,
    ),
)

_RULE = {
    **_closed(
        ("expr",),
        alert=_TEXT,
        record=_TEXT,
        expr={"type": ["string", "integer"], "minLength": 1},
        **{"for": _DURATION},
        keep_firing_for=_DURATION,
        labels=_TEXT_MAP,
        annotations=_TEXT_MAP,
    ),
    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
}

_PROMETHEUS_RULE = _closed(
    ("groups",),
    groups=_items(
        _closed(("name", "rules"), name=_TEXT, interval=_DURATION, rules=_items(_RULE, least=1), labels=_TEXT_MAP),
        least=1,
    ),
)

_PARENT = _closed(
    ("name",), group={"type": "string"}, kind=_TEXT, name=_TEXT, namespace=_TEXT, sectionName=_TEXT, port=_PORT
)
_BACKEND = _closed(
    ("name", "port"), group={"type": "string"}, kind=_TEXT, name=_TEXT, namespace=_TEXT, port=_PORT, weight=_NUMBER
)
_PATH = _closed(
    ("type", "value"),
    type={"enum": ["Exact", "PathPrefix", "RegularExpression"]},
    value={"type": "string", "pattern": "^/"},
)

_HTTP_ROUTE = _closed(
    ("parentRefs", "rules"),
    parentRefs=_items(_PARENT, least=1),
    hostnames=_TEXTS,
    rules=_items(
        _closed(
            ("matches", "backendRefs"),
            name=_TEXT,
            matches=_items(_closed(("path",), path=_PATH, method=_TEXT, headers=_items(_ANY)), least=1),
            filters=_items(_ANY),
            timeouts=_closed(request=_DURATION, backendRequest=_DURATION),
            backendRefs=_items(_BACKEND, least=1),
        ),
        least=1,
    ),
)

_CERTIFICATE_REF = _closed(("name",), group={"type": "string"}, kind=_TEXT, name=_TEXT, namespace=_TEXT)

_GATEWAY = _closed(
    ("gatewayClassName", "listeners"),
    gatewayClassName=_TEXT,
    addresses=_items(_ANY),
    infrastructure=_ANY,
    listeners=_items(
        _closed(
            ("name", "port", "protocol"),
            name=_TEXT,
            hostname=_TEXT,
            port=_PORT,
            protocol={"enum": ["HTTP", "HTTPS", "TLS"]},
            tls=_closed(
                ("certificateRefs",),
                mode={"enum": ["Terminate", "Passthrough"]},
                certificateRefs=_items(_CERTIFICATE_REF, least=1),
                options=_TEXT_MAP,
            ),
            allowedRoutes=_closed(namespaces=_ANY, kinds=_items(_ANY)),
        ),
        least=1,
    ),
)

_SCALED_OBJECT = _closed(
    ("scaleTargetRef", "triggers"),
    scaleTargetRef=_closed(("name",), apiVersion=_TEXT, kind=_TEXT, name=_TEXT, envSourceContainerName=_TEXT),
    pollingInterval=_NUMBER,
    cooldownPeriod=_NUMBER,
    initialCooldownPeriod=_NUMBER,
    idleReplicaCount=_NUMBER,
    minReplicaCount=_NUMBER,
    maxReplicaCount={"type": "integer", "minimum": 1},
    fallback=_closed(
        ("failureThreshold", "replicas"), failureThreshold=_NUMBER, replicas=_NUMBER, behavior={"type": "string"}
    ),
    advanced=_closed(restoreToOriginalReplicaCount={"type": "boolean"}, horizontalPodAutoscalerConfig=_ANY),
    triggers=_items(
        _closed(
            ("type", "metadata"),
            type=_TEXT,
            name=_TEXT,
            metadata=_TEXT_MAP,  # KEDA takes text alone: a bare number is refused
            authenticationRef=_closed(("name",), name=_TEXT, kind=_TEXT),
            metricType={"enum": ["AverageValue", "Value", "Utilization"]},
            useCachedMetrics={"type": "boolean"},
        ),
        least=1,
    ),
)

_CERTIFICATE = _closed(
    ("secretName", "issuerRef", "dnsNames"),
    secretName=_TEXT,
    issuerRef=_closed(("name",), name=_TEXT, kind=_TEXT, group=_TEXT),
    dnsNames=_items(_TEXT, least=1),
    commonName=_TEXT,
    duration=_DURATION,
    renewBefore=_DURATION,
    privateKey=_ANY,
    usages=_TEXTS,
    secretTemplate=_ANY,
)

FOREIGN: Mapping[tuple[Any, Any], Schema] = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _kind(_SERVICE_MONITOR),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _kind(_PROMETHEUS_RULE),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _kind(_HTTP_ROUTE),
    ("gateway.networking.k8s.io/v1", "Gateway"): _kind(_GATEWAY),
    ("keda.sh/v1alpha1", "ScaledObject"): _kind(_SCALED_OBJECT),
    ("cert-manager.io/v1", "Certificate"): _kind(_CERTIFICATE),
}
"""Schemas by apiVersion and kind."""
