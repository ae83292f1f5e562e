// Compares the SDK's types with those of the server's OpenAPI document. The compiler does it: if they differ, `npm run types`
// reports the line of the type and the names of the fields.
import { readFileSync } from "node:fs";

import { expect, expectTypeOf, it } from "vitest";

import { renderWireTypes, type WireDocument } from "../../../scripts/wire-types.ts";
import type * as sdk from "../src/index.ts";
import type { PROJECT_NAMES } from "../src/resources/project.ts";
import type { RETRY_POLICY_NAMES } from "../src/resources/webhooks.ts";
import type * as wire from "../src/wire/generated/types.ts";
import type { SdkNamed, WireNamed } from "../src/wire/names.ts";
import type { InputDifferences, None, ResponseDifferences } from "./contract-types.ts";

// These functions exist for their types.
const response = <Wire, Sdk>() => ({}) as ResponseDifferences<Wire, Sdk>;
const input = <Wire, Sdk, Ignored = never>() => ({}) as InputDifferences<Wire, Sdk, Ignored>;

type Agrees = None<ResponseDifferences<unknown, unknown>>;
type AgreesInput = None<InputDifferences<unknown, unknown, unknown>>;

/** Schemas that no call of the SDK returns. */
type NotInSdk = "Health" | "Readiness";

type NamedWebhook = Omit<wire.Webhook, "retries"> & {
	readonly retries: SdkNamed<wire.Webhook["retries"], typeof RETRY_POLICY_NAMES>;
};

const responses: Record<Exclude<keyof wire.Responses, NotInSdk>, Agrees> = {
	Workspace: response<wire.Workspace, sdk.Workspace>(),
	// An `ApiError` has `issues` even if the server sends none.
	Error: response<Required<wire.Error>, Pick<sdk.ApiError, "message" | "code" | "requestId" | "issues">>(),
	Project: response<SdkNamed<wire.Project, typeof PROJECT_NAMES>, sdk.ProjectFields>(),
	Deleted: response<wire.Deleted, sdk.Deleted>(),
	Key: response<wire.Key, sdk.Key>(),
	NewKey: response<wire.NewKey, sdk.CreatedKey>(),
	Webhook: response<NamedWebhook, sdk.Webhook>(),
	WebhookTest: response<wire.WebhookTest, sdk.WebhookTest>(),
	// OpenAPI cannot express a required field of any type, such as `example` and `data`.
	EventType: response<wire.EventType & { readonly example: unknown }, sdk.EventType>(),
	EventWithData: response<wire.EventWithData & { readonly data: unknown }, sdk.EventWithData>(),
	Event: response<wire.Event, sdk.Event>(),
	Batch: response<wire.Batch["data"][number], sdk.BatchResult>(),
	Erasure: response<wire.Erasure, sdk.Erasure>(),
	Delivery: response<wire.Delivery, sdk.Delivery>(),
	DeliveryWithAttempts: response<wire.DeliveryWithAttempts, sdk.DeliveryDetail>(),
	Attempt: response<wire.Attempt, sdk.Attempt>(),
	DeliveriesChanged: response<wire.DeliveriesChanged, sdk.ManyChanged>(),
	Replay: response<wire.Replay, sdk.Replay>(),
	ReplayEstimate: response<wire.ReplayEstimate, sdk.ReplayEstimate>(),
	Stats: response<wire.Stats, sdk.Stats>(),
	StreamItem: response<wire.StreamItem, sdk.StreamItem | ControlItem>(),
	AuditEntry: response<wire.AuditEntry, sdk.AuditEntry>(),
};

/** Items after which the SDK reconnects. Its callers get only gaps. */
type ControlItem = Extract<wire.StreamItem, { readonly reason: string; readonly kind: "gap" | "dropped" | "end" }>;

type OfKind<Item, Kind> = Item extends { readonly kind: Kind } ? Item : never;
const items: Record<Exclude<wire.StreamItem["kind"], ControlItem["kind"]>, Agrees> = {
	"event.accepted": response<OfKind<wire.StreamItem, "event.accepted">, OfKind<sdk.StreamItem, "event.accepted">>(),
	"attempt.finished": response<
		OfKind<wire.StreamItem, "attempt.finished">,
		OfKind<sdk.StreamItem, "attempt.finished">
	>(),
	"delivery.updated": response<
		OfKind<wire.StreamItem, "delivery.updated">,
		OfKind<sdk.StreamItem, "delivery.updated">
	>(),
	"deliveries.updated": response<
		OfKind<wire.StreamItem, "deliveries.updated">,
		OfKind<sdk.StreamItem, "deliveries.updated">
	>(),
	"webhook.updated": response<OfKind<wire.StreamItem, "webhook.updated">, OfKind<sdk.StreamItem, "webhook.updated">>(),
};

/** The options of a call that are sent. */
type Sent<Options> = Omit<Options, keyof sdk.RequestOptions>;
type SecretObject = Extract<sdk.WebhookSecret, object>;
type SentSpec<Spec> = {
	[Field in keyof Spec]: Field extends "secret"
		? SecretObject
		: Field extends "retries"
			? WireNamed<NonNullable<Spec[Field]>, typeof RETRY_POLICY_NAMES>
			: Spec[Field];
};
type SentWebhook<Webhook extends { readonly spec?: unknown }> = Omit<Webhook, "spec"> & {
	readonly spec: SentSpec<NonNullable<Webhook["spec"]>>;
};

const bodies: Record<keyof wire.Bodies, AgreesInput> = {
	createProject: input<wire.ProjectName, Parameters<sdk.Projects["create"]>[0]>(),
	updateProject: input<wire.UpdateProject, sdk.UpdateProject>(),
	createKey: input<wire.CreateKey, sdk.CreateKey>(),
	createWebhook: input<wire.CreateWebhook, SentWebhook<sdk.CreateWebhook>>(),
	// The server ignores `spec.secret` in an update.
	updateWebhook: input<wire.UpdateWebhook, SentWebhook<sdk.UpdateWebhook>, "spec.secret">(),
	updateWebhookSecret: input<wire.UpdateWebhookSecret, SecretObject & Sent<sdk.UpdateSecretOptions>>(),
	testWebhook: input<wire.TestWebhook, Sent<sdk.TestWebhookOptions>>(),
	createEventType: input<wire.CreateEventType, sdk.CreateEventType>(),
	putEventType: input<wire.EventTypeSettings, sdk.EventTypeSettings>(),
	updateEventType: input<wire.UpdateEventType, sdk.UpdateEventType>(),
	sendEvent: input<wire.SendEvent, sdk.SendEvent>(),
	sendEvents: input<wire.SendBatch, { readonly events: readonly sdk.SendEvent[] }>(),
	retryDeliveries: input<wire.DeliveryFilter, sdk.ManyFilter>(),
	cancelDeliveries: input<wire.DeliveryFilter, sdk.ManyFilter>(),
	replayWebhook: input<wire.ReplayWebhook, Parameters<sdk.Webhooks["replay"]>[1]>(),
};

const queries: Record<keyof wire.Queries, AgreesInput> = {
	listKeys: input<wire.Queries["listKeys"], sdk.ListParams>(),
	listWebhooks: input<wire.Queries["listWebhooks"], sdk.ListParams>(),
	// In the SDK, `archived` is a boolean.
	listEventTypes: input<wire.Queries["listEventTypes"], sdk.EventTypeFilter, `archived.${boolean}`>(),
	listEvents: input<wire.Queries["listEvents"], sdk.EventFilter>(),
	listDeliveries: input<wire.Queries["listDeliveries"], sdk.DeliveryFilter>(),
	listReplays: input<wire.Queries["listReplays"], sdk.ReplayListFilter>(),
	getProjectStats: input<wire.Queries["getProjectStats"], sdk.StatsParams>(),
	getWebhookStats: input<wire.Queries["getWebhookStats"], sdk.StatsParams>(),
	// `lastEventId` is sent as a header.
	stream: input<wire.Queries["stream"], Omit<sdk.StreamParams, "lastEventId">>(),
	listAuditEntries: input<wire.Queries["listAuditEntries"], sdk.AuditFilter>(),
};

const document = JSON.parse(
	readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"),
) as WireDocument;

it("the generated types are those of docs/openapi.json", () => {
	const generated = readFileSync(new URL("../src/wire/generated/types.ts", import.meta.url), "utf8");
	expect(generated).toBe(renderWireTypes(document));
});

it("every response, request body and query of the document is compared with a type of the SDK", () => {
	const operations = Object.values(document.paths).flatMap(
		(path) =>
			Object.values(path) as readonly {
				readonly operationId: string;
				readonly requestBody?: object;
				readonly parameters?: readonly { readonly in: string }[];
			}[],
	);
	expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(Object.keys(responses)));
	expect(Object.keys(bodies)).toEqual(
		operations.filter(({ requestBody }) => requestBody !== undefined).map(({ operationId }) => operationId),
	);
	expect(Object.keys(queries)).toEqual(
		operations
			.filter(({ parameters = [] }) => parameters.some((parameter) => parameter.in === "query"))
			.map(({ operationId }) => operationId),
	);
});

it("every kind of item of the stream is compared, and can be selected", () => {
	expect(Object.keys(items)).toHaveLength(5);
	expectTypeOf<Exclude<wire.StreamItem["kind"], ControlItem["kind"]>>().toEqualTypeOf<sdk.StreamKind>();
});

it("a difference names the path of the field", () => {
	interface Wire {
		readonly id: string;
		readonly spec: readonly { readonly url: string; readonly color: string }[] | null;
	}
	interface Sdk {
		readonly id?: number;
		readonly spec: readonly { readonly url: string; readonly size: Date }[] | null;
	}
	type Response = ResponseDifferences<Wire, Sdk>;
	expectTypeOf<Response["fieldsThatTheSdkLacks"]>().toEqualTypeOf<"spec.color">();
	expectTypeOf<Response["fieldsThatTheServerNeverSends"]>().toEqualTypeOf<"spec.size">();
	expectTypeOf<Response["optionalFieldsThatAreAlwaysSent"]>().toEqualTypeOf<"id">();
	expectTypeOf<Response["fieldsOfAnotherType"]>().toEqualTypeOf<"id" | "spec">();
	expectTypeOf<InputDifferences<Wire, Sdk, "id">["fieldsThatTheSdkLacks"]>().toEqualTypeOf<"spec.color">();
	expectTypeOf<InputDifferences<Wire, Sdk, "id">["fieldsThatTheServerRefuses"]>().toEqualTypeOf<"spec.size">();
	type Enums = InputDifferences<{ readonly s?: readonly ("a" | "b")[] | null }, { readonly s: "a" }, never>;
	expectTypeOf<Enums["valuesThatTheSdkLacks"]>().toEqualTypeOf<"s.b">();
});
