{{/* What works and is weak, or is likely not what was meant; lines for NOTES.txt. */}}
{{- define "darkroom.weaknesses" -}}
{{- $v := .Values -}}
{{- $np := $v.networkPolicy -}}
{{- $scaled := eq $v.shape "scaled" -}}
{{- $url := include "darkroom.publicUrl" . -}}
{{- if not $url }}
- settings.publicUrl is empty: the provider cannot call back. Set it, or ingress.host, or gateway.host.
{{- else if not (or (hasPrefix "https://" $url) $v.standIn.enabled) }}
- {{ $url }} is not HTTPS: the provider refuses it as a callback URL.
{{- end }}
{{- if not (include "darkroom.hasProviderKey" .) }}
- settings.evolink.apiKey is not set: callbacks are believed unasked, and a lost one stays lost.
{{- end }}
{{- $submits := include "darkroom.submits" (dict "root" . "component" ($scaled | ternary "api" "all")) }}
{{- if and $submits (not $v.settings.cost.budgets) (not $v.standIn.enabled) }}
- settings.cost.budgets is empty: every API key with the scope write may spend the provider's credit without an end.
{{- end }}
{{- if $v.standIn.enabled }}
- standIn.enabled: this release works with a stand-in for the provider. Not for production.
{{- end }}
{{- if and (not $scaled) (not $v.persistence.enabled) }}
- persistence.enabled is false: images, keys and all that is known are lost with the pod.
{{- end }}
{{- $made := and $scaled (or (not (or $v.settings.apiKeys.value $v.settings.apiKeys.existingSecret)) (not (or $v.settings.callbacks.secrets.value $v.settings.callbacks.secrets.existingSecret))) }}
{{- if $made }}
- Keys were generated and are kept over upgrades. Tools that render without the cluster (Argo CD, helm template) cannot
  keep them: give settings.apiKeys.existingSecret and settings.callbacks.secrets.existingSecret there.
{{- end }}
{{- if and $scaled (not $v.migrations.enabled) }}
- migrations.enabled is false: run `darkroom migrate` before each new version; its pods are not ready until then.
{{- end }}
{{- if not $np.enabled }}
- networkPolicy.enabled is false: only the program itself keeps forged links away from private addresses.
{{- else }}
{{- if and $scaled (not $np.database.to) }}
- networkPolicy.database.to is empty: pods may reach any address at port {{ join ", " $np.database.ports }}. Name your database's network.
{{- end }}
{{- $options := $v.settings.storage.options }}
{{- if and (regexMatch "^(s3|gs|az)://" $v.settings.storage.url) (not $np.store.to) (or $options.existingSecret (hasKey (kindIs "map" $options.value | ternary $options.value dict) "endpoint")) }}
- networkPolicy.store.to is empty: the bucket is reached at public addresses only, port {{ join ", " $np.store.ports }}. An endpoint of your own needs its network there.
{{- end }}
{{- end }}
{{- if and (not $scaled) (ne $v.service.type "ClusterIP") }}
- service.type: {{ $v.service.type }} publishes the API beside /callbacks, as the shape single has one port for both; only its keys guard it.
{{- end }}
{{- if and $v.service.tls.existingSecret (or $v.ingress.enabled $v.gateway.enabled) }}
- service.tls: pods speak HTTPS, which what stands in front has to be told: ingress-nginx by the annotation
  nginx.ingress.kubernetes.io/backend-protocol: HTTPS, the Gateway API by a BackendTLSPolicy.
{{- end }}
{{- include "darkroom.weakTraces" . }}
{{- range $name, $road := dict "ingress" $v.ingress "gateway" $v.gateway }}
{{- if and (include "darkroom.hasEndpoints" $) $road.enabled (not (and $road.api.enabled (has "/a" $road.api.paths))) }}
- settings.notify.endpoints: events have links to {{ $url }}/a/, which leads nowhere: set {{ $name }}.api.enabled, with /a among its paths.
{{- end }}
{{- end }}
{{- if and $v.monitoring.rules.enabled (not $v.monitoring.serviceMonitor.enabled) }}
- monitoring.rules.enabled without monitoring.serviceMonitor.enabled: alerts need the labels that it gives, and say nothing without.
{{- end }}
{{- if has "*" $v.settings.download.allowedHosts }}
- settings.download.allowedHosts allows any host.
{{- end }}
{{- range list (dict "name" "evolink.apiKey" "of" $v.settings.evolink.apiKey) (dict "name" "databaseUrl" "of" $v.settings.databaseUrl) (dict "name" "storage.options" "of" $v.settings.storage.options) (dict "name" "notify.endpoints" "of" $v.settings.notify.endpoints) }}
{{- if .of.value }}
- settings.{{ .name }} is given by value, so it is also in the release's own Secret: existingSecret keeps it in one place.
{{- end }}
{{- end }}
{{- end -}}

{{/* Traces go to pods of the cluster at one port, unless the network policy is told otherwise. */}}
{{- define "darkroom.weakTraces" -}}
{{- $to := .Values.networkPolicy.traces -}}
{{- if and .Values.settings.traces.endpoint .Values.networkPolicy.enabled -}}
{{- $url := urlParse .Values.settings.traces.endpoint -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- if not (has $port (splitList "," (include "darkroom.text" $to.ports))) }}
- networkPolicy.traces.ports lacks {{ $port }}, where settings.traces.endpoint is: traces do not get there.
{{- end }}
{{- if and (eq (toJson $to.to) "[{\"namespaceSelector\":{}}]") (not (regexMatch "^[^.]+$|\\.svc$|\\.svc\\.|^[^.]+\\.[^.]+$" $url.hostname)) }}
- networkPolicy.traces.to allows pods of the cluster only, and {{ $url.hostname }} is no name of one: say where it is.
{{- end }}
{{- end -}}
{{- end -}}
