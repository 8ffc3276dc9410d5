{{/* The secrets: where each comes from, and which pods get it. */}}

{{/*
All secret settings, as a JSON list: `given` by the operator, under `key` in the chart's own Secret, for `readers` only.
`made` names the Secret that the chart makes where nothing is given (shape scaled).
*/}}
{{- define "darkroom.secretTable" -}}
{{- $s := .Values.settings -}}
{{- $name := include "darkroom.fullname" . -}}
{{- $asks := concat (list "all" "reconciler") (empty (include "darkroom.submits" (dict "root" . "component" "api")) | ternary list (list "api")) -}}
{{- $sends := concat (list "all" "archiver") (empty (include "darkroom.tells" (dict "root" . "component" "api")) | ternary list (list "api")) -}}
{{- $providerKey := .Values.standIn.enabled | ternary (dict "existingSecret" (printf "%s-stand-in" $name) "key" "api-key") $s.evolink.apiKey -}}
{{- list
  (dict "variable" "DARKROOM_DATABASE_URL" "setting" "databaseUrl" "given" $s.databaseUrl "key" "database-url"
    "readers" (list "receiver" "archiver" "reconciler" "api" "migrate"))
  (dict "variable" "DARKROOM_API_KEYS" "setting" "apiKeys" "given" $s.apiKeys "key" "api-keys"
    "readers" (list "all" "api") "made" (printf "%s-api-key" $name))
  (dict "variable" "DARKROOM_STORAGE__OPTIONS" "setting" "storage.options" "given" $s.storage.options "key" "storage-options"
    "readers" (list "all" "archiver" "api"))
  (dict "variable" "DARKROOM_CALLBACKS__SECRETS" "setting" "callbacks.secrets" "given" $s.callbacks.secrets "key" "callback-secrets"
    "readers" (list "all" "receiver" "api") "made" (printf "%s-callback-secret" $name))
  (dict "variable" "DARKROOM_EVOLINK__API_KEY" "setting" "evolink.apiKey" "given" $providerKey "key" "evolink-api-key"
    "readers" $asks)
  (dict "variable" "DARKROOM_DOWNLOAD__PROXY" "setting" "download.proxy" "given" $s.download.proxy "key" "download-proxy"
    "readers" $sends)
  (dict "variable" "DARKROOM_NOTIFY__ENDPOINTS" "setting" "notify.endpoints" "given" $s.notify.endpoints "key" "notify-endpoints"
    "readers" (list "all" "api"))
  | toJson -}}
{{- end -}}

{{/* Environment variables of the secrets that a component gets: dict root, component. */}}
{{- define "darkroom.secretEnv" -}}
{{- $scaled := eq .root.Values.shape "scaled" -}}
{{- range include "darkroom.secretTable" .root | fromJsonArray -}}
{{- $from := dict -}}
{{- if has $.component .readers -}}
{{- if .given.existingSecret -}}
{{- $from = dict "name" .given.existingSecret "key" .given.key -}}
{{- else if .given.value -}}
{{- $from = dict "name" (include (eq $.component "migrate" | ternary "darkroom.migrateName" "darkroom.fullname") $.root) "key" .key -}}
{{- else if and .made $scaled -}}
{{- $from = dict "name" .made "key" .key -}}
{{- end -}}
{{- end -}}
{{- if $from }}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.name }}
      key: {{ $from.key }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The data of the chart's own Secret: what was given by value. */}}
{{- define "darkroom.secretData" -}}
{{- range include "darkroom.secretTable" . | fromJsonArray -}}
{{- if and .given.value (not .given.existingSecret) }}
{{ .key }}: {{ include "darkroom.secretText" .given.value | b64enc }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.secretText" -}}
{{- kindIs "string" . | ternary . (toJson .) -}}
{{- end -}}
