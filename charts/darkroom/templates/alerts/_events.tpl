{{/* What others are told: endpoints, and clients that named a URL of their own. */}}
{{- define "darkroom.alerts-events" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := include "darkroom.ours" . -}}
- alert: DarkroomEventsDead
  expr: |-
    sum by (namespace, job) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_events_total{%s,outcome="dead"}` $self)) }}) > 0
  labels: {severity: warning}
  annotations:
    summary: >-
      Events were given up: somebody was not told
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in the last hour. They are kept until they are told again: see
      GET /v1/events?status=dead (`endpoint`, `detail`), mend what keeps the endpoint from taking them, then
      POST /v1/events/replay.
- alert: DarkroomEventsWaiting
  expr: |-
    max by (namespace, job) (darkroom_events_pending{ {{- $self }}})
      > sum by (namespace, job) (increase(darkroom_events_total{ {{- $self }},outcome="delivered"}[1h]))
  for: {{ $t.eventsWaitFor }}
  labels: {severity: warning}
  annotations:
    summary: >-
      {{`{{ $value | printf "%.0f" }}`}} events wait, more than were delivered in an hour
    description: >-
      An endpoint does not take them, or no pod of the API gets to it. Each is tried again for three days, then given up; a
      task's later events wait for its earlier ones. See GET /v1/events?status=pending (`endpoint`, `attempts`, `detail`,
      `next_attempt_at`).
{{- end -}}
