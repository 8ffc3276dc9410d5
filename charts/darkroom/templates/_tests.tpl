{{/* The pod of `helm test` goes to the node of the service, whose volume it reads. */}}
{{- define "darkroom.besideService" -}}
podAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "darkroom.selectorLabels" . | nindent 10 }}
          app.kubernetes.io/component: all
{{- end -}}

{{/* The API's own keys, for the test to take one from; nothing where there is no Secret of them. */}}
{{- define "darkroom.testKeys" -}}
{{- $env := include "darkroom.secretEnv" (dict "root" . "component" (eq .Values.shape "single" | ternary "all" "api")) | fromYamlArray -}}
{{- range $env -}}
{{- if eq .name "DARKROOM_API_KEYS" }}
- name: API_KEYS
  valueFrom:
    {{- toYaml .valueFrom | nindent 4 }}
{{- end -}}
{{- end -}}
{{- end -}}
