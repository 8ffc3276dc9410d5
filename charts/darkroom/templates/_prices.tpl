{{/* Price lists in place of the built-in ones, as a file in every pod of the service: each adds up or estimates, or may be asked to. */}}

{{/* The ConfigMap that has them; empty when there is none. */}}
{{- define "darkroom.priceMap" -}}
{{- if .Values.priceLists.existingConfigMap -}}
{{- .Values.priceLists.existingConfigMap -}}
{{- else if .Values.priceLists.value -}}
{{- printf "%s-prices" (include "darkroom.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.priceFile" -}}
{{- if include "darkroom.priceMap" . -}}
{{- printf "/prices/%s" .Values.priceLists.key -}}
{{- else -}}
{{- .Values.settings.cost.prices -}}
{{- end -}}
{{- end -}}

{{/* What the chart's own ConfigMap holds: empty where that is not needed. */}}
{{- define "darkroom.priceText" -}}
{{- with .Values.priceLists.value -}}
{{- kindIs "string" . | ternary . (toPrettyJson .) -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.priceMounts" -}}
{{- if include "darkroom.priceMap" . }}
- name: prices
  mountPath: /prices
  readOnly: true
{{- end }}
{{- end -}}

{{- define "darkroom.priceVolumes" -}}
{{- with include "darkroom.priceMap" . }}
- name: prices
  configMap:
    name: {{ . }}
{{- end }}
{{- end -}}
