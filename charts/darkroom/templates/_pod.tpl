{{/* The pod of a component. All take dict root, component, own: the component's block of values. */}}

{{/* The fields of a pod that all pods of the chart have, also the job's, the test's and the stand-in's. */}}
{{- define "darkroom.podBasics" -}}
{{- $v := .root.Values -}}
{{- $own := .own | default dict -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $v.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $v.podSecurityContext | nindent 2 }}
{{- with $own.priorityClassName | default $v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $v.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with $v.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with $v.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with $v.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.nodeSelector | default $v.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity | default $v.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations | default $v.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Labels of a pod; `marks` are labels of the chart's own, beside those of selectors. */}}
{{- define "darkroom.podLabels" -}}
{{- $own := .own | default dict -}}
{{- $given := mergeOverwrite (dict) (deepCopy .root.Values.commonLabels) (deepCopy .root.Values.podLabels) ($own.podLabels | default dict) -}}
{{- $fixed := dict "app.kubernetes.io/component" .component "app.kubernetes.io/version" (.root.Values.image.tag | default .root.Chart.AppVersion | trunc 63 | trimAll "-_.") -}}
{{- $fixed = merge (include "darkroom.selectorLabels" .root | fromYaml) (.marks | default dict) $fixed -}}
{{- toYaml (merge $fixed $given) -}}
{{- end -}}

{{/* Spread over nodes and zones, as far as there are any; pods of an older ReplicaSet do not count. */}}
{{- define "darkroom.spread" -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "darkroom.selectorLabels" $.root | nindent 6 }}
      app.kubernetes.io/component: {{ $.component }}
  matchLabelKeys:
    - pod-template-hash
{{- end }}
{{- end -}}

{{- define "darkroom.probe" -}}
httpGet:
  path: {{ .path }}
  port: metrics
{{ toYaml .of }}
{{- end -}}

{{- define "darkroom.container" -}}
{{- $v := .root.Values -}}
name: darkroom
image: {{ include "darkroom.image" .root }}
imagePullPolicy: {{ $v.image.pullPolicy }}
{{- if $v.maintenance }}
command: ["/bin/sh", "-c", "trap 'kill $!; exit 0' TERM; sleep infinity & wait"]
{{- else }}
args:
  - serve
{{- end }}
envFrom:
  - configMapRef:
      name: {{ include "darkroom.fullname" .root }}
  {{- with concat $v.extraEnvFrom .own.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  {{- include "darkroom.decided" . | nindent 2 }}
  {{- with include "darkroom.secretEnv" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with concat $v.extraEnv .own.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: http
    containerPort: 8080
    protocol: TCP
  - name: metrics
    containerPort: 9090
    protocol: TCP
{{- if not $v.maintenance }}
startupProbe:
  {{- include "darkroom.probe" (dict "path" "/livez" "of" $v.probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "darkroom.probe" (dict "path" "/livez" "of" $v.probes.liveness) | nindent 2 }}
{{- end }}
readinessProbe:
  {{- include "darkroom.probe" (dict "path" "/readyz" "of" $v.probes.readiness) | nindent 2 }}
lifecycle:
  preStop:
    exec:
      command: ["/bin/sleep", {{ $v.shutdown.preStopSeconds | int | quote }}]
resources:
  {{- if and (eq .component "all") (not $v.persistence.enabled) }}
  {{- /* Images are on the node's disk then, up to persistence.size: a lower limit would evict the pod, and them with it. */ -}}
  {{- toYaml (set (deepCopy .own.resources) "limits" (omit (.own.resources.limits | default dict) "ephemeral-storage")) | nindent 2 }}
  {{- else }}
  {{- toYaml .own.resources | nindent 2 }}
  {{- end }}
securityContext:
  {{- toYaml $v.containerSecurityContext | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
  {{- with print (include "darkroom.trustMounts" .root) (include "darkroom.priceMounts" .root) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if and $v.service.tls.existingSecret (has .component (list "all" "receiver" "api")) }}
  - name: tls
    mountPath: /tls
    readOnly: true
  {{- end }}
  {{- with concat $v.extraVolumeMounts .own.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Volumes of a pod of the service. */}}
{{- define "darkroom.volumes" -}}
{{- $v := .root.Values -}}
- name: data
  {{- if and (eq .component "all") $v.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ $v.persistence.existingClaim | default (include "darkroom.fullname" .root) }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ eq .component "archiver" | ternary .own.stagingSize (eq .component "all" | ternary $v.persistence.size "16Mi") }}
  {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- include "darkroom.trustVolumes" .root }}
{{- include "darkroom.priceVolumes" .root }}
{{- if and $v.service.tls.existingSecret (has .component (list "all" "receiver" "api")) }}
- name: tls
  secret:
    secretName: {{ $v.service.tls.existingSecret }}
{{- end }}
{{- with concat $v.extraVolumes .own.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
