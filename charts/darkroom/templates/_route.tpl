{{/*
An HTTPRoute: dict root, name, component, host, paths, filters, listener (of the chart's own Gateway), service, and links: the
service that signed links (`/a`) lead to, where they are not among the paths.
*/}}
{{- define "darkroom.route" -}}
{{- $g := .root.Values.gateway -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "darkroom.metadata" (dict "root" .root "name" .name "component" .component "annotations" $g.annotations "labels" $g.labels) | nindent 2 }}
spec:
  parentRefs:
    {{- if $g.create.enabled }}
    - name: {{ include "darkroom.fullname" .root }}
      sectionName: {{ .listener }}
    {{- end }}
    {{- with $g.parentRefs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  hostnames:
    - {{ .host | quote }}
  rules:
    - matches:
        {{- range .paths }}
        - path:
            type: PathPrefix
            value: {{ . }}
        {{- end }}
      {{- with .filters }}
      filters:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      backendRefs:
        - name: {{ .service }}
          port: {{ .root.Values.service.port }}
    {{- with .links }}
    - matches:
        - path:
            type: PathPrefix
            value: /a
      {{- with $g.api.filters }}
      filters:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      backendRefs:
        - name: {{ . }}
          port: {{ $.root.Values.service.port }}
    {{- end }}
{{- end -}}
