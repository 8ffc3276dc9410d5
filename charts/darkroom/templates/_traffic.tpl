{{/* What a component lets in and where it may go: dict root, component, own. */}}

{{- define "darkroom.ingressRules" -}}
{{- $v := .root.Values -}}
{{- $np := $v.networkPolicy -}}
{{- $door := has .component (list "all" "receiver") -}}
{{- $api := has .component (list "all" "api") -}}
{{- $exposed := or (and $v.ingress.enabled $v.ingress.api.enabled) (and $v.gateway.enabled $v.gateway.api.enabled) -}}
{{- if or $door (and $api $exposed) -}}
{{- include "darkroom.rule" (dict "side" "from" "peers" $np.gateway.from "ports" (list 8080)) -}}
{{- end -}}
{{- if $api -}}
{{- include "darkroom.rule" (dict "side" "from" "peers" $np.clients.from "ports" (list 8080)) -}}
{{- end -}}
{{- $ours := list -}}
{{- if and $v.tests.enabled (or $door $api) }}{{ $ours = append $ours "test" }}{{ end -}}
{{- if and $v.standIn.enabled $door }}{{ $ours = append $ours "stand-in" }}{{ end -}}
{{- if $ours -}}
{{- include "darkroom.rule" (dict "side" "from" "peers" (include "darkroom.podPeers" (dict "root" .root "components" $ours)) "ports" (list 8080)) -}}
{{- end -}}
{{- include "darkroom.rule" (dict "side" "from" "peers" $np.monitoring.from "ports" (list 9090)) -}}
{{- with concat $np.extraIngress .own.networkPolicy.extraIngress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "darkroom.egressRules" -}}
{{- $v := .root.Values -}}
{{- $np := $v.networkPolicy -}}
{{- $scaled := eq $v.shape "scaled" -}}
{{- $fetches := has .component (list "all" "archiver") -}}
{{- $asks := or (has .component (list "all" "reconciler")) (include "darkroom.submits" .) -}}
{{- $tells := include "darkroom.tells" . -}}
{{- $stores := and (has .component (list "all" "archiver" "api")) (regexMatch "^(s3|gs|az)://" $v.settings.storage.url) -}}
{{- $public := include "darkroom.publicPeers" .root -}}
{{- include "darkroom.dnsRule" .root -}}
{{- if $scaled }}{{ include "darkroom.databaseRule" .root }}{{ end -}}
{{- if $stores -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" ($np.store.to | default $public) "ports" $np.store.ports) -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" $np.workloadIdentity.to "ports" $np.workloadIdentity.ports) -}}
{{- end -}}
{{- if and $fetches (not $v.standIn.enabled) -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" $public "ports" (list 443)) -}}
{{- end -}}
{{- if $tells -}}
{{- /* The stand-in has no clients elsewhere; endpoints that were named are told all the same. */ -}}
{{- $anybody := or (not $v.standIn.enabled) (include "darkroom.hasEndpoints" .root) -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" ($np.notify.to | default (empty $anybody | ternary "" $public)) "ports" $np.notify.ports) -}}
{{- end -}}
{{- $trusted := list -}}
{{- range concat ($fetches | ternary $v.settings.download.trustedNetworks list) (empty $tells | ternary list $v.settings.notify.trustedNetworks) | uniq }}{{ $trusted = append $trusted (dict "ipBlock" (dict "cidr" .)) }}{{ end -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" $trusted) -}}
{{- $proxy := $v.settings.download.proxy -}}
{{- if and (or $fetches $tells) (or $proxy.value $proxy.existingSecret) -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" $np.proxy.to "ports" $np.proxy.ports) -}}
{{- end -}}
{{- if and $asks (not $v.standIn.enabled) -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" ($np.provider.to | default $public) "ports" $np.provider.ports) -}}
{{- end -}}
{{- if and $v.standIn.enabled (or $fetches $asks) -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" (include "darkroom.podPeers" (dict "root" .root "components" (list "stand-in"))) "ports" (list 8443)) -}}
{{- end -}}
{{- if $v.settings.traces.endpoint -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" $np.traces.to "ports" $np.traces.ports) -}}
{{- end -}}
{{- with concat $np.extraEgress .own.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
