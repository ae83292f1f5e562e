// @fanfare/sdk: manage webhooks, send events, and verify what a receiver gets.
export { Client, type ClientOptions, type Workspace } from "./client.ts";
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
export type { AbortSignalLike, FetchInit, FetchLike, FetchResponse, Runtime, StreamReaderLike } from "./platform.ts";
export type { Audit, AuditEntry, AuditFilter } from "./resources/audit.ts";
export type {
	Attempt,
	Deliveries,
	Delivery,
	DeliveryDetail,
	DeliveryFilter,
	DeliveryStatus,
	ManyChanged,
	ManyFilter,
} from "./resources/deliveries.ts";
export { BatchError, type BatchResult, type BatchResultError } from "./resources/event-batch.ts";
export type {
	CreateEventType,
	EventType,
	EventTypeFilter,
	EventTypes,
	EventTypeSettings,
	JsonSchema,
	UpdateEventType,
} from "./resources/event-types.ts";
export type { Event, SendEvent } from "./resources/event.ts";
export type { Erasure, EventFilter, Events, EventWithData } from "./resources/events.ts";
export type { CreatedKey, CreateKey, Key, Keys, KeyScope } from "./resources/keys.ts";
export type { EventTypePolicy, Project, ProjectFields, ProjectHandle, ProjectStatistic } from "./resources/project.ts";
export type { Projects, UpdateProject } from "./resources/projects.ts";
export type {
	Replay,
	ReplayEstimate,
	ReplayListFilter,
	ReplayOutcome,
	Replays,
	ReplayWebhook,
	WaitOptions,
} from "./resources/replays.ts";
export type {
	CreateWebhook,
	Deleted,
	RateLimit,
	RetryPolicy,
	TestWebhookOptions,
	UpdateSecretOptions,
	UpdateWebhook,
	Webhook,
	Webhooks,
	WebhookSecret,
	WebhookSpec,
	WebhookTest,
} from "./resources/webhooks.ts";
export type { StreamItem, StreamKind, StreamParams } from "./resources/stream.ts";
export type { Stats, StatsBucket, StatsValues, StatsParams } from "./resources/stats.ts";
export type { RequestOptions } from "./transport.ts";
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
