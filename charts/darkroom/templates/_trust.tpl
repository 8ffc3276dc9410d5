{{/* Certificates that outgoing TLS trusts, as volumes and mounts. */}}

{{/* The file of the operator's own; the stand-in brings another one, which is not there before the first install. */}}
{{- define "darkroom.caFile" -}}
{{- if or .Values.trustedCa.existingConfigMap .Values.trustedCa.existingSecret -}}
{{- printf "/trusted-ca/%s" .Values.trustedCa.key -}}
{{- else -}}
{{- .Values.settings.tls.caFile -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.trustedCaMount" -}}
{{- if or .Values.trustedCa.existingConfigMap .Values.trustedCa.existingSecret }}
- name: trusted-ca
  mountPath: /trusted-ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "darkroom.trustedCaVolume" -}}
{{- with .Values.trustedCa.existingConfigMap }}
- name: trusted-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.trustedCa.existingSecret }}
- name: trusted-ca
  secret:
    secretName: {{ . }}
{{- end }}
{{- end -}}

{{- define "darkroom.trustMounts" -}}
{{- include "darkroom.trustedCaMount" . }}
{{- if .Values.standIn.enabled }}
- name: stand-in-ca
  mountPath: /stand-in
  readOnly: true
{{- end }}
{{- end -}}

{{- define "darkroom.trustVolumes" -}}
{{- include "darkroom.trustedCaVolume" . }}
{{- if .Values.standIn.enabled }}
- name: stand-in-ca
  secret:
    secretName: {{ include "darkroom.fullname" . }}-stand-in
    items:
      - key: ca.crt
        path: ca.crt
{{- end }}
{{- end -}}
