// Compares the SDK's types with those of the server's OpenAPI document. The compiler does it: if they differ, `npm run types`
// reports the line of the type and the names of the fields.
import { readFileSync } from "node:fs";

import { expect, expectTypeOf, it } from "vitest";

import { renderWireTypes, type WireDocument } from "../../../scripts/wire-types.ts";
import type * as sdk from "../src/index.ts";
import type { PROJECT_NAMES } from "../src/resources/project.ts";
import type { WireSignal as RelaySignal } from "../src/resources/relays/relay-connection.ts";
import type { RETRY_POLICY_NAMES } from "../src/resources/webhooks/webhook.ts";
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
	EgressAddresses: response<wire.EgressAddresses, sdk.EgressAddresses>(),
	WorkspaceStatus: response<wire.WorkspaceStatus, sdk.WorkspaceStatus>(),
	// An `ApiError` has `issues` even if the server sends none.
	Error: response<Required<wire.Error>, Pick<sdk.ApiError, "message" | "code" | "requestId" | "issues">>(),
	Project: response<SdkNamed<wire.Project, typeof PROJECT_NAMES>, sdk.ProjectFields>(),
	Deleted: response<wire.Deleted, sdk.Deleted>(),
	Caller: response<wire.Caller, sdk.Caller>(),
	Key: response<wire.Key, sdk.Key>(),
	Session: response<wire.Session, sdk.Session>(),
	SessionsEnded: response<wire.SessionsEnded, sdk.SessionsEnded>(),
	SignInLink: response<wire.SignInLink, sdk.SignInLink>(),
	NewKey: response<wire.NewKey, sdk.CreatedKey>(),
	Webhook: response<NamedWebhook, sdk.Webhook>(),
	WebhookHealth: response<wire.WebhookHealth, sdk.WebhookHealth>(),
	WebhookDeliveries: response<wire.WebhookDeliveries, sdk.Webhook["deliveries"]>(),
	WebhookLastAttempt: response<wire.WebhookLastAttempt, sdk.WebhookLastAttempt>(),
	WebhooksReleased: response<wire.WebhooksReleased, sdk.WebhooksReleased>(),
	WebhookTest: response<wire.WebhookTest, sdk.WebhookTest>(),
	Conformance: response<wire.Conformance, sdk.Conformance>(),
	ConformanceCheck: response<wire.ConformanceCheck, sdk.ConformanceCheck>(),
	TestExchange: response<wire.TestExchange, sdk.TestExchange>(),
	// OpenAPI cannot express a required field of any type, such as `example` and `data`.
	EventType: response<wire.EventType & { readonly example: unknown }, sdk.EventType>(),
	EventWithData: response<wire.EventWithData & { readonly data: unknown }, sdk.EventWithData>(),
	Event: response<wire.Event, sdk.Event>(),
	LoggedEvent: response<wire.LoggedEvent, sdk.LoggedEvent>(),
	Batch: response<wire.Batch["data"][number], sdk.BatchResult>(),
	Routing: response<wire.Routing, sdk.Routing>(),
	EventMatch: response<wire.EventMatch, sdk.EventMatch>(),
	Erasure: response<wire.Erasure, sdk.Erasure>(),
	Delivery: response<wire.Delivery, sdk.Delivery>(),
	DeliveryWithAttempts: response<wire.DeliveryWithAttempts, sdk.DeliveryDetail>(),
	Attempt: response<wire.Attempt, sdk.Attempt>(),
	DeliveriesChanged: response<wire.DeliveriesChanged, sdk.ManyChanged>(),
	DeliveryCount: response<wire.DeliveryCount, sdk.DeliveryCount>(),
	Replay: response<wire.Replay, sdk.Replay>(),
	ReplaysStarted: response<wire.ReplaysStarted, sdk.ReplaysStarted>(),
	ReplayEstimate: response<wire.ReplayEstimate, sdk.ReplayEstimate>(),
	Stats: response<wire.Stats, sdk.Stats>(),
	WebhookStats: response<wire.WebhookStats, sdk.WebhookStats>(),
	ProjectUsage: response<wire.ProjectUsage, sdk.ProjectUsage>(),
	ServerSettings: response<wire.ServerSettings, sdk.ServerSettings>(),
	StreamItem: response<wire.StreamItem, sdk.StreamItem | ControlItem>(),
	StreamItems: response<
		wire.StreamItems,
		Omit<sdk.StreamItems, "data"> & { readonly data: readonly (sdk.StreamItem | ControlItem)[] }
	>(),
	Customer: response<wire.Customer, sdk.Customer>(),
	PortalSession: response<wire.PortalSession, sdk.PortalSession>(),
	NewPortalSession: response<wire.NewPortalSession, sdk.CreatedPortalSession>(),
	PortalSessionsRevoked: response<wire.PortalSessionsRevoked, sdk.PortalSessionsRevoked>(),
	Relay: response<wire.Relay, sdk.Relay>(),
	Relays: response<wire.Relays["data"][number], sdk.Relay>(),
	RelayAnswered: response<wire.RelayAnswered, sdk.RelayAnswered>(),
	RelaySignal: response<wire.RelaySignal, RelaySignal>(),
	WebhooksChanged: response<wire.WebhooksChanged, sdk.WebhooksChanged>(),
	AuditEntry: response<wire.AuditEntry, sdk.AuditEntry>(),
};

/** Items after which the SDK reconnects. Its callers get only gaps. */
type ControlItem = Extract<wire.StreamItem, { readonly reason: string; readonly kind: "gap" | "dropped" | "end" }>;

type OfKind<Item, Kind> = Item extends { readonly kind: Kind } ? Item : never;
const item = <Kind>() => response<OfKind<wire.StreamItem, Kind>, OfKind<sdk.StreamItem, Kind>>();
const items: Record<Exclude<wire.StreamItem["kind"], ControlItem["kind"]>, Agrees> = {
	"event.accepted": item<"event.accepted">(),
	"attempt.finished": item<"attempt.finished">(),
	"delivery.updated": item<"delivery.updated">(),
	"deliveries.updated": item<"deliveries.updated">(),
	"webhook.created": item<"webhook.created">(),
	"replay.updated": item<"replay.updated">(),
	"webhook.updated": item<"webhook.updated">(),
};

/** The options of a call that are sent. */
type Sent<Options> = Omit<Options, keyof sdk.RequestOptions>;
type SecretObject = Extract<sdk.WebhookSecret, object>;
type SentSpec<Spec> = {
	[Field in keyof Spec as Spec[Field] extends sdk.UseUpdateSecret | undefined ? never : Field]: Field extends "secret"
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
	updateKey: input<wire.UpdateKey, sdk.UpdateKey>(),
	rollKey: input<wire.RollKey, Sent<sdk.RollKeyOptions>>(),
	createSession: input<wire.CreateSession, sdk.SignIn>(),
	createWebhook: input<wire.CreateWebhook, SentWebhook<sdk.CreateWebhook>>(),
	// The server ignores `spec.secret` in an update.
	updateWebhook: input<wire.UpdateWebhook, SentWebhook<sdk.UpdateWebhook>, "spec.secret">(),
	updateWebhookSecret: input<wire.UpdateWebhookSecret, SecretObject & Sent<sdk.UpdateSecretOptions>>(),
	testWebhook: input<wire.TestWebhook, Omit<Sent<sdk.TestWebhookOptions>, "exchange">>(),
	conformWebhook: input<wire.ConformWebhook, Sent<sdk.ConformOptions>>(),
	createEventType: input<wire.CreateEventType, sdk.CreateEventType>(),
	putEventType: input<wire.EventTypeSettings, sdk.EventTypeSettings>(),
	updateEventType: input<wire.UpdateEventType, sdk.UpdateEventType>(),
	sendEvent: input<wire.SendEvent, sdk.SendEvent>(),
	sendEvents: input<wire.SendBatch, { readonly events: readonly sdk.SendEvent[] }>(),
	matchEvent: input<wire.MatchEvent, sdk.MatchEvent>(),
	retryDeliveries: input<wire.DeliveryFilter, sdk.ManyFilter>(),
	cancelDeliveries: input<wire.DeliveryFilter, sdk.ManyFilter>(),
	replayWebhook: input<wire.ReplayWebhook, Parameters<sdk.Webhooks["replay"]>[1]>(),
	createReplays: input<wire.CreateReplays, Parameters<sdk.Replays["create"]>[0]>(),
	putRelay: input<wire.PutRelay, sdk.PutRelay>(),
	updateRelay: input<wire.UpdateRelay, sdk.UpdateRelay>(),
	answerRelayRequest: input<wire.RelayAnswer, sdk.RelayAnswer>(),
	updateCustomer: input<wire.UpdateCustomer, sdk.UpdateCustomer>(),
	createPortalSession: input<wire.CreatePortalSession, sdk.CreatePortalSession>(),
};

/** The SDK has a method for each format. */
type Format = "format" | "format.csv" | "format.ndjson";
/** An export has all rows. */
type Whole<Filter> = Omit<Filter, keyof sdk.ListParams>;

const queries: Record<keyof wire.Queries, AgreesInput> = {
	searchProjects: input<wire.Queries["searchProjects"], sdk.ProjectFilter>(),
	listKeys: input<wire.Queries["listKeys"], sdk.ListParams>(),
	// In the SDK, `everywhere` is a boolean.
	deleteSessions: input<wire.Queries["deleteSessions"], Sent<sdk.SignOutOptions>, `everywhere.${boolean}`>(),
	listWebhooks: input<wire.Queries["listWebhooks"], sdk.WebhookFilter>(),
	exportWebhooks: input<wire.Queries["exportWebhooks"], Whole<sdk.WebhookFilter>, Format>(),
	// In the SDK, `exchange` is a boolean.
	testWebhook: input<wire.Queries["testWebhook"], Pick<sdk.TestWebhookOptions, "exchange">, `exchange.${boolean}`>(),
	// In the SDK, `archived` is a boolean.
	listEventTypes: input<wire.Queries["listEventTypes"], sdk.EventTypeFilter, `archived.${boolean}`>(),
	// In the SDK, `unmatched` is a boolean.
	listEvents: input<wire.Queries["listEvents"], sdk.EventFilter, `unmatched.${boolean}`>(),
	getEventData: input<wire.Queries["getEventData"], sdk.EventDataParams>(),
	exportEvents: input<wire.Queries["exportEvents"], Whole<sdk.EventFilter>, `unmatched.${boolean}` | Format>(),
	getEventRouting: input<wire.Queries["getEventRouting"], sdk.RoutingFilter>(),
	listDeliveries: input<wire.Queries["listDeliveries"], sdk.DeliveryListParams>(),
	countDeliveries: input<wire.Queries["countDeliveries"], sdk.DeliveryFilter>(),
	listAttempts: input<wire.Queries["listAttempts"], sdk.ListParams>(),
	exportDeliveries: input<wire.Queries["exportDeliveries"], sdk.DeliveryFilter, Format>(),
	listReplays: input<wire.Queries["listReplays"], sdk.ReplayListFilter>(),
	getProjectStats: input<wire.Queries["getProjectStats"], sdk.StatsParams>(),
	getWebhookStats: input<wire.Queries["getWebhookStats"], sdk.StatsParams>(),
	// In the SDK, the ids are an argument of their own.
	getStatsOfWebhooks: input<wire.Queries["getStatsOfWebhooks"], sdk.StatsParams & { readonly ids: string }>(),
	listCustomers: input<wire.Queries["listCustomers"], sdk.CustomerFilter>(),
	getCustomerStats: input<wire.Queries["getCustomerStats"], sdk.StatsParams>(),
	exportCustomers: input<wire.Queries["exportCustomers"], Whole<sdk.CustomerFilter>, Format>(),
	listPortalSessions: input<wire.Queries["listPortalSessions"], sdk.PortalSessionFilter>(),
	revokePortalSessions: input<wire.Queries["revokePortalSessions"], sdk.RevokePortalSessions>(),
	// `lastEventId` is sent as a header.
	stream: input<wire.Queries["stream"], Omit<sdk.StreamParams, "lastEventId">>(),
	listStreamItems: input<wire.Queries["listStreamItems"], sdk.PollStreamParams>(),
	listAuditEntries: input<wire.Queries["listAuditEntries"], sdk.AuditFilter>(),
	listProjectAuditEntries: input<wire.Queries["listProjectAuditEntries"], sdk.ProjectAuditFilter>(),
	exportAuditEntries: input<wire.Queries["exportAuditEntries"], Whole<sdk.AuditFilter>, Format>(),
	exportProjectAuditEntries: input<
		wire.Queries["exportProjectAuditEntries"],
		Omit<sdk.ProjectAuditFilter, keyof sdk.ListParams>,
		"format" | "format.csv" | "format.ndjson"
	>(),
};

const document = JSON.parse(
	readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"),
) as WireDocument;

it("the generated types are those of docs/openapi.json", () => {
	const generated = readFileSync(new URL("../src/wire/generated/types.ts", import.meta.url), "utf8");
	expect(generated).toBe(renderWireTypes(document));
});

it("every response, request body and query of the document is compared with a type of the SDK", () => {
	interface Operation {
		readonly operationId: string;
		readonly requestBody?: object;
		readonly parameters?: readonly { readonly in: string }[];
	}
	const operations = Object.values(document.paths).flatMap((path) => Object.values(path) as readonly Operation[]);
	const namesOf = (is: (operation: Operation) => boolean) =>
		operations.filter(is).map(({ operationId }) => operationId);
	expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(Object.keys(responses)));
	expect(Object.keys(bodies)).toEqual(namesOf(({ requestBody }) => requestBody !== undefined));
	const hasQuery = ({ parameters = [] }: Operation) => parameters.some((parameter) => parameter.in === "query");
	expect(Object.keys(queries)).toEqual(namesOf(hasQuery));
});

it("an action of the audit log is one of the document's, or any other text, since another version may have more", () => {
	const source = readFileSync(new URL("../src/resources/audit.ts", import.meta.url), "utf8");
	const [type = ""] = /export type AuditAction =[^;]*;/.exec(source) ?? [];
	const actions = [...type.matchAll(/"(.*)"/g)].map(([, action]) => `\`${action}\``);
	expect(actions).toContain("`webhook.update`");
	expect(JSON.stringify(document)).toContain(`${actions.join(", ")}.`);
	expectTypeOf<string>().toExtend<sdk.AuditFilter["action"]>();
});

it("every kind of item of the stream is compared, and can be selected", () => {
	expect(Object.keys(items)).toHaveLength(7);
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
