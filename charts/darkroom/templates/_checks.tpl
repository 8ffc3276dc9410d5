{{/* What cannot work, and what to set instead. What a value may look like is values.schema.json's business. */}}

{{- define "darkroom.checks" -}}
{{- include "darkroom.checkNames" . -}}
{{- include "darkroom.checkSecrets" . -}}
{{- include (printf "darkroom.check-%s" .Values.shape) . -}}
{{- include "darkroom.checkTrust" . -}}
{{- include "darkroom.checkSpending" . -}}
{{- include "darkroom.checkRoads" . -}}
{{- include "darkroom.checkService" .Values.service -}}
{{- include "darkroom.checkStandIn" . -}}
{{- end -}}

{{- define "darkroom.checkNames" -}}
{{- $v := .Values -}}
{{- $name := include "darkroom.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "%s cannot be the name of a Service, which begins with a letter and has no dots: name the release otherwise, or set fullnameOverride" $name) -}}
{{- end -}}
{{- if and $v.serviceAccount.create $v.serviceAccount.name -}}
{{- fail "serviceAccount.name is an account that exists already: set serviceAccount.create: false beside it, or leave the name empty" -}}
{{- end -}}
{{- if include "darkroom.secretData" . | trim -}}
{{- $given := dict "service.tls" $v.service.tls.existingSecret "trustedCa" $v.trustedCa.existingSecret "tests" $v.tests.existingSecret -}}
{{- range include "darkroom.secretTable" . | fromJsonArray -}}
{{- $_ := set $given (printf "settings.%s" .setting) .given.existingSecret -}}
{{- end -}}
{{- range $setting, $secret := $given -}}
{{- if eq ($secret | default "") $name -}}
{{- fail (printf "%s.existingSecret: %s is the name of the Secret that the chart makes for itself: give yours another one" $setting $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkService" -}}
{{- $balanced := eq .type "LoadBalancer" -}}
{{- range $name, $known := dict
  "nodePort" (ne .type "ClusterIP") "externalTrafficPolicy" (ne .type "ClusterIP") "loadBalancerClass" $balanced "loadBalancerSourceRanges" $balanced -}}
{{- if and (index $ $name) (not $known) -}}
{{- fail (printf "service.%s: a Service of type %s has none: set service.type: %s, or leave it out" $name $.type (hasPrefix "load" $name | ternary "LoadBalancer" "NodePort or LoadBalancer")) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkSecrets" -}}
{{- range include "darkroom.secretTable" . | fromJsonArray -}}
{{- if and .given.value .given.existingSecret -}}
{{- fail (printf "settings.%s has a value and an existingSecret: give one of them" .setting) -}}
{{- end -}}
{{- end -}}
{{- if and (has (include "darkroom.confirmMode" .) (list "preferred" "required")) (not (include "darkroom.hasProviderKey" .)) -}}
{{- fail (printf "settings.confirm.mode: %s needs the provider's key: set settings.evolink.apiKey, or leave the mode empty" .Values.settings.confirm.mode) -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.check-single" -}}
{{- $v := .Values -}}
{{- if or $v.settings.databaseUrl.value $v.settings.databaseUrl.existingSecret -}}
{{- fail "settings.databaseUrl: the shape single keeps SQLite on its volume; for PostgreSQL set shape: scaled" -}}
{{- end -}}
{{- range list "receiver" "archiver" "reconciler" "api" -}}
{{- if (index $v .).autoscaling.enabled -}}
{{- fail (printf "%s.autoscaling: the shape single is exactly one pod; for more set shape: scaled" .) -}}
{{- end -}}
{{- end -}}
{{- if not $v.api.submissions.enabled -}}
{{- fail "api.submissions.enabled: the one pod of the shape single has the provider's key for all that it does: leave it on, and give the scope write to nobody who shall not submit" -}}
{{- end -}}
{{- if $v.archiver.keda.enabled -}}
{{- fail "archiver.keda: the shape single is exactly one pod; for more set shape: scaled" -}}
{{- end -}}
{{- if and $v.persistence.existingClaim $v.persistence.dataSource -}}
{{- fail "persistence.dataSource is for a claim that the chart makes: leave it out, or persistence.existingClaim" -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.check-scaled" -}}
{{- $v := .Values -}}
{{- $database := $v.settings.databaseUrl -}}
{{- if not (or $database.value $database.existingSecret) -}}
{{- fail "settings.databaseUrl: the shape scaled needs PostgreSQL: set existingSecret, or value as postgresql://user:password@host/database" -}}
{{- end -}}
{{- if and $database.value (not (regexMatch "^postgres(ql)?(\\+asyncpg)?://" $database.value)) -}}
{{- fail "settings.databaseUrl.value: the shape scaled needs PostgreSQL, as postgresql://user:password@host/database" -}}
{{- end -}}
{{- if not (regexMatch "^(s3|gs|az)://" $v.settings.storage.url) -}}
{{- fail "settings.storage.url: the shape scaled needs a bucket: set s3://bucket/prefix, gs://bucket/prefix or az://container/prefix" -}}
{{- end -}}
{{- if $v.persistence.existingClaim -}}
{{- fail "persistence.existingClaim: the shape scaled keeps nothing on volumes: its images are in settings.storage.url" -}}
{{- end -}}
{{- if and $v.archiver.autoscaling.enabled $v.archiver.keda.enabled -}}
{{- fail "archiver.autoscaling and archiver.keda: two autoscalers of the same pods work against each other: enable one of them" -}}
{{- end -}}
{{- if and $v.archiver.keda.enabled (not $v.archiver.keda.serverAddress) -}}
{{- fail "archiver.keda.serverAddress: say where Prometheus answers, as http://prometheus-operated.monitoring.svc:9090" -}}
{{- end -}}
{{- include "darkroom.checkCounts" (dict "name" "archiver.keda" "of" $v.archiver.keda) -}}
{{- range list "receiver" "archiver" "reconciler" "api" -}}
{{- $own := index $v . -}}
{{- include "darkroom.checkCounts" (dict "name" (printf "%s.autoscaling" .) "of" $own.autoscaling) -}}
{{- $budget := $own.podDisruptionBudget -}}
{{- if and (include "darkroom.text" $budget.minAvailable) (include "darkroom.text" $budget.maxUnavailable) -}}
{{- fail (printf "%s.podDisruptionBudget: set one of minAvailable and maxUnavailable" .) -}}
{{- end -}}
{{- include "darkroom.checkBudget" (dict "name" . "of" $budget "least" (include "darkroom.leastReplicas" (dict "component" . "own" $own) | int)) -}}
{{- if and $own.autoscaling.enabled (not (or $own.autoscaling.targetCPUUtilizationPercentage $own.autoscaling.targetMemoryUtilizationPercentage $own.autoscaling.metrics)) -}}
{{- fail (printf "%s.autoscaling: say by what: set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkCounts" -}}
{{- if gt (int .of.minReplicas) (int .of.maxReplicas) -}}
{{- fail (printf "%s: minReplicas is above maxReplicas" .name) -}}
{{- end -}}
{{- end -}}

{{/* A budget that lets no pod go keeps its nodes from being drained for ever; shares are rounded up, as Kubernetes does it. */}}
{{- define "darkroom.checkBudget" -}}
{{- $stay := include "darkroom.text" .of.minAvailable -}}
{{- $least := hasSuffix "%" $stay | ternary (divf (mulf (trimSuffix "%" $stay | float64) .least) 100 | ceil | int) (int $stay) -}}
{{- if and .of.enabled (gt .least 1) (or (regexMatch "^0+%?$" (include "darkroom.text" .of.maxUnavailable)) (ge $least .least)) -}}
{{- fail (printf "%s.podDisruptionBudget: none of its %d pods could ever leave its node: let fewer stay, or more be away" .name .least) -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkTrust" -}}
{{- $v := .Values -}}
{{- if gt (len (compact (list $v.trustedCa.existingConfigMap $v.trustedCa.existingSecret $v.settings.tls.caFile))) 1 -}}
{{- fail "trustedCa.existingConfigMap, trustedCa.existingSecret and settings.tls.caFile each name the one file of trusted certificates: set one of them" -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (or $v.settings.download.proxy.value $v.settings.download.proxy.existingSecret) (not $v.networkPolicy.proxy.to) -}}
{{- fail "networkPolicy.proxy.to: say where settings.download.proxy is, as a network policy knows no names" -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkSpending" -}}
{{- $v := .Values -}}
{{- if gt (len (compact (list (include "darkroom.priceText" .) $v.priceLists.existingConfigMap $v.settings.cost.prices))) 1 -}}
{{- fail "priceLists.value, priceLists.existingConfigMap and settings.cost.prices each name the one file of price lists: set one of them" -}}
{{- end -}}
{{- range $setting, $named := dict "settings.cost.budgets" $v.settings.cost.budgets "settings.retention.rules" $v.settings.retention.rules "settings.notify.endpoints" $v.settings.notify.endpoints.value -}}
{{- if kindIs "slice" $named -}}
{{- $names := list -}}
{{- range $named }}{{ $names = append $names .name }}{{ end -}}
{{- if ne (len $names) (len (uniq $names)) -}}
{{- fail (printf "%s: two have the same name" $setting) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $v.settings.cost.budgets -}}
{{- if and (hasKey . "warn_usd") (hasKey . "stop_usd") -}}
{{- if gt (float64 .warn_usd) (float64 .stop_usd) -}}
{{- fail (printf "settings.cost.budgets: warn_usd of %s is above stop_usd, so nobody would be warned" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkRoads" -}}
{{- $v := .Values -}}
{{- range list "ingress" "gateway" -}}
{{- $road := index $v . -}}
{{- if and $road.enabled (not $road.host) -}}
{{- fail (printf "%s.host: set the public host name, as callback URLs begin with it" .) -}}
{{- end -}}
{{- if and $road.api.enabled (not $road.enabled) -}}
{{- fail (printf "%s.api.enabled needs %s.enabled: without it the provider cannot call back" . .) -}}
{{- end -}}
{{- end -}}
{{- range list (dict "name" "ingress" "of" $v.ingress.certManager) (dict "name" "gateway.create" "of" $v.gateway.create.certManager) -}}
{{- if and .of.clusterIssuer .of.issuer -}}
{{- fail (printf "%s.certManager: set one of clusterIssuer and issuer" .name) -}}
{{- end -}}
{{- end -}}
{{- if and (or $v.ingress.certManager.clusterIssuer $v.ingress.certManager.issuer) (not $v.ingress.tls.enabled) -}}
{{- fail "ingress.certManager needs ingress.tls.enabled: a certificate without TLS is of no use" -}}
{{- end -}}
{{- range $annotation, $to := $v.ingress.annotations -}}
{{- if regexMatch "/(permanent|temporal|from-to-www)-redirect$|/app-root$" $annotation -}}
{{- fail (printf "ingress.annotations: %s is a redirect: the provider follows none, so the callback is lost" $annotation) -}}
{{- end -}}
{{- end -}}
{{- if $v.gateway.enabled }}{{ include "darkroom.checkGateway" $v.gateway }}{{ end -}}
{{- $public := or $v.ingress.enabled $v.gateway.enabled (ne $v.service.type "ClusterIP") -}}
{{- if and $public $v.networkPolicy.enabled (not $v.networkPolicy.gateway.from) -}}
{{- fail "networkPolicy.gateway.from: say where callbacks come from, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}], or [{ipBlock: {cidr: 0.0.0.0/0}}] for a load balancer" -}}
{{- end -}}
{{- end -}}

{{- define "darkroom.checkGateway" -}}
{{- if not (or .parentRefs .create.enabled) -}}
{{- fail "gateway.parentRefs: name the Gateway that the route attaches to, or set gateway.create.enabled" -}}
{{- end -}}
{{- if .create.enabled -}}
{{- if not .create.className -}}
{{- fail "gateway.create.className: name the class of the Gateway" -}}
{{- end -}}
{{- if eq .scheme "http" -}}
{{- fail "gateway.scheme: the chart's own Gateway serves HTTPS; http is for parentRefs that do not" -}}
{{- end -}}
{{- $issued := or .create.certManager.clusterIssuer .create.certManager.issuer -}}
{{- $other := and .api.enabled (ne (.api.host | default .host) .host) -}}
{{- if not (or $issued (and .create.secretName (or .create.apiSecretName (not $other)))) -}}
{{- fail "gateway.create: name the Secret of each host's certificate in secretName (and apiSecretName), or an issuer in certManager" -}}
{{- end -}}
{{- end -}}
{{- range .filters -}}
{{- if eq .type "RequestRedirect" -}}
{{- fail "gateway.filters: a redirect on the callback path loses the callback: the provider does not follow it" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Beside the stand-in nothing may point at the real provider: its tasks would be asked of a toy, and lost. */}}
{{- define "darkroom.checkStandIn" -}}
{{- $v := .Values -}}
{{- if $v.standIn.enabled -}}
{{- $e := $v.settings.evolink -}}
{{- range $name, $given := dict
  "settings.evolink.apiKey" (or $e.apiKey.value $e.apiKey.existingSecret) "settings.evolink.apiUrl" $e.apiUrl
  "settings.download.allowedHosts" $v.settings.download.allowedHosts
  "settings.download.trustedNetworks" $v.settings.download.trustedNetworks
  "settings.download.proxy" (or $v.settings.download.proxy.value $v.settings.download.proxy.existingSecret)
  "settings.tls.caFile" $v.settings.tls.caFile "trustedCa" (or $v.trustedCa.existingConfigMap $v.trustedCa.existingSecret)
  "service.tls.existingSecret" $v.service.tls.existingSecret -}}
{{- if $given -}}
{{- fail (printf "standIn.enabled is for trials only, and takes the place of the provider: leave %s empty beside it, or switch it off" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
