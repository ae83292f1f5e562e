// Every call of the HTTP API has a row: the SDK sends the document's method and path, every field of the body or the query, and gives every
// field of the response. The values are complete by their types, so that a new field must be added here.
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import type * as sdk from "../src/index.ts";
import type * as wire from "../src/wire/generated/types.ts";
import type { Full } from "./contract-types.ts";
import {
	emptyPage,
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

type Call = (project: sdk.ProjectHandle, client: sdk.Client) => PromiseLike<unknown>;

/** A call, its response, and what it gives, which defaults to the response. A string stands for a response with this `object`. */
type Plain = readonly [call: Call, answer: unknown, gives?: unknown];
/** The same with the fields that the server gets. The response defaults to an empty page. */
type WithFields<Sent> = readonly [call: Call, sends: Sent, answer?: unknown, gives?: unknown];

interface Operation {
	readonly operationId: string;
	/** Empty for calls that need no key: those of operators and of the documents, which are not in the SDK. */
	readonly security: readonly object[];
	readonly requestBody?: object;
	readonly parameters?: readonly { readonly in: string }[];
	readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

const { paths } = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8")) as {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

/** The ids in the calls, as they are in paths. */
const IDS: Readonly<Record<string, string>> = {
	projectId: PROJECT_ID,
	webhookId: WEBHOOK_ID,
	eventId: "evt_1",
	deliveryId: "dlv_1",
	replayId: "replay_1",
	relayId: "relay_1",
	requestId: "dlv_1.1",
	keyId: "key_1",
	portalSessionId: "portal_1",
	customerId: "a%3Ab",
	eventType: "order.paid",
};

/** The method and the path of each call, by its name in the document. */
const REQUESTS = new Map(
	Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, { operationId }]) => [
			operationId,
			[method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, (_, name: string) => IDS[name] ?? "")],
		]),
	),
);

const time = new Date(1_723_633_671_620);
const ms = time.getTime();
const listed = { limit: 2, page: "p" } satisfies Full<sdk.ListParams>;

const projectSettings = {
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
} satisfies Full<sdk.UpdateProject>;

const key = { name: "n", scope: "read", projectId: PROJECT_ID, expireDate: time } satisfies Full<sdk.CreateKey>;

const typeSettings = {
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
const sentEvent = { ...event, timestamp: ms } satisfies Full<wire.SendEvent>;
const possible = {
	...listed,
	type: "order.paid",
	customerId: "acme",
	customerIds: ["globex"],
} satisfies Full<sdk.MatchEvent>;

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
const sentTimes = { after: ms, updatedAfter: ms };
const many = { ...filter, page: "p" } satisfies Full<sdk.ManyFilter>;
const sentMany = { ...many, ...sentTimes } satisfies Full<wire.DeliveryFilter>;
const sentFilter = {
	...filter,
	...sentTimes,
	eventType: "order.*,user.created",
	status: "Failed,Held",
	responseCode: "5xx,429",
	cause: "not_tls",
};

const settings = {
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
const sentSettings = { ...settings, retries: { maxRetries: 1, maxBackoffMs: 2, scheduleMs: [3] } };
const named = { name: "n", key: "orders" };
const secret = { contents: "c2VjcmV0" };
const created = { ...named, customerId: "acme" };

/** A webhook, and every field of it, as the SDK gives them. */
const fullWebhook: Full<wire.Webhook> = {
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
const webhook = {
	...fullWebhook,
	retries: { maxRetries: 1, maxRetryDelay: 2, scheduleMs: [3] },
} satisfies Full<sdk.Webhook>;
const sameWebhook = [fullWebhook, webhook] as const;

/** A project, and every field of it, as the SDK gives them. */
const { revision: _, ...settingsOfProject } = projectSettings;
const fullProject: Full<wire.Project> = {
	...wireProject,
	...settingsOfProject,
	object: "project",
	type: "webhooks",
	localization: "local",
	revision: 9,
};
const { eventTypes: eventTypePolicy, ...sameFields } = fullProject;
const project = { ...sameFields, eventTypePolicy } satisfies Full<sdk.ProjectFields>;
const sameProject = [fullProject, project] as const;

const ranges = { after: time, before: ms + 1 };
const sentRanges = { after: ms, before: ms + 1 };
const inRows = { format: "ndjson" } as const;
const NDJSON = { "content-type": "application/x-ndjson; charset=utf-8" };
/** What an export answers, and what it gives. */
const exported = [raw(200, '{"n":1}\n', NDJSON), [{ n: 1 }]] as const;
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
const routingFilter = { ...listed, webhookId: WEBHOOK_ID, customerId: "acme" } satisfies Full<sdk.RoutingFilter>;
const stats = { width: "day", from: time, to: ms + 1 } satisfies Full<sdk.StatsParams>;
const sentStats = { width: "day", from: ms, to: ms + 1 } as const;

const portalSession = {
	customerId: "acme",
	capabilities: ["webhooks.write", "replay"],
	expiresInMs: 60_000,
	returnUrl: "https://example.com/account",
	theme: { accent: "#0b7285", background: "#fff", radius: 4, font: "Inter", scheme: "auto" },
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

const replay = {
	since: time,
	until: ms + 1,
	eventIds: ["evt_1"],
	status: ["Missed"],
	eventTypes: ["order.*"],
} satisfies Full<sdk.ReplayWebhook>;
const replays = { ...replay, webhookIds: [WEBHOOK_ID] } satisfies Full<sdk.ReplayWebhook & sdk.ReplayTargets>;
const dryRun = { since: ms, dryRun: true } as const;

const ofStream = {
	kinds: ["event.accepted", "webhook.updated"],
	customerId: "acme",
	webhookId: WEBHOOK_ID,
	eventTypes: ["a", "b"],
	lastEventId: "7",
} satisfies Full<sdk.StreamParams>;
const { lastEventId, ...streamFilter } = ofStream;
const sentOfStream = { ...streamFilter, kinds: "event.accepted,webhook.updated", eventTypes: "a,b" } as const;

const conformOptions = { eventType: "a.b", data: [1], checks: ["stale"], burst: 2, slowMs: 3 };
const tested = { status: "Ok", responseCode: 204, latencyMs: 648, attemptCount: 1, body: null, reason: null };

const bodies: { readonly [Operation in keyof wire.Bodies]: WithFields<Full<wire.Bodies[Operation]>> } = {
	createProject: [
		(_, { projects }) => projects.create({ name: "n" } satisfies Full<Parameters<sdk.Projects["create"]>[0]>),
		{ name: "n" },
		...sameProject,
	],
	updateProject: [(_, { projects }) => projects.update(PROJECT_ID, projectSettings), projectSettings, ...sameProject],
	createKey: [(_, { keys }) => keys.create(key), { ...key, expireDate: ms }, "key"],
	updateKey: [(_, { keys }) => keys.update("key_1", { name: "n" } satisfies Full<sdk.UpdateKey>), { name: "n" }, "key"],
	rollKey: [(_, { keys }) => keys.roll("key_1", { overlapMs: 1 }), { overlapMs: 1 }, "key"],
	createSession: [
		(_, { sessions }) => sessions.signIn({ key: "sk_x", link: "sl_x" } satisfies Full<sdk.SignIn>),
		{ key: "sk_x", link: "sl_x" },
		"session",
	],
	createWebhook: [
		({ batch }) =>
			batch.webhooks.create({ ...created, spec: { ...settings, secret } } satisfies Full<sdk.CreateWebhook>),
		{ ...created, spec: { ...sentSettings, secret } },
		...sameWebhook,
	],
	updateWebhook: [
		({ batch }) =>
			batch.webhooks.update(WEBHOOK_ID, { ...named, spec: settings, revision: 7 } satisfies Full<
				Omit<sdk.UpdateWebhook, "spec">
			> &
				sdk.UpdateWebhook),
		// The server ignores a secret here, so the SDK refuses one.
		{ ...named, spec: { ...sentSettings, secret: undefined }, revision: 7 },
		...sameWebhook,
	],
	updateWebhookSecret: [
		({ batch }) => batch.webhooks.updateSecret(WEBHOOK_ID, "c2VjcmV0", { overlapMs: 1 }),
		{ ...secret, overlapMs: 1 },
		...sameWebhook,
	],
	testWebhook: [
		({ batch }) => batch.webhooks.test(WEBHOOK_ID, { eventType: "order.paid", data: { n: 1 } }),
		{ eventType: "order.paid", data: { n: 1 } },
		tested,
	],
	conformWebhook: [({ batch }) => batch.webhooks.conform(WEBHOOK_ID, conformOptions), conformOptions, "conformance"],
	createEventType: [
		({ eventTypes }) => eventTypes.create({ name: "order.paid", ...typeSettings } satisfies Full<sdk.CreateEventType>),
		{ name: "order.paid", ...typeSettings },
		"eventType",
	],
	putEventType: [({ eventTypes }) => eventTypes.put("order.paid", typeSettings), typeSettings, "eventType"],
	updateEventType: [
		({ eventTypes }) =>
			eventTypes.update("order.paid", { ...typeSettings, revision: 7 } satisfies Full<sdk.UpdateEventType>),
		{ ...typeSettings, revision: 7 },
		"eventType",
	],
	matchEvent: [({ events }) => events.match(possible), possible, { matchedCount: 0, ...emptyPage }],
	sendEvent: [({ events }) => events.send(event), sentEvent, wireEvent(1)],
	sendEvents: [
		({ events }) => events.sendBatch([event]),
		{ events: [sentEvent] },
		{ object: "batch", data: [{ status: 202, event: wireEvent(1) }] },
		[{ status: 202, event: wireEvent(1) }],
	],
	retryDeliveries: [({ deliveries }) => deliveries.retryMany(many), sentMany, "deliveriesChanged"],
	cancelDeliveries: [({ deliveries }) => deliveries.cancelMany(many), sentMany, "deliveriesChanged"],
	updateCustomer: [
		({ customers }) => customers.update("a:b", { name: "n", metadata: { a: "b" } } satisfies Full<sdk.UpdateCustomer>),
		{ name: "n", metadata: { a: "b" } },
		"customer",
	],
	putRelay: [({ relays }) => relays.put(relay), relay, "relay"],
	updateRelay: [({ relays }) => relays.update("relay_1", relayChanges), relayChanges, "relay"],
	answerRelayRequest: [({ relays }) => relays.answer("relay_1", "dlv_1.1", relayAnswer), relayAnswer, "relayAnswer"],
	createPortalSession: [({ portalSessions }) => portalSessions.create(portalSession), portalSession, "portalSession"],
	replayWebhook: [
		({ batch }) => batch.webhooks.replay(WEBHOOK_ID, { ...replay, dryRun: true }),
		{ ...replay, ...dryRun },
		"replayEstimate",
	],
	createReplays: [
		(project) => project.replays.create({ ...replays, dryRun: true }),
		{ ...replays, ...dryRun },
		"replayEstimate",
	],
};

const queries: { readonly [Operation in keyof wire.Queries]: WithFields<Full<wire.Queries[Operation]>> } = {
	searchProjects: [
		(_, { projects }) => projects.search({ ...listed, q: "shop" } satisfies Full<sdk.ProjectFilter>),
		{ ...listed, q: "shop" },
	],
	listKeys: [(_, { keys }) => keys.list(listed), listed, { nextPage: "n", prevPage: "p", data: [{ object: "key" }] }],
	deleteSessions: [
		(_, { sessions }) => sessions.signOut({ everywhere: true }),
		{ everywhere: "true" },
		"sessionsEnded",
	],
	listWebhooks: [
		({ batch }) => batch.webhooks.list({ ...listed, ...webhookFilter } satisfies Full<sdk.WebhookFilter>),
		{ ...listed, ...sentWebhookFilter },
		{ ...emptyPage, data: [fullWebhook] },
		{ ...emptyPage, scannedTo: null, data: [webhook] },
	],
	exportWebhooks: [
		({ batch }) => Array.fromAsync(batch.webhooks.export(webhookFilter)),
		{ ...sentWebhookFilter, ...inRows },
		raw(200, `${JSON.stringify(fullWebhook)}\n`, NDJSON),
		[webhook],
	],
	testWebhook: [
		({ batch }) => batch.webhooks.test(WEBHOOK_ID, { exchange: true }),
		{ exchange: "true" },
		{ ...tested, exchange: { request: { method: "POST" }, response: { responseCode: 200 } } },
	],
	listEventTypes: [
		({ eventTypes }) => eventTypes.list({ ...listed, archived: true } satisfies Full<sdk.EventTypeFilter>),
		{ ...listed, archived: "true" },
	],
	listEvents: [
		({ events }) => events.list({ ...listed, ...eventFilter } satisfies Full<sdk.EventFilter>),
		{ ...listed, ...sentEventFilter },
	],
	exportEvents: [
		({ events }) => Array.fromAsync(events.export(eventFilter)),
		{ ...sentEventFilter, ...inRows },
		...exported,
	],
	getEventData: [
		({ events }) => events.getData("evt_1", { as: "body" } satisfies Full<sdk.EventDataParams>),
		{ as: "body" },
		raw(200, '{"type":"a"}'),
		'{"type":"a"}',
	],
	getEventRouting: [({ events }) => events.routing("evt_1", routingFilter), routingFilter],
	listDeliveries: [
		({ deliveries }) =>
			deliveries.list({ ...listed, ...filter, order: "updated" } satisfies Full<sdk.DeliveryListParams>),
		{ ...listed, ...sentFilter, order: "updated" },
	],
	countDeliveries: [({ deliveries }) => deliveries.count(filter), sentFilter, "deliveryCount"],
	exportDeliveries: [
		({ deliveries }) => Array.fromAsync(deliveries.export(filter)),
		{ ...sentFilter, ...inRows },
		...exported,
	],
	listAttempts: [({ deliveries }) => deliveries.listAttempts("dlv_1", listed), listed],
	listReplays: [
		(project) => project.replays.list({ ...listed, webhookId: WEBHOOK_ID } satisfies Full<sdk.ReplayListFilter>),
		{ ...listed, webhookId: WEBHOOK_ID },
	],
	getProjectStats: [(project) => project.stats(stats), sentStats, "stats"],
	getWebhookStats: [({ batch }) => batch.webhooks.stats(WEBHOOK_ID, stats), sentStats, "stats"],
	getStatsOfWebhooks: [
		({ batch }) => batch.webhooks.statsOf([WEBHOOK_ID, "webhook_2"], stats),
		{ ids: `${WEBHOOK_ID},webhook_2`, ...sentStats },
		"webhookStats",
	],
	listCustomers: [
		({ customers }) => customers.list({ ...listed, q: "ac" } satisfies Full<sdk.CustomerFilter>),
		{ ...listed, q: "ac" },
	],
	exportCustomers: [
		({ customers }) => Array.fromAsync(customers.export({ q: "ac" })),
		{ q: "ac", ...inRows },
		...exported,
	],
	getCustomerStats: [({ customers }) => customers.stats("a:b", stats), sentStats, "stats"],
	listPortalSessions: [
		({ portalSessions }) =>
			portalSessions.list({ ...listed, customerId: "acme" } satisfies Full<sdk.PortalSessionFilter>),
		{ ...listed, customerId: "acme" },
	],
	revokePortalSessions: [
		({ portalSessions }) =>
			portalSessions.revokeAll({ customerId: "acme", keyId: "key_1" } satisfies Full<sdk.RevokePortalSessions>),
		{ customerId: "acme", keyId: "key_1" },
		"portalSessionsRevoked",
	],
	stream: [
		async (project) => {
			for await (const item of project.stream(ofStream)) return item;
			return null;
		},
		sentOfStream,
		raw(200, 'data: {"kind":"gap"}\n\n', { "content-type": "text/event-stream" }),
		{ kind: "gap" },
	],
	listStreamItems: [
		(project) => project.pollStream({ ...ofStream, limit: 9 } satisfies Full<sdk.PollStreamParams>),
		{ ...sentOfStream, lastEventId, limit: 9 },
		{ object: "streamItems", data: [], lastEventId, hasMore: false },
	],
	listProjectAuditEntries: [
		({ audit }) => audit.list({ ...listed, ...auditFilter } satisfies Full<sdk.ProjectAuditFilter>),
		{ ...listed, ...auditFilter, ...sentRanges },
	],
	exportProjectAuditEntries: [
		({ audit }) => Array.fromAsync(audit.export(auditFilter)),
		{ ...auditFilter, ...sentRanges, ...inRows },
		...exported,
	],
	listAuditEntries: [
		(_, { audit }) => audit.list({ ...listed, ...workspaceAuditFilter } satisfies Full<sdk.AuditFilter>),
		{ ...listed, ...workspaceAuditFilter, ...sentRanges },
	],
	exportAuditEntries: [
		(_, { audit }) => Array.fromAsync(audit.export(workspaceAuditFilter)),
		{ ...workspaceAuditFilter, ...sentRanges, ...inRows },
		...exported,
	],
};

const status = { object: "workspaceStatus", version: "0.1.9" };
const relays = [{ object: "relay", id: "relay_1" }];

const plain: Readonly<Record<string, Plain>> = {
	getWorkspace: [(_, client) => client.getInfo(), { id: "ws_1", name: "Ours", tier: "self-hosted" }],
	// A server of an earlier version says nothing of its database, and nothing of the messages of its members.
	getWorkspaceStatus: [
		(_, client) => client.getStatus(),
		{ ...status, members: [{ id: "member" }] },
		{ ...status, database: null, members: [{ id: "member", messages: null }] },
	],
	getEgressAddresses: [(_, client) => client.getEgressAddresses(), "egressAddresses"],
	listProjects: [(_, client) => client.listProjects(), [fullProject], [project]],
	getProject: [(_, client) => client.getProject(PROJECT_ID), ...sameProject],
	deleteProject: [(_, { projects }) => projects.delete(PROJECT_ID), { id: PROJECT_ID, deleted: true }],
	getProjectUsage: [(project) => project.usage(), "projectUsage"],
	getCaller: [(_, client) => client.getCaller(), "caller"],
	deleteKey: [(_, { keys }) => keys.delete("key_1"), { id: "key_1", deleted: true }],
	createSignInLink: [(_, { sessions }) => sessions.createLink(), "signInLink"],
	getWebhook: [({ batch }) => batch.webhooks.get(WEBHOOK_ID), ...sameWebhook],
	deleteWebhook: [({ batch }) => batch.webhooks.delete(WEBHOOK_ID), { id: WEBHOOK_ID, deleted: true }],
	pauseWebhook: [({ batch }) => batch.webhooks.pause(WEBHOOK_ID), ...sameWebhook],
	resumeWebhook: [({ batch }) => batch.webhooks.resume(WEBHOOK_ID), ...sameWebhook],
	releaseWebhook: [({ batch }) => batch.webhooks.release(WEBHOOK_ID), ...sameWebhook],
	releaseProjectWebhooks: [({ batch }) => batch.webhooks.releaseAll(), "webhooksReleased"],
	releaseWebhooks: [(_, client) => client.releaseWebhooks(), "webhooksReleased"],
	getEventType: [({ eventTypes }) => eventTypes.get("order.paid"), "eventType"],
	deleteEventType: [({ eventTypes }) => eventTypes.delete("order.paid"), { id: "order.paid", deleted: true }],
	getEvent: [({ events }) => events.get("evt_1"), wireEvent(1)],
	eraseEventData: [({ events }) => events.eraseData("evt_1"), "erasure"],
	getDelivery: [({ deliveries }) => deliveries.get("dlv_1"), "delivery"],
	retryDelivery: [({ deliveries }) => deliveries.retry("dlv_1"), "delivery"],
	cancelDelivery: [({ deliveries }) => deliveries.cancel("dlv_1"), "delivery"],
	getReplay: [(project) => project.replays.get("replay_1"), "replay"],
	cancelReplay: [(project) => project.replays.cancel("replay_1"), "replay"],
	listRelays: [(project) => project.relays.list(), { object: "relays", data: relays }, relays],
	getRelay: [(project) => project.relays.get("relay_1"), "relay"],
	deleteRelay: [(project) => project.relays.delete("relay_1"), { id: "relay_1", deleted: true }],
	pauseCustomer: [({ customers }) => customers.pause("a:b"), "webhooksChanged"],
	resumeCustomer: [({ customers }) => customers.resume("a:b"), "webhooksChanged"],
	getCustomer: [({ customers }) => customers.get("a:b"), "customer"],
	deleteCustomer: [({ customers }) => customers.delete("a:b"), "customer"],
	getPortalSession: [({ portalSessions }) => portalSessions.get("portal_1"), "portalSession"],
	revokePortalSession: [({ portalSessions }) => portalSessions.revoke("portal_1"), { id: "portal_1", deleted: true }],
};

/** Makes the call, checks what it gives and what it sends beside its fields, and returns the request. */
async function requestOf(operation: string, call: Call, answer: unknown, gives?: unknown) {
	const body = typeof answer === "string" ? { object: answer, more: 1 } : answer;
	await using server = await ScriptedServer.start(typeof body === "function" ? (body as Step) : json(200, body));
	const { client } = testClient(server);
	const isPage = body === emptyPage || (typeof body === "object" && body !== null && "prevPage" in body);
	const expected = isPage && !("matchedCount" in body) ? { scannedTo: null, ...body } : body;
	const result = await call(client.project(PROJECT_ID), client);
	// Without the methods of a project.
	expect(result instanceof Object ? JSON.parse(JSON.stringify(result)) : result).toEqual(gives ?? expected);
	const { method, url, headers, body: sent } = server.last;
	expect(server.requests).toHaveLength(1);
	expect([method, url.split("?")[0]]).toEqual(REQUESTS.get(operation));
	expect(headers).toMatchObject({
		"secret-key": "sk_a-key-that-must-not-be-seen",
		"user-agent": expect.stringMatching(/^fanfare-sdk\/\d+\.\d+\.\d+$/) as string,
	});
	expect(headers).not.toHaveProperty("fanfare-page");
	expect(headers["content-type"]).toBe(sent === "" ? undefined : "application/json");
	return server.last;
}

it.each(Object.entries<Plain>(plain))(
	"%s sends nothing but its path, and gives the response",
	async (operation, row) => {
		const { url, body, headers } = await requestOf(operation, ...row);
		expect([body, url, headers.accept]).toEqual(["", REQUESTS.get(operation)?.[1], "application/json"]);
	},
);

it.each(Object.entries<WithFields<unknown>>(bodies))(
	"%s sends every field of its body, and gives the response",
	async (operation, [call, sends, answer = emptyPage, gives]) => {
		expect(JSON.parse((await requestOf(operation, call, answer, gives)).body)).toEqual(sends);
	},
);

it.each(Object.entries<WithFields<unknown>>(queries))(
	"%s sends every field of its query, and gives the response",
	async (operation, [call, sends, answer = emptyPage, gives]) => {
		const { url } = await requestOf(operation, call, answer, gives);
		// The parameters of an object are its properties.
		const sent = Object.entries(sends as object).flatMap(([name, value]) =>
			typeof value === "object" ? Object.entries(value as object) : [[name, String(value)]],
		);
		expect(Object.fromEntries(new URL(url, "http://localhost").searchParams)).toEqual(Object.fromEntries(sent));
	},
);

it("has a row for every call that needs a key: streams of relays have tests of their own", () => {
	const hasOnlyItsPath = ({ security, requestBody, parameters = [], responses }: Operation) =>
		!("text/event-stream" in (responses["200"]?.content ?? {})) &&
		security.length > 0 &&
		requestBody === undefined &&
		parameters.every((parameter) => parameter.in !== "query");
	const calls = Object.values(paths).flatMap((methods) => Object.values(methods).filter(hasOnlyItsPath));
	expect(Object.keys(plain).toSorted()).toEqual(calls.map(({ operationId }) => operationId).toSorted());
});
