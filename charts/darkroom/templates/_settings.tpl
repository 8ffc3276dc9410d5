{{/* What the program is told that is no secret: `settings` as environment variables, and what the chart decides. */}}

{{/* A value as the program reads it. Helm has every number of a values file as a float. */}}
{{- define "darkroom.text" -}}
{{- if and (kindIs "slice" .) (kindIs "map" (first .)) -}}
{{- toJson . -}}
{{- else if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "map" . -}}
{{- toJson . -}}
{{- else if and (kindIs "float64" .) (eq (toString .) (toString (floor .))) -}}
{{- int64 . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Whether the provider's key is given; empty when not. */}}
{{- define "darkroom.hasProviderKey" -}}
{{- $key := .Values.settings.evolink.apiKey -}}
{{- if or $key.value $key.existingSecret .Values.standIn.enabled -}}yes{{- end -}}
{{- end -}}

{{/* Whether a component submits to the provider: dict root, component; empty when not. The only pod of the shape single does. */}}
{{- define "darkroom.submits" -}}
{{- if and (include "darkroom.hasProviderKey" .root) (or (eq .component "all") (and (eq .component "api") .root.Values.api.submissions.enabled)) -}}yes{{- end -}}
{{- end -}}

{{/* Whether there are endpoints to be told of events; empty when not. */}}
{{- define "darkroom.hasEndpoints" -}}
{{- $endpoints := .Values.settings.notify.endpoints -}}
{{- if or $endpoints.value $endpoints.existingSecret -}}yes{{- end -}}
{{- end -}}

{{/* Whether a component tells others: endpoints, or clients that gave a URL of their own with what they submitted: dict root, component. */}}
{{- define "darkroom.tells" -}}
{{- if and (has .component (list "all" "api")) (or (include "darkroom.hasEndpoints" .root) (include "darkroom.submits" .)) -}}yes{{- end -}}
{{- end -}}

{{/* How callbacks are believed. YAML reads a bare `off` as false. */}}
{{- define "darkroom.confirmMode" -}}
{{- $mode := .Values.settings.confirm.mode -}}
{{- if kindIs "bool" $mode -}}
off
{{- else if $mode -}}
{{- $mode -}}
{{- else if eq .Values.shape "scaled" -}}
{{- /* Receivers are not given the key, so they are told what the reconcilers make of having it. */ -}}
{{- empty (include "darkroom.hasProviderKey" .) | ternary "off" "preferred" -}}
{{- end -}}
{{- end -}}

{{/* `settings` with what follows from other values; JSON. Those of the stand-in leave no way to another provider. */}}
{{- define "darkroom.effectiveSettings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $_ := set $settings "publicUrl" (include "darkroom.publicUrl" .) -}}
{{- $_ := set $settings.confirm "mode" (include "darkroom.confirmMode" .) -}}
{{- $_ := set $settings.tls "caFile" (include "darkroom.caFile" .) -}}
{{- $_ := set $settings.cost "prices" (include "darkroom.priceFile" .) -}}
{{- if .Values.standIn.enabled -}}
{{- $host := include "darkroom.standInHost" . -}}
{{- $_ := set $settings.evolink "apiUrl" (printf "https://%s:8443" $host) -}}
{{- $_ := set $settings.download "allowedHosts" (list $host) -}}
{{- $_ := set $settings.download "trustedNetworks" .Values.standIn.clusterNetworks -}}
{{- $_ := set $settings.tls "caFile" "/stand-in/ca.crt" -}}
{{- end -}}
{{- toJson $settings -}}
{{- end -}}

{{/* The data of the ConfigMap: each setting that is given under its own name, secrets left out. */}}
{{- define "darkroom.settings" -}}
{{- $settings := include "darkroom.effectiveSettings" . | fromJson -}}
{{- range $name, $value := $settings -}}
{{- if not (kindIs "map" $value) -}}
{{- include "darkroom.setting" (dict "name" $name "value" $value) -}}
{{- else if not (hasKey $value "existingSecret") -}}
{{- range $part, $inner := $value -}}
{{- if not (kindIs "map" $inner) -}}
{{- include "darkroom.setting" (dict "name" (printf "%s__%s" (snakecase $name) (snakecase $part)) "value" $inner) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.setting" -}}
{{- $text := include "darkroom.text" .value -}}
{{- if ne $text "" }}
DARKROOM_{{ upper (contains "__" .name | ternary .name (snakecase .name)) }}: {{ quote $text }}
{{- end -}}
{{- end -}}

{{/* What the chart decides of a process: dict root, component. */}}
{{- define "darkroom.decided" -}}
- name: DARKROOM_DATA_DIR
  value: /data
- name: DARKROOM_ROLES
  value: {{ eq .component "all" | ternary "receiver,archiver,reconciler,api" .component }}
- name: DARKROOM_SERVER__PORT
  value: "8080"
- name: DARKROOM_SERVER__METRICS_PORT
  value: "9090"
- name: DARKROOM_SERVER__DRAIN_TIMEOUT
  value: {{ printf "%ds" (int .root.Values.shutdown.drainSeconds) }}
{{- if has .component (list "receiver" "reconciler") }}
- name: DARKROOM_STORAGE__URL
  value: "" # no way into the bucket, whose options they are not given: some stores refuse to be named without
{{- end }}
{{- if and .root.Values.service.tls.existingSecret (has .component (list "all" "receiver" "api")) }}
- name: DARKROOM_SERVER__TLS_CERT
  value: /tls/tls.crt
- name: DARKROOM_SERVER__TLS_KEY
  value: /tls/tls.key
{{- end }}
{{- end -}}
