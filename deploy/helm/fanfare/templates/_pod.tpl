{{/* The pod: what a single one, and those of several processes, have in common. Takes a dict of the chart's root and the role, which is empty for a single one. */}}
{{- define "fanfare.pod" -}}
{{- $root := .root -}}
{{- $role := .role -}}
{{- with .root -}}
serviceAccountName: {{ include "fanfare.name" . }}
automountServiceAccountToken: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq $role "api" }}
# A pause before the stop, see preStop.
terminationGracePeriodSeconds: {{ add .Values.terminationGracePeriodSeconds 5 }}
{{- else }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- if $role }}
# Not all of them on one machine, if there are several.
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "fanfare.selector" . | nindent 8 }}
        app.kubernetes.io/component: {{ $role }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  {{- if not $role }}
  fsGroup: 10001
  # At the first start only: later ones would open the data to the group again.
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: fanfare
    image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    ports:
      - name: http
        containerPort: 8787
    {{- if or $role .Values.publicUrl .Values.settings }}
    env:
      {{- with $role }}
      - name: FANFARE_ROLE
        value: {{ . }}
      {{- end }}
      {{- with .Values.publicUrl }}
      - name: FANFARE_PUBLIC_URL
        value: {{ . | quote }}
      {{- end }}
      {{- range $name, $value := .Values.settings }}
      {{- /* Large numbers as they are written, not as 2e+10. */}}
      - name: {{ $name }}
        value: {{ if kindIs "float64" $value }}{{ $value | int64 | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
      {{- end }}
    {{- end }}
    {{- with include "fanfare.secret" . }}
    envFrom:
      - secretRef:
          name: {{ . }}
    {{- end }}
    {{- if eq $role "api" }}
    lifecycle:
      preStop:
        exec:
          # Until every node has taken the pod out of the service: from SIGTERM on, it refuses sends.
          command: ["sleep", "5"]
    {{- end }}
    {{- if $role }}
    # The first start makes the schema.
    startupProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 60
    {{- end }}
    # A restart makes no room on a disk, and no store answers sooner for it: only the process itself counts.
    livenessProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet:
        path: /readyz
        port: http
      periodSeconds: 5
      timeoutSeconds: 5
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop:
          - ALL
    {{- if not $role }}
    volumeMounts:
      - name: data
        mountPath: /data
    {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if not $role }}
{{- with .Values.persistence.existingClaim }}
volumes:
  - name: data
    persistentVolumeClaim:
      claimName: {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What a pod's template has beside its labels: a changed key restarts the pod. */}}
{{- define "fanfare.podAnnotations" -}}
checksum/secret: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
