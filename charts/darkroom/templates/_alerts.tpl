{{- /* Every alert, by group. `namespace` and `job` stay on each, so that it can be routed. Gauges of what waits are the same in
       every process and are never summed (max, min); counters are summed after increase(), which survives restarts. Metrics of what
       has to be looked up are absent where nobody can look: an alert about them is silent then, and DarkroomFiguresMissing speaks. */ -}}
{{- /* How much a counter grew in a window: dict of (its selector), within. `increase` needs a sample to begin with, so what a
       process counted before its first scrape would be missed: a series that is new counts as a whole. It is new when the six
       hours before the window had none, lest old counts come up again after an hour in which nothing was scraped. */ -}}
{{- define "darkroom.grown" -}}
(max_over_time({{ .of }}[{{ .within }}]) unless max_over_time({{ .of }}[6h] offset {{ .within }})) or increase({{ .of }}[{{ .within }}])
{{- end -}}
{{- /* Where commands run: dict root, component. All of them in the only pod of the shape single. */ -}}
{{- define "darkroom.runIn" -}}
{{- $component := eq .root.Values.shape "single" | ternary "all" .component -}}
kubectl -n {{ .root.Release.Namespace }} exec deploy/{{ include "darkroom.componentName" (dict "root" .root "component" $component) }} -- darkroom
{{- end -}}
{{- define "darkroom.alerts" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := printf `job="%s-metrics",namespace="%s"` (include "darkroom.fullname" .) .Release.Namespace -}}
{{- $asking := include "darkroom.runIn" (dict "root" . "component" "reconciler") -}}
{{- $serving := include "darkroom.runIn" (dict "root" . "component" "api") -}}
groups:
  - name: loss
    rules:
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
  - name: callbacks
    rules:
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
  - name: provider
    rules:
      - alert: DarkroomProviderKeyRefused
        expr: |-
          max by (namespace, job) (darkroom_provider_key_refused{ {{- $self }}}) == 1
        for: 5m
        labels: {severity: critical}
        annotations:
          summary: >-
            The provider refuses our API key
          description: >-
            Callbacks are not confirmed and lost ones are not found. In mode `required` nothing is fetched any more, and
            images are lost 24 hours after their task was created; in mode `preferred` callbacks are believed after a
            while. Set a valid DARKROOM_EVOLINK__API_KEY, and see `{{ $asking }} doctor`.
      - alert: DarkroomProviderUnreachable
        expr: |-
          sum by (namespace, job) (increase(darkroom_reconcile_total{ {{- $self }},result="unreachable"}[15m])) > 0
          unless on (namespace, job)
          sum by (namespace, job) (increase(darkroom_reconcile_total{ {{- $self }},result=~"terminal|not_yet|unknown|throttled"}[15m])) > 0
        for: {{ $t.providerSilentFor }}
        labels: {severity: warning}
        annotations:
          summary: >-
            The provider has answered nothing for a long time
          description: >-
            About {{`{{ $value | printf "%.0f" }}`}} questions in 15 minutes, all in vain. Callbacks are not confirmed
            and lost ones are not found; in mode `required` nothing is fetched. Images are lost 24 hours after their
            task was created. `{{ $asking }} doctor` says what is in the way: egress rules, DNS, or the
            provider itself.
  - name: processes
    rules:
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
