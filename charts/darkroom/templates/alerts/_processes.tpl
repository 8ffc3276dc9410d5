{{/* Whether processes run, are ready, and have room. */}}
{{- define "darkroom.alerts-processes" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := include "darkroom.ours" . -}}
- alert: DarkroomNotScraped
  expr: |-
    absent(up{ {{- $self }}})
    or
    max by (namespace, job) (up{ {{- $self }}}) == 0
  for: 3m
  labels: {severity: critical}
  annotations:
    summary: >-
      No process of this release is scraped
    description: >-
      Either all are down, and each callback is lost, or Prometheus cannot reach them, and no other alert of this
      release can fire. Look at the pods, the ServiceMonitor, the metrics Service and the NetworkPolicy
      (monitoring has to be let in).
- alert: DarkroomTargetDown
  expr: |-
    max by (namespace, job, pod) (up{ {{- $self }}}) == 0
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: >-
      Pod {{`{{ $labels.pod }}`}} cannot be scraped
    description: >-
      It is down or hangs. What it had claimed is taken over by others after 30 seconds, if there are any of its
      kind.
- alert: DarkroomRestarting
  expr: |-
    max by (namespace, job, component) (changes(process_start_time_seconds{ {{- $self }}}[30m])) >= 3
  labels: {severity: critical}
  annotations:
    summary: >-
      A pod ({{`{{ $labels.component }}`}}) starts again and again
    description: >-
      Its process began anew {{`{{ $value | printf "%.0f" }}`}} times in 30 minutes, as far as was scraped. Whatever
      it does stands still in between; where nobody else takes callbacks, those of that time are lost. `kubectl
      describe pod` has the exit code (137: killed, mostly for memory), `kubectl logs --previous` the last words.
- alert: DarkroomNoReceiver
  expr: |-
    max by (namespace, job) (up{ {{- $self }}}) == 1
    unless on (namespace, job)
    max by (namespace, job) (darkroom_ready{ {{- $self }},component=~"all|receiver"}) == 1
  for: 2m
  labels: {severity: critical}
  annotations:
    summary: >-
      Nobody can take callbacks
    description: >-
      No pod that receives callbacks is ready, so the gateway answers for them. The provider tries for about 7
      seconds: each callback is lost, and without the provider's API key its task is, too. /readyz of a receiver
      says what is missing: database, disk, or a migration that has not run.
- alert: DarkroomNotReady
  expr: |-
    min by (namespace, job, pod, component) (darkroom_ready{ {{- $self }}}) == 0
  for: {{ $t.notReadyFor }}
  labels: {severity: warning}
  annotations:
    summary: >-
      Pod {{`{{ $labels.pod }}`}} ({{`{{ $labels.component }}`}}) is not ready
    description: >-
      Its /readyz says why: the database, the disk, the bucket (archivers), a revision that `darkroom migrate` has
      to bring, or it has been shutting down for too long. Others of its kind go on; where there are none, this
      part of the work stands still.
- alert: DarkroomDiskLow
  expr: |-
    min by (namespace, job, pod, component) (darkroom_free_bytes{ {{- $self }}})
      < {{ $t.freeBytesFactor }} * max by (namespace, job, pod, component) (darkroom_min_free_bytes{ {{- $self }}})
  for: 10m
  labels: {severity: warning}
  annotations:
    summary: >-
      Pod {{`{{ $labels.pod }}`}} has {{`{{ $value | humanize1024 }}`}}B of disk left
    description: >-
      Below DARKROOM_STORAGE__MIN_FREE_BYTES the pod is not ready. With a volume of its own (component all)
      callbacks are answered 503 then, and nothing is fetched: make room or enlarge it. An archiver sees the disk
      of its node, and fetches nothing then: find what else fills the node.
- alert: DarkroomDiskFull
  expr: |-
    min by (namespace, job, pod, component) (darkroom_free_bytes{ {{- $self }}})
      < max by (namespace, job, pod, component) (darkroom_min_free_bytes{ {{- $self }}})
  for: 2m
  labels: {severity: critical}
  annotations:
    summary: >-
      Pod {{`{{ $labels.pod }}`}} has no room: {{`{{ $value | humanize1024 }}`}}B left
    description: >-
      It is not ready. Where it takes callbacks they are answered 503 and lost after about 7 seconds; where it
      archives nothing is fetched, and images are lost when their links expire. Everything goes on within 30
      seconds of room.
- alert: DarkroomDiskFillsUp
  expr: |-
    min by (namespace, job, pod, component) (predict_linear(darkroom_free_bytes{ {{- $self }},component="all"}[6h], {{ $t.diskFullWithinSeconds }}))
      < max by (namespace, job, pod, component) (darkroom_min_free_bytes{ {{- $self }},component="all"})
  for: 1h
  labels: {severity: warning}
  annotations:
    summary: >-
      The volume of pod {{`{{ $labels.pod }}`}} fills up
    description: >-
      As it has gone for the last hours, less than DARKROOM_STORAGE__MIN_FREE_BYTES is free in
      {{ $t.diskFullWithinSeconds }} seconds. Then callbacks are answered 503. Enlarge the volume, or move to a
      bucket (`darkroom copy`).
- alert: DarkroomVersionMix
  expr: |-
    count by (namespace, job) (count by (namespace, job, version) (darkroom_build_info{ {{- $self }}})) > 1
  for: {{ $t.versionMixFor }}
  labels: {severity: info}
  annotations:
    summary: >-
      {{`{{ $value }}`}} versions run beside each other
    description: >-
      That is meant to last for as long as a rollout does. One is stuck: see `kubectl rollout status`. Nothing is
      lost by it.
{{- end -}}
