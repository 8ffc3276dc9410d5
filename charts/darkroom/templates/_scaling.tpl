{{/* Whether a component's pods are counted by an autoscaler; empty when not: dict component, own. */}}
{{- define "darkroom.scales" -}}
{{- if or .own.autoscaling.enabled (and .own.keda .own.keda.enabled) -}}yes{{- end -}}
{{- end -}}

{{/* How many pods of a component there are at least: dict component, own. */}}
{{- define "darkroom.leastReplicas" -}}
{{- if .own.autoscaling.enabled -}}
{{- .own.autoscaling.minReplicas -}}
{{- else if include "darkroom.scales" . -}}
{{- .own.keda.minReplicas -}}
{{- else -}}
{{- .own.replicas -}}
{{- end -}}
{{- end -}}

{{/* A leaving pod serves on while gateways learn of it, finishes what is under way, and closes its database. */}}
{{- define "darkroom.gracePeriod" -}}
{{- with .Values.shutdown -}}
{{- add (int .preStopSeconds) (int .drainSeconds) (int .marginSeconds) -}}
{{- end -}}
{{- end -}}

{{/*
Images a second that have to be fetched so that none is lost, and within `finishWithinSeconds` in any case. Every process
tells the same of the one database, so these gauges are not to be added up; with nothing to fetch the time is +Inf. What is
NaN is left out (no comparison holds for it): a process that cannot see the database has nothing to say.
*/}}
{{- define "darkroom.neededRate" -}}
{{- $of := printf "{namespace=%q, job=%q}" .Release.Namespace (printf "%s-metrics" (include "darkroom.fullname" .)) -}}
{{- printf "max(darkroom_assets_pending%s > -Inf) / clamp(min(darkroom_next_expiry_seconds%s > -Inf), 60, %d)" $of $of (int .Values.archiver.keda.finishWithinSeconds) -}}
{{- end -}}
