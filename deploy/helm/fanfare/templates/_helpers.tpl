{{/* Names and labels that the templates share. */}}

{{/* The name of every object: the release's, with "fanfare" in it. */}}
{{- define "fanfare.name" -}}
{{- if contains "fanfare" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-fanfare" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels by which the service finds the pod. They never change. */}}
{{- define "fanfare.selector" -}}
app.kubernetes.io/name: fanfare
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "fanfare.labels" -}}
{{ include "fanfare.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The name of the secret with the keys; empty if there is none, so that the first start makes them. */}}
{{- define "fanfare.secret" -}}
{{- if .Values.secrets.existingSecret -}}
{{- .Values.secrets.existingSecret -}}
{{- else if or .Values.secrets.adminKey .Values.secrets.masterKey .Values.secrets.databaseUrl -}}
{{- include "fanfare.name" . -}}
{{- end -}}
{{- end -}}
