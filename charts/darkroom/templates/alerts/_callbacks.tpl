{{/* What happens to callbacks at the door. */}}
{{- define "darkroom.alerts-callbacks" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := include "darkroom.ours" . -}}
{{- $serving := include "darkroom.serving" . -}}
- alert: DarkroomCallbacksUnavailable
  expr: |-
    sum by (namespace, job) (increase(darkroom_callbacks_total{ {{- $self }},verdict="unavailable"}[5m])) >= {{ $t.unavailableCallbacks }}
  labels: {severity: critical}
  annotations:
    summary: >-
      Callbacks are answered 503
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in 5 minutes. The provider delivers a callback up to four times
      within about 7 seconds, and never again: without its API key the task is lost with it, with the key it is
      asked about later. /readyz says what is missing.
- alert: DarkroomCallbacksRefused
  expr: |-
    sum by (namespace, job) (increase(darkroom_callbacks_total{ {{- $self }},verdict="refused"}[15m])) > {{ $t.refusedCallbacks }}
  labels: {severity: warning}
  annotations:
    summary: >-
      Callbacks come through URLs that are not known, have expired or were revoked
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in 15 minutes. Either somebody guesses, which leads nowhere, or a
      signing secret was changed or a URL in use was revoked: then each of these callbacks is lost. The log lines
      `callback` of receivers with `verdict: refused` have the reason and the client.
- alert: DarkroomCallbacksUnreadable
  expr: |-
    sum by (namespace, job, verdict) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_callbacks_total{%s,verdict=~"unreadable|too_large"}` $self)) }}) > 0
  labels: {severity: warning}
  annotations:
    summary: >-
      Callbacks through valid URLs are not understood: {{`{{ $labels.verdict }}`}}
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in the last hour. Unreadable ones are kept, and can be run again
      after an upgrade (`{{ $serving }} replay --verdict unreadable`); too large ones are not kept: raise
      DARKROOM_CALLBACKS__MAX_BODY_BYTES. The images of their tasks are lost after 24 hours.
- alert: DarkroomCallbacksLimited
  expr: |-
    sum by (namespace, job) ({{ include "darkroom.grown" (dict "within" "15m" "of" (printf `darkroom_callbacks_total{%s,verdict="limited"}` $self)) }}) > 0
  labels: {severity: warning}
  annotations:
    summary: >-
      Callbacks are answered 429: a URL has used up what it may
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in 15 minutes. One callback URL has more than 200 callbacks a
      second, or 10,000 tasks that nobody confirms. If it leaked, revoke it (`{{ $serving }} revoke TOKEN_ID`); if it is
      yours, mint one for each task. Real callbacks among these are lost.
- alert: DarkroomCallbacksForeign
  expr: |-
    sum by (namespace, job) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_callbacks_total{%s,verdict="foreign"}` $self)) }}) > 0
  labels: {severity: warning}
  annotations:
    summary: >-
      Callbacks name tasks that belong to another callback URL
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in the last hour. They change nothing by themselves, but a URL may
      have leaked: see GET /v1/callbacks?verdict=foreign, and revoke the URL that should not have been used.
- alert: DarkroomNoCallbacks
  expr: |-
    sum by (namespace, job) (increase(darkroom_callbacks_total{ {{- $self }},verdict=~"accepted|duplicate"}[{{ $t.quietWindow }}])) == 0
    and
    sum by (namespace, job) (increase(darkroom_callbacks_total{ {{- $self }},verdict=~"accepted|duplicate"}[{{ $t.quietWindow }}] offset 1w)) >= {{ $t.quietUsualCallbacks }}
  for: 15m
  labels: {severity: warning}
  annotations:
    summary: >-
      No callback has come for {{ $t.quietWindow }}, unlike a week ago
    description: >-
      At this time last week some did. If tasks are being submitted, their callbacks do not get here: without the
      provider's API key those tasks are lost. Look at DNS, certificate, gateway and PUBLIC_URL; post to the
      public address yourself and expect 404.
- alert: DarkroomAcknowledgementsSlow
  expr: |-
    histogram_quantile(0.99, sum by (namespace, job, le) (rate(darkroom_ack_seconds_bucket{ {{- $self }}}[5m]))) > {{ $t.ackSeconds }}
  for: 10m
  labels: {severity: warning}
  annotations:
    summary: >-
      Callbacks are acknowledged slowly: 1 % take longer than {{`{{ $value | humanizeDuration }}`}}
    description: >-
      The provider gives up after 10 seconds and delivers again, up to four times; the service answers 503 when a
      commit takes 5. Then callbacks begin to be lost. Look at the disk of the database, or at the server.
{{- end -}}
