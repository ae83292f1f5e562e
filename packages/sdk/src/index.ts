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
export type { AbortSignalLike, FetchInit, FetchLike, FetchResponse, Runtime } from "./platform.ts";
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
export type { Event, EventFilter, Events, SendEvent } from "./resources/events.ts";
export type { CreatedKey, CreateKey, Key, Keys, KeyScope } from "./resources/keys.ts";
export type { Project, ProjectFields, ProjectHandle } from "./resources/project.ts";
export type { Projects } from "./resources/projects.ts";
export type {
	CreateWebhook,
	Deleted,
	RateLimit,
	RetryPolicy,
	UpdateSecretOptions,
	UpdateWebhook,
	Webhook,
	Webhooks,
	WebhookSecret,
	WebhookSpec,
	WebhookTest,
} from "./resources/webhooks.ts";
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
