{{/* What is submitted through us, and what it costs. */}}
{{- define "darkroom.alerts-submissions" -}}
{{- $t := .Values.monitoring.rules.thresholds -}}
{{- $self := include "darkroom.ours" . -}}
{{- $serving := include "darkroom.serving" . -}}
- alert: DarkroomSubmissionsUnclear
  expr: |-
    max by (namespace, job) (darkroom_submissions_unclear{ {{- $self }}}) > 0
  for: {{ $t.unclearFor }}
  labels: {severity: warning}
  annotations:
    summary: >-
      Of {{`{{ $value | printf "%.0f" }}`}} requests nobody knows whether the provider took them
    description: >-
      Their answers were lost, and neither a callback nor the provider's list of tasks has told since. They may be paid
      for, and their clients have no task; they are not sent again by themselves. See
      GET /v1/submissions?status=unclear, and the provider's console.
- alert: DarkroomSubmissionsNotTaken
  expr: |-
    sum by (namespace, job) (increase(darkroom_submissions_total{ {{- $self }},result=~"declined|not_sent|no_provider"}[15m])) >= {{ $t.submissionsNotTaken }}
    and
    sum by (namespace, job) (increase(darkroom_submissions_total{ {{- $self }},result="taken"}[15m])) == 0
  for: 5m
  labels: {severity: warning}
  annotations:
    summary: >-
      The provider takes no requests
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in 15 minutes, and none was taken. Nothing is paid for these. Either the
      provider says no (no credit, key refused, or one client's request is wrong), or it cannot be reached, or the
      API's pods have no key. `{{ $serving }} doctor` asks it; the log lines `submission` have the reason.
- alert: DarkroomBudgetSpent
  expr: |-
    sum by (namespace, job) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_submissions_total{%s,result="over_budget"}` $self)) }}) > 0
  labels: {severity: warning}
  annotations:
    summary: >-
      A budget is used up, and requests are refused
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} in the last hour were answered 402. GET /v1/stats has each budget
      (`cost.budgets`): this one's `spent_usd` and `reserved_usd` leave too little of its `stop_usd`. It goes on when it
      begins anew (`begins_anew`), or when you raise it.
- alert: DarkroomBudgetNearlySpent
  expr: |-
    sum by (namespace, job) ({{ include "darkroom.grown" (dict "within" "1h" "of" (printf `darkroom_budget_warnings_total{%s}` $self)) }}) > 0
  labels: {severity: info}
  annotations:
    summary: >-
      A budget is near its end
    description: >-
      About {{`{{ $value | printf "%.0f" }}`}} requests in the last hour were taken with a warning. GET /v1/stats says
      which budget it is (`cost.budgets`: `state: warn`); where it has a `stop_usd`, requests are refused beyond that.
{{- end -}}
