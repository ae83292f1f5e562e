// Every field of every input reaches the server, and every field of a converted response reaches the caller. The values
// are complete by their types, so that a new field must be added here.
import { expect, it } from "vitest";

import type * as sdk from "../src/index.ts";
import type * as wire from "../src/wire/generated/types.ts";
import type { Full } from "./contract-types.ts";
import {
	json,
	PROJECT_ID,
	raw,
	ScriptedServer,
	testClient,
	WEBHOOK_ID,
	wireEvent,
	wireProject,
	wireWebhook,
	type Step,
} from "./scripted-server.ts";
import { hooks } from "./webhook-cases.ts";
import { emptyPage, wireSeries, wireStats } from "./wire-case.ts";

interface Case<Sent> {
	readonly call: (client: sdk.Client) => PromiseLike<unknown>;
	/** What the server gets. */
	readonly sends: Sent;
	/** The body of the response. */
	readonly answer: unknown;
}

const project = (client: sdk.Client) => client.project(PROJECT_ID);
const time = new Date(1_723_633_671_620);
const ms = time.getTime();

const settings = {
	description: "d",
	schema: { type: "object" },
	example: { n: 1 },
	archived: true,
	visibility: "internal",
} satisfies Full<sdk.EventTypeSettings>;

const event = {
	type: "order.paid",
	data: { n: 1 },
	timestamp: time,
	idempotencyKey: "k",
	webhookIds: [WEBHOOK_ID],
	customerId: "acme",
	customerIds: ["globex"],
	tags: ["order:42"],
} satisfies Full<sdk.SendEvent>;
const possible = {
	type: "order.paid",
	customerId: "acme",
	customerIds: ["globex"],
	limit: 2,
	page: "p",
} satisfies Full<sdk.MatchEvent>;
const sentEvent = { ...event, timestamp: ms } satisfies Full<wire.SendEvent>;

const filter = {
	webhookId: WEBHOOK_ID,
	customerId: "acme",
	eventId: "evt_1",
	tag: "order:4711",
	eventType: ["order.*", "user.created"],
	status: ["Failed", "Held"],
	responseCode: ["5xx", 429],
	error: "tls",
	cause: ["not_tls"],
	after: time,
	before: ms + 1,
	updatedAfter: time,
	updatedBefore: ms + 2,
} satisfies Full<sdk.DeliveryFilter>;
const many = { ...filter, page: "p" } satisfies Full<sdk.ManyFilter>;
const sentMany = { ...many, after: ms, updatedAfter: ms } satisfies Full<wire.DeliveryFilter>;
const sentFilter = {
	...filter,
	eventType: "order.*,user.created",
	status: "Failed,Held",
	responseCode: "5xx,429",
	cause: "not_tls",
	after: ms,
	updatedAfter: ms,
};

const settingsOfUpdate = {
	endpoint: "https://example.com/",
	retries: { maxRetries: 1, maxRetryDelay: 2, scheduleMs: [3] },
	description: "d",
	eventTypes: ["order.*"],
	headers: { "x-tenant": "1" },
	timeoutMs: 1_000,
	rateLimit: { perSecond: 4 },
	disableAfterMs: 5,
	metadata: { team: "a" },
} satisfies Full<Omit<NonNullable<sdk.UpdateWebhook["spec"]>, "secret">>;
const sentSettings = { ...settingsOfUpdate, retries: { maxRetries: 1, maxBackoffMs: 2, scheduleMs: [3] } };

const ranges = { after: time, before: ms + 1 };
const sentRanges = { after: ms, before: ms + 1 };
/** What an export answers. */
const exported = raw(200, "{}\n", { "content-type": "application/x-ndjson; charset=utf-8" });
const webhookFilter = {
	q: "a b",
	status: ["Paused", "Disabled"],
	health: "Failing",
	customerId: "acme",
	key: "orders",
	eventType: "order.paid",
	metadata: { team: "a&b", "area.x": "" },
} satisfies Full<Omit<sdk.WebhookFilter, keyof sdk.ListParams>>;
const sentWebhookFilter = {
	...webhookFilter,
	status: "Paused,Disabled",
	metadata: { "metadata.team": "a&b", "metadata.area.x": "" },
};
const eventFilter = {
	...ranges,
	type: ["order.paid", "user.*"],
	customerId: "acme",
	tag: "order:42",
	idempotencyKey: "k",
	unmatched: true,
} satisfies Full<Omit<sdk.EventFilter, keyof sdk.ListParams>>;
const sentEventFilter = { ...eventFilter, ...sentRanges, type: "order.paid,user.*", unmatched: "true" } as const;
const auditFilter = {
	...ranges,
	keyId: "key_1",
	objectId: WEBHOOK_ID,
	action: "webhook.update",
} satisfies Full<Omit<sdk.ProjectAuditFilter, keyof sdk.ListParams>>;
const workspaceAuditFilter = { ...auditFilter, projectId: PROJECT_ID } satisfies Full<
	Omit<sdk.AuditFilter, keyof sdk.ListParams>
>;
const listed = { limit: 2, page: "p" } satisfies Full<sdk.ListParams>;
const stats = { width: "day", from: time, to: ms + 1 } satisfies Full<sdk.StatsParams>;
const sentStats = { width: "day", from: ms, to: ms + 1 } as const;
const revoked = { customerId: "acme", keyId: "key_1" } satisfies Full<sdk.RevokePortalSessions>;

const portalSession = {
	customerId: "acme",
	capabilities: ["webhooks.write", "replay"],
	expiresInMs: 60_000,
	returnUrl: "https://example.com/account",
	theme: {
		accent: "#0b7285",
		background: "#fff",
		radius: 4,
		font: "Inter",
		scheme: "auto",
	} satisfies Full<sdk.PortalTheme>,
	locale: "de",
	actor: "ada@example.com",
} satisfies Full<sdk.CreatePortalSession>;

const relay = {
	device: "ada@laptop",
	secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	name: "n",
	eventTypes: ["order.*"],
	customerId: "acme",
	mirrorOf: WEBHOOK_ID,
	timeoutMs: 1_000,
} satisfies Full<sdk.PutRelay>;
const relayChanges = { name: "n", eventTypes: ["a"], timeoutMs: 2_000 } satisfies Full<sdk.UpdateRelay>;
const relayAnswer = {
	status: 200,
	headers: [["a", "b"] as const],
	bodyBase64: "b2s=",
	error: "refused",
	reason: "r",
} satisfies Full<sdk.RelayAnswer>;

const bodies: { readonly [Operation in keyof wire.Bodies]: Case<Full<wire.Bodies[Operation]>> } = {
	createProject: {
		call: (client) => client.projects.create({ name: "n" } satisfies Full<Parameters<sdk.Projects["create"]>[0]>),
		sends: { name: "n" },
		answer: wireProject,
	},
	updateProject: {
		call: (client) =>
			client.projects.update(PROJECT_ID, {
				name: "n",
				eventTypes: "open",
				retentionDays: 1,
				payloadRetentionDays: 2,
				maxEventsPerSecond: 3,
				maxStoredBytes: 4,
				maxWebhooksPerCustomer: 5,
				maxReplaysPerCustomer: 6,
				maxStreamsPerCustomer: 7,
				maxTestsPerCustomer: 8,
				revision: 9,
			} satisfies Full<sdk.UpdateProject>),
		sends: {
			name: "n",
			eventTypes: "open",
			retentionDays: 1,
			payloadRetentionDays: 2,
			maxEventsPerSecond: 3,
			maxStoredBytes: 4,
			maxWebhooksPerCustomer: 5,
			maxReplaysPerCustomer: 6,
			maxStreamsPerCustomer: 7,
			maxTestsPerCustomer: 8,
			revision: 9,
		},
		answer: wireProject,
	},
	createKey: {
		call: (client) =>
			client.keys.create({
				name: "n",
				scope: "read",
				projectId: PROJECT_ID,
				expireDate: time,
			} satisfies Full<sdk.CreateKey>),
		sends: { name: "n", scope: "read", projectId: PROJECT_ID, expireDate: ms },
		answer: { object: "key" },
	},
	updateKey: {
		call: (client) => client.keys.update("key_1", { name: "n" } satisfies Full<sdk.UpdateKey>),
		sends: { name: "n" },
		answer: { object: "key" },
	},
	rollKey: {
		call: (client) => client.keys.roll("key_1", { overlapMs: 1 }),
		sends: { overlapMs: 1 },
		answer: { object: "key" },
	},
	createSession: {
		call: (client) => client.sessions.signIn({ key: "sk_x", link: "sl_x" } satisfies Full<sdk.SignIn>),
		sends: { key: "sk_x", link: "sl_x" },
		answer: { object: "session" },
	},
	createWebhook: {
		call: (client) =>
			hooks(client).create({
				name: "n",
				customerId: "acme",
				key: "orders",
				spec: { ...settingsOfUpdate, secret: { contents: "c2VjcmV0" } },
			} satisfies Full<sdk.CreateWebhook>),
		sends: {
			name: "n",
			customerId: "acme",
			key: "orders",
			spec: { ...sentSettings, secret: { contents: "c2VjcmV0" } },
		},
		answer: wireWebhook,
	},
	updateWebhook: {
		call: (client) =>
			hooks(client).update(WEBHOOK_ID, {
				name: "n",
				key: "orders",
				spec: settingsOfUpdate,
				revision: 7,
			} satisfies Full<Omit<sdk.UpdateWebhook, "spec">> & sdk.UpdateWebhook),
		// The server ignores a secret here, so the SDK refuses one.
		sends: { name: "n", key: "orders", spec: { ...sentSettings, secret: undefined }, revision: 7 },
		answer: wireWebhook,
	},
	updateWebhookSecret: {
		call: (client) => hooks(client).updateSecret(WEBHOOK_ID, "c2VjcmV0", { overlapMs: 1 }),
		sends: { contents: "c2VjcmV0", overlapMs: 1 },
		answer: wireWebhook,
	},
	testWebhook: {
		call: (client) => hooks(client).test(WEBHOOK_ID, { eventType: "order.paid", data: { n: 1 } }),
		sends: { eventType: "order.paid", data: { n: 1 } },
		answer: { status: "Ok" },
	},
	conformWebhook: {
		call: (client) =>
			hooks(client).conform(WEBHOOK_ID, { eventType: "a.b", data: [1], checks: ["stale"], burst: 2, slowMs: 3 }),
		sends: { eventType: "a.b", data: [1], checks: ["stale"], burst: 2, slowMs: 3 },
		answer: { object: "conformance", conforms: true, endedEarly: null, requestCount: 1, checks: [] },
	},
	createEventType: {
		call: (client) =>
			project(client).eventTypes.create({ name: "order.paid", ...settings } satisfies Full<sdk.CreateEventType>),
		sends: { name: "order.paid", ...settings },
		answer: { object: "eventType" },
	},
	putEventType: {
		call: (client) => project(client).eventTypes.put("order.paid", settings),
		sends: settings,
		answer: { object: "eventType" },
	},
	updateEventType: {
		call: (client) =>
			project(client).eventTypes.update("order.paid", { ...settings, revision: 7 } satisfies Full<sdk.UpdateEventType>),
		sends: { ...settings, revision: 7 },
		answer: { object: "eventType" },
	},
	matchEvent: {
		call: (client) => project(client).events.match(possible),
		sends: possible,
		answer: { matchedCount: 0, ...emptyPage },
	},
	sendEvent: {
		call: (client) => project(client).events.send(event),
		sends: sentEvent,
		answer: wireEvent(1),
	},
	sendEvents: {
		call: (client) => project(client).events.sendBatch([event]),
		sends: { events: [sentEvent] },
		answer: { object: "batch", data: [{ status: 202, event: wireEvent(1) }] },
	},
	retryDeliveries: {
		call: (client) => project(client).deliveries.retryMany(many),
		sends: sentMany,
		answer: { object: "deliveriesChanged" },
	},
	cancelDeliveries: {
		call: (client) => project(client).deliveries.cancelMany(many),
		sends: sentMany,
		answer: { object: "deliveriesChanged" },
	},
	updateCustomer: {
		call: (client) =>
			project(client).customers.update("acme", { name: "n", metadata: { a: "b" } } satisfies Full<sdk.UpdateCustomer>),
		sends: { name: "n", metadata: { a: "b" } },
		answer: { object: "customer" },
	},
	putRelay: {
		call: (client) => project(client).relays.put(relay),
		sends: relay,
		answer: { object: "relay" },
	},
	updateRelay: {
		call: (client) => project(client).relays.update("relay_1", relayChanges),
		sends: relayChanges,
		answer: { object: "relay" },
	},
	answerRelayRequest: {
		call: (client) => project(client).relays.answer("relay_1", "dlv_1.1", relayAnswer),
		sends: relayAnswer,
		answer: { object: "relayAnswer" },
	},
	createPortalSession: {
		call: (client) => project(client).portalSessions.create(portalSession),
		sends: portalSession,
		answer: { object: "portalSession" },
	},
	replayWebhook: {
		call: (client) =>
			hooks(client).replay(WEBHOOK_ID, {
				...({
					since: time,
					until: ms + 1,
					eventIds: ["evt_1"],
					status: ["Missed"],
					eventTypes: ["order.*"],
				} satisfies Full<sdk.ReplayWebhook>),
				dryRun: true,
			}),
		sends: {
			since: ms,
			until: ms + 1,
			eventIds: ["evt_1"],
			status: ["Missed"],
			eventTypes: ["order.*"],
			dryRun: true,
		},
		answer: { object: "replayEstimate" },
	},
	createReplays: {
		call: (client) =>
			project(client).replays.create({
				...({
					webhookIds: [WEBHOOK_ID],
					since: time,
					until: ms + 1,
					eventIds: ["evt_1"],
					status: ["Missed"],
					eventTypes: ["order.*"],
				} satisfies Full<sdk.ReplayWebhook & sdk.ReplayTargets>),
				dryRun: true,
			}),
		sends: {
			webhookIds: [WEBHOOK_ID],
			since: ms,
			until: ms + 1,
			eventIds: ["evt_1"],
			status: ["Missed"],
			eventTypes: ["order.*"],
			dryRun: true,
		},
		answer: { object: "replayEstimate" },
	},
};

const queries: { readonly [Operation in keyof wire.Queries]: Case<Full<wire.Queries[Operation]>> } = {
	searchProjects: {
		call: (client) => client.projects.search({ ...listed, q: "shop" } satisfies Full<sdk.ProjectFilter>),
		sends: { ...listed, q: "shop" },
		answer: emptyPage,
	},
	listKeys: { call: (client) => client.keys.list(listed), sends: listed, answer: emptyPage },
	deleteSessions: {
		call: (client) => client.sessions.signOut({ everywhere: true }),
		sends: { everywhere: "true" },
		answer: { object: "sessionsEnded", ended: 2 },
	},
	listWebhooks: {
		call: (client) => hooks(client).list({ ...listed, ...webhookFilter } satisfies Full<sdk.WebhookFilter>),
		sends: { ...listed, ...sentWebhookFilter },
		answer: emptyPage,
	},
	exportWebhooks: {
		call: async (client) => {
			for await (const _webhook of hooks(client).export(webhookFilter)) return;
		},
		sends: { ...sentWebhookFilter, format: "ndjson" },
		answer: raw(200, '{"retries":{}}\n', { "content-type": "application/x-ndjson; charset=utf-8" }),
	},
	testWebhook: {
		call: (client) => hooks(client).test(WEBHOOK_ID, { exchange: true }),
		sends: { exchange: "true" },
		answer: { status: "Ok" },
	},
	listEventTypes: {
		call: (client) =>
			project(client).eventTypes.list({ ...listed, archived: true } satisfies Full<sdk.EventTypeFilter>),
		sends: { ...listed, archived: "true" },
		answer: emptyPage,
	},
	listEvents: {
		call: (client) => project(client).events.list({ ...listed, ...eventFilter } satisfies Full<sdk.EventFilter>),
		sends: { ...listed, ...sentEventFilter },
		answer: emptyPage,
	},
	exportEvents: {
		call: async (client) => {
			for await (const _event of project(client).events.export(eventFilter)) return;
		},
		sends: { ...sentEventFilter, format: "ndjson" },
		answer: exported,
	},
	getEventData: {
		call: (client) => project(client).events.getData("evt_1", { as: "body" } satisfies Full<sdk.EventDataParams>),
		sends: { as: "body" },
		answer: { type: "a" },
	},
	getEventRouting: {
		call: (client) =>
			project(client).events.routing("evt_1", {
				...listed,
				webhookId: WEBHOOK_ID,
				customerId: "acme",
			} satisfies Full<sdk.RoutingFilter>),
		sends: { ...listed, webhookId: WEBHOOK_ID, customerId: "acme" },
		answer: emptyPage,
	},
	listDeliveries: {
		call: (client) =>
			project(client).deliveries.list({
				...listed,
				...filter,
				order: "updated",
			} satisfies Full<sdk.DeliveryListParams>),
		sends: { ...listed, ...sentFilter, order: "updated" },
		answer: emptyPage,
	},
	countDeliveries: {
		call: (client) => project(client).deliveries.count(filter),
		sends: sentFilter,
		answer: { object: "deliveryCount" },
	},
	exportDeliveries: {
		call: async (client) => {
			for await (const _delivery of project(client).deliveries.export(filter)) return;
		},
		sends: { ...sentFilter, format: "ndjson" },
		answer: exported,
	},
	listAttempts: {
		call: (client) => project(client).deliveries.listAttempts("dlv_1", listed),
		sends: listed,
		answer: emptyPage,
	},
	listReplays: {
		call: (client) =>
			project(client).replays.list({ ...listed, webhookId: WEBHOOK_ID } satisfies Full<sdk.ReplayListFilter>),
		sends: { ...listed, webhookId: WEBHOOK_ID },
		answer: emptyPage,
	},
	getProjectStats: { call: (client) => project(client).stats(stats), sends: sentStats, answer: wireStats },
	getWebhookStats: { call: (client) => hooks(client).stats(WEBHOOK_ID, stats), sends: sentStats, answer: wireStats },
	getStatsOfWebhooks: {
		call: (client) => hooks(client).statsOf([WEBHOOK_ID, "webhook_2"], stats),
		sends: { ids: `${WEBHOOK_ID},webhook_2`, ...sentStats },
		answer: wireSeries,
	},
	listCustomers: {
		call: (client) => project(client).customers.list({ ...listed, q: "ac" } satisfies Full<sdk.CustomerFilter>),
		sends: { ...listed, q: "ac" },
		answer: emptyPage,
	},
	exportCustomers: {
		call: async (client) => {
			for await (const _customer of project(client).customers.export({ q: "ac" })) return;
		},
		sends: { q: "ac", format: "ndjson" },
		answer: exported,
	},
	getCustomerStats: {
		call: (client) => project(client).customers.stats("acme", stats),
		sends: sentStats,
		answer: wireStats,
	},
	listPortalSessions: {
		call: (client) =>
			project(client).portalSessions.list({ ...listed, customerId: "acme" } satisfies Full<sdk.PortalSessionFilter>),
		sends: { ...listed, customerId: "acme" },
		answer: emptyPage,
	},
	revokePortalSessions: {
		call: (client) => project(client).portalSessions.revokeAll(revoked),
		sends: revoked,
		answer: { object: "portalSessionsRevoked", count: 2 },
	},
	stream: {
		call: async (client) => {
			const params = {
				kinds: ["event.accepted", "webhook.updated"],
				customerId: "acme",
				webhookId: WEBHOOK_ID,
				eventTypes: ["a", "b"],
				lastEventId: "7",
			} satisfies Full<sdk.StreamParams>;
			for await (const _item of project(client).stream(params)) return;
		},
		sends: { kinds: "event.accepted,webhook.updated", customerId: "acme", webhookId: WEBHOOK_ID, eventTypes: "a,b" },
		answer: raw(200, "data: {}\n\n", { "content-type": "text/event-stream" }),
	},
	listStreamItems: {
		call: (client) =>
			project(client).pollStream({
				kinds: ["event.accepted", "webhook.updated"],
				customerId: "acme",
				webhookId: WEBHOOK_ID,
				eventTypes: ["a", "b"],
				lastEventId: "7",
				limit: 9,
			} satisfies Full<sdk.PollStreamParams>),
		sends: {
			kinds: "event.accepted,webhook.updated",
			customerId: "acme",
			webhookId: WEBHOOK_ID,
			eventTypes: "a,b",
			lastEventId: "7",
			limit: 9,
		},
		answer: { object: "streamItems", data: [], lastEventId: "7", hasMore: false },
	},
	listProjectAuditEntries: {
		call: (client) => project(client).audit.list({ ...listed, ...auditFilter } satisfies Full<sdk.ProjectAuditFilter>),
		sends: { ...listed, ...auditFilter, ...sentRanges },
		answer: emptyPage,
	},
	exportProjectAuditEntries: {
		call: async (client) => {
			for await (const _entry of project(client).audit.export(auditFilter)) return;
		},
		sends: { ...auditFilter, ...sentRanges, format: "ndjson" },
		answer: exported,
	},
	listAuditEntries: {
		call: (client) => client.audit.list({ ...listed, ...workspaceAuditFilter } satisfies Full<sdk.AuditFilter>),
		sends: { ...listed, ...workspaceAuditFilter, ...sentRanges },
		answer: emptyPage,
	},
	exportAuditEntries: {
		call: async (client) => {
			for await (const _entry of client.audit.export(workspaceAuditFilter)) return;
		},
		sends: { ...workspaceAuditFilter, ...sentRanges, format: "ndjson" },
		answer: exported,
	},
};

async function requestOf({ call, answer }: Case<unknown>) {
	await using server = await ScriptedServer.start(typeof answer === "function" ? (answer as Step) : json(200, answer));
	await call(testClient(server).client);
	return server.last;
}

it.each(Object.entries<Case<unknown>>(bodies))("%s sends every field of its body", async (_operation, each) => {
	expect(JSON.parse((await requestOf(each)).body)).toEqual(each.sends);
});

it.each(Object.entries<Case<unknown>>(queries))("%s sends every field of its query", async (_operation, each) => {
	const { searchParams } = new URL((await requestOf(each)).url, "http://localhost");
	// The parameters of an object are its properties.
	const sent = Object.entries(each.sends as object).flatMap(([name, value]) =>
		typeof value === "object" ? Object.entries(value as object) : [[name, String(value)]],
	);
	expect(Object.fromEntries(searchParams)).toEqual(Object.fromEntries(sent));
});

it("a project has every field of the response", async () => {
	const answer: Full<wire.Project> = {
		...wireProject,
		object: "project",
		type: "webhooks",
		localization: "local",
		eventTypes: "catalogued",
		retentionDays: 1,
		payloadRetentionDays: 2,
		maxEventsPerSecond: 3,
		maxStoredBytes: 4,
		maxWebhooksPerCustomer: 5,
		maxReplaysPerCustomer: 6,
		maxStreamsPerCustomer: 7,
		maxTestsPerCustomer: 8,
		revision: 9,
	};
	await using server = await ScriptedServer.start(json(200, answer));
	const { eventTypes, ...same } = answer;
	const project = await testClient(server).client.getProject(PROJECT_ID);
	expect(JSON.parse(JSON.stringify(project))).toEqual({
		...same,
		eventTypePolicy: eventTypes,
	} satisfies Full<sdk.ProjectFields>);
});

it("a webhook has every field of the response", async () => {
	const answer: Full<wire.Webhook> = {
		...wireWebhook,
		object: "webhook",
		customerId: "acme",
		key: "orders",
		retries: { maxRetries: 1, maxBackoffMs: 2, scheduleMs: [3] },
		description: "d",
		eventTypes: ["order.*"],
		headers: { "x-tenant": "***" },
		timeoutMs: 1_000,
		rateLimit: { perSecond: 4 },
		disableAfterMs: 5,
		metadata: { team: "a" },
		status: "Enabled",
		disabledReason: "r",
		pausedReason: "restored",
		secretHint: "LaSw",
		secretOverlapUntil: 6,
		revision: 7,
		health: { state: "Disabling", failingSince: 8, exhaustedCount: 9, disableDate: 10 },
		deliveries: { Pending: 11, Held: 12, Failed: 13 },
		lastAttempt: { date: 14, responseCode: 0, error: "timeout", cause: "connect_timeout", deliveryId: "dlv_1" },
	};
	await using server = await ScriptedServer.start(json(200, answer));
	expect(await hooks(testClient(server).client).get(WEBHOOK_ID)).toEqual({
		...answer,
		retries: { maxRetries: 1, maxRetryDelay: 2, scheduleMs: [3] },
	} satisfies Full<sdk.Webhook>);
});
