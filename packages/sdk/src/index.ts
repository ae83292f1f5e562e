// @fanfare/sdk: manage webhooks, send events, and verify what a receiver gets.
export { Client, type ClientOptions, type Workspace } from "./client.ts";
export { diagnose, type Diagnosis, type DiagnoseOptions } from "./diagnosis/diagnose.ts";
export type { DiagnosisCode, DiagnosisProblem } from "./diagnosis/problem.ts";
export {
	ApiError,
	AuthenticationError,
	BadRequestError,
	ConflictError,
	ConnectionError,
	FanfareError,
	InternalServerError,
	NotFoundError,
	PayloadTooLargeError,
	PermissionDeniedError,
	RateLimitError,
	ServiceUnavailableError,
	TimeoutError,
	UnexpectedResponseError,
	type ApiErrorDetails,
	type Issue,
} from "./errors.ts";
export type { ListParams, Page, PagePromise } from "./page.ts";
export type {
	AbortSignalLike,
	FetchInit,
	FetchLike,
	FetchResponse,
	StreamPieceLike,
	StreamReaderLike,
} from "./platform.ts";
export type {
	Session,
	Sessions,
	SessionsEnded,
	SignIn,
	SignInLink,
	SignOutOptions,
} from "./resources/access/sessions.ts";
export type {
	EgressAddresses,
	StatusDatabase,
	StatusMember,
	StatusMessageCounts,
	StatusMessages,
	StatusStandby,
	StatusWarning,
	UsedLimit,
	WorkspaceStatus,
} from "./resources/access/status.ts";
export type {
	Audit,
	AuditAction,
	AuditEntry,
	AuditFilter,
	ProjectAudit,
	ProjectAuditFilter,
} from "./resources/audit.ts";
export type {
	Attempt,
	AttemptCause,
	AttemptError,
	AttemptTimings,
	LastAttempt,
} from "./resources/deliveries/attempts.ts";
export type {
	Deliveries,
	Delivery,
	DeliveryCount,
	DeliveryDetail,
	DeliveryFilter,
	DeliveryListParams,
	DeliveryStatus,
	ManyChanged,
	ManyFilter,
} from "./resources/deliveries/deliveries.ts";
export { BatchError, type BatchResult, type BatchResultError } from "./resources/event-batch.ts";
export type {
	CreateEventType,
	EventType,
	EventTypeAsText,
	EventTypeFilter,
	EventTypes,
	EventTypeSettings,
	JsonSchema,
	UpdateEventType,
} from "./resources/event-types.ts";
export type { Customer, CustomerFilter, Customers, UpdateCustomer, WebhooksChanged } from "./resources/customers.ts";
export type { AnyEvents, Event, EventToSend, SendEvent } from "./resources/event.ts";
export type {
	Erasure,
	EventDataParams,
	EventFilter,
	EventMatch,
	Events,
	EventWithData,
	LoggedEvent,
	MatchEvent,
	Routing,
	RoutingFilter,
	RoutingReason,
} from "./resources/events.ts";
export type {
	ConnectOptions,
	RelayConnection,
	RelayRequest,
	RelayResponse,
	RelayState,
} from "./resources/relays/relay-connection.ts";
export type { PutRelay, Relay, RelayAnswer, RelayAnswered, RelayError, UpdateRelay } from "./resources/relays/relay.ts";
export type { Relays } from "./resources/relays/relays.ts";
export type {
	Caller,
	CallerPortalSession,
	CreatedKey,
	CreateKey,
	Key,
	Keys,
	KeyScope,
	RollKeyOptions,
	UpdateKey,
} from "./resources/keys.ts";
export type {
	Capability,
	CreatedPortalSession,
	CreatePortalSession,
	PortalSession,
	PortalSessionFilter,
	PortalSessions,
	PortalSessionsRevoked,
	PortalTheme,
	RevokePortalSessions,
	ShownPortalTheme,
} from "./resources/portal-sessions.ts";
export type {
	Batch,
	EventTypePolicy,
	Project,
	ProjectFields,
	ProjectHandle,
	ProjectStatistic,
	ProjectUsage,
	ServerSettings,
} from "./resources/project.ts";
export type { CreateProject, ProjectFilter, Projects, UpdateProject } from "./resources/projects.ts";
export type {
	EstimateReplay,
	Replay,
	ReplayEstimate,
	ReplayListFilter,
	ReplayOutcome,
	Replays,
	ReplaysStarted,
	ReplayTargets,
	ReplayWebhook,
	StartReplay,
	WaitOptions,
} from "./resources/replays.ts";
export type { Conformance, ConformanceCheck, ConformOptions } from "./resources/webhooks/conformance.ts";
export type { WebhooksReleased } from "./resources/webhooks/releases.ts";
export type {
	CreatedWebhook,
	CreateWebhook,
	Deleted,
	RateLimit,
	RetryPolicy,
	TestExchange,
	TestWebhookOptions,
	UpdateSecretOptions,
	UpdateWebhook,
	UpdateWebhookSpec,
	UseUpdateSecret,
	Webhook,
	WebhookFilter,
	WebhookSecret,
	WebhookSpec,
	WebhookHealth,
	WebhookLastAttempt,
	WebhookTest,
} from "./resources/webhooks/webhook.ts";
export type { Webhooks } from "./resources/webhooks/webhooks.ts";
export type {
	AttemptFinishedItem,
	DeliveriesUpdatedItem,
	DeliveryUpdatedItem,
	EventAcceptedItem,
	GapItem,
	PollStreamParams,
	StreamItem,
	StreamItems,
	StreamKind,
	StreamMode,
	StreamOptions,
	StreamParams,
	ReplayUpdatedItem,
	WebhookCreatedItem,
	WebhookUpdatedItem,
} from "./resources/stream.ts";
export type { Stats, StatsBucket, StatsValues, StatsParams, WebhookSeries, WebhookStats } from "./resources/stats.ts";
export type { RequestOptions, SendOptions } from "./transport.ts";
export { utils } from "./utils.ts";
export {
	verify,
	verifySignature,
	WEBHOOK_VERIFICATION_CODES,
	WebhookVerificationError,
	type RawBody,
	type VerifiedEvent,
	type VerifiedHeaders,
	type VerifyOptions,
	type WebhookHeaders,
	type WebhookVerificationCode,
} from "./verify.ts";
