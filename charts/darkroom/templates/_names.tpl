{{/* Names and labels. Selectors never change with a version: those of a Deployment are immutable. */}}

{{- define "darkroom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Kept to 40 characters, so that the longest suffix fits into a name of 63. */}}
{{- define "darkroom.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride | default (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) -}}
{{- $full | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "darkroom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "darkroom.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "darkroom.labels" -}}
{{- include "darkroom.mergedLabels" (dict "root" .) -}}
{{- end -}}

{{/* One map, as no label may be there twice: dict root, and component, labels where there are any. What is selected by stays the chart's. */}}
{{- define "darkroom.mergedLabels" -}}
{{- $version := .root.Values.image.tag | default .root.Chart.AppVersion | trunc 63 | trimAll "-_." -}}
{{- $usual := dict "app.kubernetes.io/version" $version "app.kubernetes.io/part-of" (include "darkroom.name" .root) -}}
{{- $given := omit (mergeOverwrite $usual .root.Values.commonLabels (.labels | default dict)) "app.kubernetes.io/component" -}}
{{- $chart := printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $fixed := dict "helm.sh/chart" $chart "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- with .component }}{{ $_ := set $fixed "app.kubernetes.io/component" . }}{{ end -}}
{{- toYaml (mergeOverwrite $given (include "darkroom.selectorLabels" .root | fromYaml) $fixed) -}}
{{- end -}}

{{/* The metadata of an object: dict root, name, and component, annotations, labels where there are any. */}}
{{- define "darkroom.metadata" -}}
{{- $annotations := mergeOverwrite (dict) (.root.Values.commonAnnotations | default dict) (.annotations | default dict) -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "darkroom.mergedLabels" . | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The components that run in this shape, as a JSON list. */}}
{{- define "darkroom.components" -}}
{{- eq .Values.shape "single" | ternary (list "all") (list "receiver" "archiver" "reconciler" "api") | toJson -}}
{{- end -}}

{{/* The name of what belongs to a component: dict root, component. The only pod of the shape single has the bare name. */}}
{{- define "darkroom.componentName" -}}
{{- $name := include "darkroom.fullname" .root -}}
{{- eq .component "all" | ternary $name (printf "%s-%s" $name .component) -}}
{{- end -}}

{{/* The ServiceAccount of a component: dict root, component. */}}
{{- define "darkroom.serviceAccountName" -}}
{{- if .root.Values.serviceAccount.create -}}
{{- include "darkroom.componentName" . -}}
{{- else -}}
{{- .root.Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.image" -}}
{{- $name := list .Values.image.registry .Values.image.repository | compact | join "/" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The Service that callbacks reach, and the one of the API. */}}
{{- define "darkroom.receiverService" -}}
{{- include "darkroom.componentName" (dict "root" . "component" (eq .Values.shape "single" | ternary "all" "receiver")) -}}
{{- end -}}

{{- define "darkroom.apiService" -}}
{{- include "darkroom.componentName" (dict "root" . "component" (eq .Values.shape "single" | ternary "all" "api")) -}}
{{- end -}}

{{/* How a Service is reached inside the cluster: dict root, service. */}}
{{- define "darkroom.serviceUrl" -}}
{{- $service := .root.Values.service -}}
{{- $scheme := empty $service.tls.existingSecret | ternary "http" "https" -}}
{{- $port := eq (int $service.port) (empty $service.tls.existingSecret | ternary 80 443) | ternary "" (printf ":%d" (int $service.port)) -}}
{{- printf "%s://%s.%s.svc%s" $scheme .service .root.Release.Namespace $port -}}
{{- end -}}

{{- define "darkroom.standInHost" -}}
{{- printf "%s-stand-in.%s.svc" (include "darkroom.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* Where the service is reached from outside: as told, or as the gateway or ingress has it; empty when neither says. */}}
{{- define "darkroom.publicUrl" -}}
{{- $v := .Values -}}
{{- if $v.settings.publicUrl -}}
{{- $v.settings.publicUrl -}}
{{- else if and $v.gateway.enabled $v.gateway.host -}}
{{- printf "%s://%s" $v.gateway.scheme $v.gateway.host -}}
{{- else if and $v.ingress.enabled $v.ingress.host -}}
{{- printf "%s://%s" ($v.ingress.tls.enabled | ternary "https" "http") $v.ingress.host -}}
{{- else if $v.standIn.enabled -}}
{{- include "darkroom.serviceUrl" (dict "root" . "service" (include "darkroom.receiverService" .)) -}}
{{- end -}}
{{- end -}}

{{/* Where links to images lead that begin with the public URL, if the API has a host of its own and they are published: dict root, road. */}}
{{- define "darkroom.linksService" -}}
{{- $api := .road.api -}}
{{- if and $api.enabled (ne ($api.host | default .road.host) .road.host) (has "/a" $api.paths) -}}
{{- include "darkroom.apiService" .root -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.migrateName" -}}
{{- include "darkroom.fullname" . -}}-migrate
{{- end -}}

{{- define "darkroom.ipFamilies" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
