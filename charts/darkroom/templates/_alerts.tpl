{{- /* Every alert, by what is at stake: a group, a file and a chapter of docs/alerts.md each. `namespace` and `job` stay on each, so
       that it can be routed. Gauges of what waits are the same in every process and are never summed (max, min); counters are
       summed after increase(), which survives restarts. Metrics of what has to be looked up are absent where nobody can look: an
       alert about them is silent then, and DarkroomFiguresMissing speaks. */ -}}
{{- define "darkroom.alerts" -}}
groups:
  - name: loss
    rules:
      {{- include "darkroom.alerts-loss" . | nindent 6 }}
  - name: callbacks
    rules:
      {{- include "darkroom.alerts-callbacks" . | nindent 6 }}
  - name: provider
    rules:
      {{- include "darkroom.alerts-provider" . | nindent 6 }}
  - name: submissions
    rules:
      {{- include "darkroom.alerts-submissions" . | nindent 6 }}
  - name: events
    rules:
      {{- include "darkroom.alerts-events" . | nindent 6 }}
  - name: processes
    rules:
      {{- include "darkroom.alerts-processes" . | nindent 6 }}
{{- end -}}

{{- /* The labels of this release. */ -}}
{{- define "darkroom.ours" -}}
{{- printf `job="%s-metrics",namespace="%s"` (include "darkroom.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- /* How much a counter grew in a window: dict of (its selector), within. `increase` needs a sample to begin with, so what a
       process counted before its first scrape would be missed: a series that is new counts as a whole. It is new when the six
       hours before the window had none, lest old counts come up again after an hour in which nothing was scraped. */ -}}
{{- define "darkroom.grown" -}}
(max_over_time({{ .of }}[{{ .within }}]) unless max_over_time({{ .of }}[6h] offset {{ .within }})) or increase({{ .of }}[{{ .within }}])
{{- end -}}

{{- /* Where commands run: dict root, component. All of them in the only pod of the shape single. */ -}}
{{- define "darkroom.runIn" -}}
{{- $component := eq .root.Values.shape "single" | ternary "all" .component -}}
kubectl -n {{ .root.Release.Namespace }} exec deploy/{{ include "darkroom.componentName" (dict "root" .root "component" $component) }} -- darkroom
{{- end -}}

{{- define "darkroom.asking" -}}
{{- include "darkroom.runIn" (dict "root" . "component" "reconciler") -}}
{{- end -}}

{{- define "darkroom.serving" -}}
{{- include "darkroom.runIn" (dict "root" . "component" "api") -}}
{{- end -}}
