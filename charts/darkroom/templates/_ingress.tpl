{{/* What gets a certificate from cert-manager: dict clusterIssuer, issuer; annotations as YAML. */}}
{{- define "darkroom.issuer" -}}
{{- with .clusterIssuer }}
cert-manager.io/cluster-issuer: {{ . }}
{{- end }}
{{- with .issuer }}
cert-manager.io/issuer: {{ . }}
{{- end }}
{{- end -}}

{{/* The Secret of the certificate of a host: as told, or where cert-manager puts it: dict root, told, of (issuer fields), name. */}}
{{- define "darkroom.certificateSecret" -}}
{{- if .told -}}
{{- .told -}}
{{- else if or .of.clusterIssuer .of.issuer -}}
{{- printf "%s-tls" .name -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.ingressSecret" -}}
{{- $i := .Values.ingress -}}
{{- include "darkroom.certificateSecret" (dict "told" $i.tls.secretName "of" $i.certManager "name" (include "darkroom.fullname" .)) -}}
{{- end -}}

{{/* On the same host both Ingresses share one certificate. */}}
{{- define "darkroom.ingressApiSecret" -}}
{{- $i := .Values.ingress -}}
{{- if and (not $i.api.secretName) (eq ($i.api.host | default $i.host) $i.host) -}}
{{- include "darkroom.ingressSecret" . -}}
{{- else -}}
{{- include "darkroom.certificateSecret" (dict "told" $i.api.secretName "of" $i.certManager "name" (printf "%s-api" (include "darkroom.fullname" .))) -}}
{{- end -}}
{{- end -}}

{{/*
An Ingress: dict root, name, component, host, annotations, secretName, paths, service, and links: the service that signed
links (`/a`) lead to, where they are not among the paths. Where two share a certificate only one asks cert-manager for it, as
a Certificate has one owner.
*/}}
{{- define "darkroom.ingress" -}}
{{- $i := .root.Values.ingress -}}
{{- $shared := and (eq .component "api") (eq .secretName (include "darkroom.ingressSecret" .root)) -}}
{{- $issuer := $shared | ternary dict (include "darkroom.issuer" $i.certManager | fromYaml) -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "darkroom.metadata" (dict "root" .root "name" .name "component" .component "annotations" (mergeOverwrite (deepCopy $issuer) .annotations) "labels" $i.labels) | nindent 2 }}
spec:
  {{- with $i.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if $i.tls.enabled }}
  tls:
    - hosts:
        - {{ .host | quote }}
      {{- with .secretName }}
      secretName: {{ . }}
      {{- end }}
  {{- end }}
  rules:
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range $path := concat .paths (empty .links | ternary list (list "/a")) }}
          - path: {{ $path }}
            pathType: Prefix
            backend:
              service:
                name: {{ has $path $.paths | ternary $.service $.links }}
                port:
                  number: {{ $.root.Values.service.port }}
          {{- end }}
{{- end -}}
