{{/* Whether the provider answers and takes our key, by those who ask again by themselves: in a pod of the API a refusal of long ago stands until the next client comes. */}}
{{- define "darkroom.alerts-provider" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := include "darkroom.ours" . -}}
{{- $asking := include "darkroom.asking" . -}}
- alert: DarkroomProviderKeyRefused
  expr: |-
    max by (namespace, job) (darkroom_provider_key_refused{ {{- $self }},component=~"all|reconciler"}) == 1
  for: 5m
  labels: {severity: critical}
  annotations:
    summary: >-
      The provider refuses our API key
    description: >-
      Callbacks are not confirmed, lost ones are not found, and nothing can be submitted. In mode `required` nothing is
      fetched any more, and images are lost 24 hours after their task was created; in mode `preferred` callbacks are
      believed after a while. Set a valid DARKROOM_EVOLINK__API_KEY, and see `{{ $asking }} doctor`.
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
{{- end -}}
