{{/* What may be lost: images, and tasks of which nobody knows how they ended. */}}
{{- define "darkroom.alerts-loss" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := include "darkroom.ours" . -}}
{{- $asking := include "darkroom.asking" . -}}
- alert: DarkroomLinkExpiresSoon
  expr: |-
    min by (namespace, job) (darkroom_next_expiry_seconds{ {{- $self }}}) < {{ $t.linkExpiresSoonSeconds }}
  for: 15m
  labels: {severity: warning}
  annotations:
    summary: >-
      The first link that is still needed expires in {{`{{ $value | humanizeDuration }}`}}
    description: >-
      An image, or a task whose end is not known, has waited for most of its link's life. It is lost when the link
      expires. Look at what waits and why: GET /v1/assets?status=pending, GET /v1/tasks?status=pending,
      darkroom_assets_total by outcome.
- alert: DarkroomLinkAboutToExpire
  expr: |-
    min by (namespace, job) (darkroom_next_expiry_seconds{ {{- $self }}}) < {{ $t.linkAboutToExpireSeconds }}
    and on (namespace, job)
    max by (namespace, job) (darkroom_assets_pending{ {{- $self }}}) > 0
  for: 5m
  labels: {severity: critical}
  annotations:
    summary: >-
      In {{`{{ $value | humanizeDuration }}`}} a link is over that is still needed, and images wait
    description: >-
      What is not fetched by then is gone for good (below zero the link is over, and one last attempt follows
      within the hour). Find what keeps it from being fetched (archivers not ready, disk full, host refused, image
      host away) and mend that first; then `{{ $asking }} retry TASK_ID` for what waits, or `{{ $asking }}
      reconcile --once` for tasks whose links are not known yet.
- alert: DarkroomTaskAboutToExpire
  expr: |-
    min by (namespace, job) (darkroom_next_expiry_seconds{ {{- $self }}}) < {{ $t.linkAboutToExpireSeconds }}
    unless on (namespace, job)
    max by (namespace, job) (darkroom_assets_pending{ {{- $self }}}) > 0
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: >-
      A task whose end nobody knows runs out of time in {{`{{ $value | humanizeDuration }}`}}
    description: >-
      No known image waits. If the task has ended at the provider without our hearing of it, its images are lost
      by then; if it failed, or never was, nothing is. See GET /v1/tasks?status=pending, then ask:
      `{{ $asking }} reconcile --once`.
- alert: DarkroomImagesDead
  expr: |-
    sum by (namespace, job, reason) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_dead_total{%s,reason=~"link_expired|not_an_image|refused_address|refused_host|too_large|truncated|unreachable"}` $self)) }}) > 0
  labels: {severity: critical}
  annotations:
    summary: >-
      Images were given up: {{`{{ $labels.reason }}`}}
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in the last hour. Nothing is tried any more, but the provider keeps
      an image for 24 hours from its task's creation: until then mend the cause and run `{{ $asking }} retry --reason
      {{`{{ $labels.reason }}`}}`; afterwards it is gone.
- alert: DarkroomTasksDead
  expr: |-
    sum by (namespace, job, reason) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_dead_total{%s,reason=~"never_finished|no_links|refuted|unknown_to_provider"}` $self)) }}) > 0
  labels: {severity: warning}
  annotations:
    summary: >-
      Tasks were given up: {{`{{ $labels.reason }}`}}
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in the last hour. Either a callback was forged, or the provider
      does not show us a task that is ours: then its images are lost 24 hours after its creation. See GET
      /v1/tasks?status=dead, then `{{ $asking }} retry --reason {{`{{ $labels.reason }}`}}`.
- alert: DarkroomBacklogOld
  expr: |-
    max by (namespace, job) (darkroom_oldest_pending_seconds{ {{- $self }}}) > {{ $t.oldestPendingSeconds }}
  for: 10m
  labels: {severity: warning}
  annotations:
    summary: >-
      An image has waited for {{`{{ $value | humanizeDuration }}`}} to be archived
    description: >-
      Images are usually safe within seconds. Nothing is lost yet: that is so when the link expires, 24 hours
      after the task was created. See GET /v1/assets?status=pending, and darkroom_assets_total by outcome for what
      fails.
- alert: DarkroomArchiveTooSlow
  expr: |-
    max by (namespace, job) (darkroom_assets_pending{ {{- $self }}}) > {{ $t.backlogImages }}
    and
    max by (namespace, job) (darkroom_assets_pending{ {{- $self }}}) / clamp_min(min by (namespace, job) (darkroom_next_expiry_seconds{ {{- $self }}}), 60)
      > sum by (namespace, job) (rate(darkroom_assets_total{ {{- $self }},outcome="archived"}[15m]))
  for: 15m
  labels: {severity: warning}
  annotations:
    summary: >-
      {{`{{ $value | printf "%.0f" }}`}} images wait, and are not archived fast enough
    description: >-
      At this rate some are not fetched before the first of their links expires, and are lost then. Run more
      archivers, or let each download more at a time (DARKROOM_DOWNLOAD__CONCURRENCY).
- alert: DarkroomFiguresMissing
  expr: |-
    max by (namespace, job) (up{ {{- $self }}}) == 1
    unless on (namespace, job)
    max by (namespace, job) (darkroom_next_expiry_seconds{ {{- $self }}})
  for: 5m
  labels: {severity: critical}
  annotations:
    summary: >-
      Nobody knows whether an image is about to be lost
    description: >-
      Processes answer, but none of them could read the database for minutes, so what waits and when links expire
      is not known. While it lasts callbacks are answered 503, and links run out. See /readyz, and the database.
{{- end -}}
