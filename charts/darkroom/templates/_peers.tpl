{{/* Who may be reached, for network policies. */}}

{{/* IPv4 networks that are not public, as service/outbound/address_policy.py has them, and the operator's own. */}}
{{- define "darkroom.notPublic4" -}}
- 0.0.0.0/8
- 10.0.0.0/8
- 100.64.0.0/10
- 127.0.0.0/8
- 168.63.129.16/32
- 169.254.0.0/16
- 172.16.0.0/12
- 192.0.0.0/24
- 192.0.2.0/24
- 192.31.196.0/24
- 192.52.193.0/24
- 192.88.99.0/24
- 192.168.0.0/16
- 192.175.48.0/24
- 198.18.0.0/15
- 198.51.100.0/24
- 203.0.113.0/24
- 224.0.0.0/4
- 240.0.0.0/4
{{- range .Values.networkPolicy.except }}
{{- if not (contains ":" .) }}
- {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The same within 2000::/3. What lies outside is never let through: ULA, link-local, multicast, NAT64, mapped forms. */}}
{{- define "darkroom.notPublic6" -}}
- 2001::/23
- 2001:db8::/32
- 2002::/16
- 2620:4f:8000::/48
- 3ffe::/16
- 3fff::/20
{{- range .Values.networkPolicy.except }}
{{- if and (contains ":" .) (regexMatch "^[23]" .) }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Public addresses. */}}
{{- define "darkroom.publicPeers" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      {{- include "darkroom.notPublic4" . | nindent 6 }}
- ipBlock:
    cidr: 2000::/3
    except:
      {{- include "darkroom.notPublic6" . | nindent 6 }}
{{- end -}}

{{/* Any address but those where clouds keep their metadata, and link-local ones; and pods, which some plugins (Cilium) know by no address. */}}
{{- define "darkroom.anyPeers" -}}
- namespaceSelector: {}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      - 100.100.100.200/32
      - 168.63.129.16/32
      - 169.254.0.0/16
      - 192.0.0.192/32
- ipBlock:
    cidr: ::/0
    except:
      - 64:ff9b::/96
      - fd00:ec2::254/128
      - fd20:ce::254/128
      - fe80::/10
{{- end -}}

{{/* Pods of this release: dict root, components. */}}
{{- define "darkroom.podPeers" -}}
- podSelector:
    matchLabels:
      {{- include "darkroom.selectorLabels" .root | nindent 6 }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values:
          {{- toYaml .components | nindent 10 }}
{{- end -}}

{{/* TCP ports: a list of numbers. */}}
{{- define "darkroom.tcp" -}}
{{- range . }}
- protocol: TCP
  port: {{ . }}
{{- end }}
{{- end -}}

{{/* One rule: dict side (to or from), peers as YAML or a list, ports. Without peers there is no rule: an empty list would mean anybody. */}}
{{- define "darkroom.rule" -}}
{{- if .peers }}
- {{ .side }}:
    {{- kindIs "string" .peers | ternary .peers (toYaml .peers) | nindent 4 }}
  {{- with .ports }}
  ports:
    {{- include "darkroom.tcp" . | trim | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "darkroom.dnsRule" -}}
{{- with .Values.networkPolicy.dns }}
- to:
    {{- toYaml .to | nindent 4 }}
  ports:
    {{- range .ports }}
    - protocol: UDP
      port: {{ . }}
    - protocol: TCP
      port: {{ . }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "darkroom.databaseRule" -}}
{{- $database := .Values.networkPolicy.database -}}
{{- include "darkroom.rule" (dict "side" "to" "peers" ($database.to | default (include "darkroom.anyPeers" .)) "ports" $database.ports) -}}
{{- end -}}
