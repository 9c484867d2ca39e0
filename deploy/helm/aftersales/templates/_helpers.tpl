{{/* What every object is called and marked with. */}}
{{- define "aftersales.name" -}}
{{- if contains "aftersales" .Release.Name }}{{ .Release.Name | trunc 24 | trimSuffix "-" }}{{ else }}{{ printf "%s-aftersales" .Release.Name | trunc 24 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "aftersales.release" -}}
app.kubernetes.io/name: aftersales
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of an object that is made as a whole: not of pods that are selected. */}}
{{- define "aftersales.labels" -}}
{{ include "aftersales.release" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The name of a build's objects; 2026.11.1 becomes 2026-11-1. */}}
{{- define "aftersales.buildName" -}}
{{ include "aftersales.name" .root }}-worker-{{ .build.buildId | replace "." "-" }}
{{- end }}

{{- define "aftersales.newestBuild" -}}
{{- (last (required "worker.builds: at least one build is needed" .Values.worker.builds)).buildId -}}
{{- end }}

{{- define "aftersales.image" -}}
{{ required "image.repository is needed" .root.Values.image.repository }}:{{ .tag }}
{{- end }}

{{- define "aftersales.tag" -}}
{{ required "image.tag is needed: the build of gateway, desk and codec server" .Values.image.tag }}
{{- end }}

{{/* How a pod is locked in; its volumes belong to the group of the user. */}}
{{- define "aftersales.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "aftersales.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Spread over machines and zones, as far as there are some. */}}
{{- define "aftersales.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $.selector | nindent 8 }}
  {{- end }}
{{- end }}

{{- define "aftersales.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 6
  failureThreshold: 3
{{- end }}

{{/* The environment that every program has. */}}
{{- define "aftersales.commonEnv" -}}
- {name: AFTERSALES_LOG_LEVEL, value: {{ .Values.log.level | quote }}}
- {name: AFTERSALES_LOG_FORMAT, value: {{ .Values.log.format | quote }}}
- {name: AFTERSALES_METRICS_ADDRESS, value: "0.0.0.0:9464"}
- {name: AFTERSALES_DATA_DIR, value: /var/lib/aftersales/data}
- {name: AFTERSALES_UI_ADDRESS, value: {{ .Values.temporal.uiAddress | quote }}}
{{- if .Values.secrets.keys }}
- {name: AFTERSALES_KEYS_FILE, value: /etc/aftersales/keys/keys.yaml}
{{- end }}
{{- end }}

{{/* The connection to Temporal: its own variables. */}}
{{- define "aftersales.temporalEnv" -}}
- {name: TEMPORAL_ADDRESS, value: {{ required "temporal.address is needed" .Values.temporal.address | quote }}}
- {name: TEMPORAL_NAMESPACE, value: {{ .Values.temporal.namespace | quote }}}
- {name: AFTERSALES_TASK_QUEUE, value: {{ .Values.temporal.taskQueue | quote }}}
{{- with .Values.temporal.apiKeySecret }}
{{- if .name }}
- name: TEMPORAL_API_KEY
  valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
{{- end }}
{{- end }}
{{- with .Values.temporal.tls }}
{{- if .enabled }}
- {name: TEMPORAL_TLS, value: "true"}
{{- end }}
{{- if .serverName }}
- {name: TEMPORAL_TLS_SERVER_NAME, value: {{ .serverName | quote }}}
{{- end }}
{{- if .secret }}
- {name: TEMPORAL_TLS_CLIENT_CERT_PATH, value: /etc/aftersales/temporal-tls/tls.crt}
- {name: TEMPORAL_TLS_CLIENT_KEY_PATH, value: /etc/aftersales/temporal-tls/tls.key}
- {name: TEMPORAL_TLS_SERVER_CA_CERT_PATH, value: /etc/aftersales/temporal-tls/ca.crt}
{{- end }}
{{- end }}
{{- end }}

{{- define "aftersales.ledgerEnv" -}}
- name: AFTERSALES_LEDGER_URL
  valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
{{- end }}

{{- define "aftersales.env" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{/* Where shops' figures and tokens are, for what calls platforms. */}}
{{- define "aftersales.platformEnv" -}}
- {name: AFTERSALES_SECRETS_FILE, value: /etc/aftersales/platforms/secrets.yaml}
- {name: AFTERSALES_TOKENS_DIR, value: /var/lib/aftersales-tokens/tokens}
{{- end }}

{{- define "aftersales.mounts" -}}
- {name: temporary, mountPath: /tmp}
{{- range . }}
- {name: {{ . }}, mountPath: /etc/aftersales/{{ . }}, readOnly: true}
{{- end }}
{{- end }}

{{/* Volumes of secrets by their names; a folder is mounted whole, so that a changed secret arrives. */}}
{{- define "aftersales.volumes" -}}
- {name: temporary, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
{{- range .names }}
{{- if eq . "shops" }}
- name: shops
  configMap: {name: {{ include "aftersales.name" $.root }}-shops}
{{- else if eq . "temporal-tls" }}
- name: temporal-tls
  secret: {secretName: {{ $.root.Values.temporal.tls.secret }}, defaultMode: 0440}
{{- else }}
- name: {{ . }}
  secret: {secretName: {{ required (printf "secrets.%s is needed" .) (index $.root.Values.secrets .) }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- end }}

{{- define "aftersales.tokensVolume" -}}
{{- if .Values.tokens.shared }}
- name: tokens
  persistentVolumeClaim: {claimName: {{ .Values.tokens.existingClaim | default (printf "%s-tokens" (include "aftersales.name" .)) }}}
{{- else }}
- {name: tokens, emptyDir: {}}
{{- end }}
{{- end }}

{{/* The names of what a program mounts; those that are not configured are left out. */}}
{{- define "aftersales.mounted" -}}
{{- $names := list }}
{{- range .wanted }}
{{- if eq . "shops" }}{{ $names = append $names . }}
{{- else if eq . "temporal-tls" }}{{ if $.root.Values.temporal.tls.secret }}{{ $names = append $names . }}{{ end }}
{{- else if or (index $.root.Values.secrets .) (has . (list "platforms" "desk")) }}{{ $names = append $names . }}
{{- end }}
{{- end }}
{{- $names | toJson }}
{{- end }}

{{/* An Ingress to a service; TLS if there is a secret for it. */}}
{{- define "aftersales.ingress" -}}
{{- $ingress := .ingress }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "aftersales.name" .root }}-{{ .component }}
  labels:
    {{- include "aftersales.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  {{- with $ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with $ingress.tlsSecret }}
  tls:
    - hosts: [{{ $ingress.host }}]
      secretName: {{ . }}
  {{- end }}
  rules:
    - host: {{ required (printf "%s.ingress.host is needed" .component) $ingress.host }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path }}
            pathType: {{ .type }}
            backend: {service: {name: {{ include "aftersales.name" $.root }}-{{ $.component }}, port: {name: http}}}
          {{- end }}
{{- end }}

{{- define "aftersales.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "aftersales.name" .root }}-{{ .component }}
  labels:
    {{- include "aftersales.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  type: ClusterIP
  selector:
    {{- include "aftersales.release" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  ports:
    - {name: http, port: 80, targetPort: http, protocol: TCP}
{{- end }}

{{/* At most one pod at a time is taken away by those who drain machines. */}}
{{- define "aftersales.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  labels:
    {{- include "aftersales.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- .selector | nindent 6 }}
{{- end }}
