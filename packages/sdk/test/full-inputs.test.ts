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
import { emptyPage, wireStats } from "./wire-case.ts";

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
} satisfies Full<sdk.EventTypeSettings>;

const event = {
	type: "order.paid",
	data: { n: 1 },
	timestamp: time,
	idempotencyKey: "k",
	webhookIds: [WEBHOOK_ID],
} satisfies Full<sdk.SendEvent>;
const sentEvent = { ...event, timestamp: ms } satisfies Full<wire.SendEvent>;

const many = {
	webhookId: WEBHOOK_ID,
	eventId: "evt_1",
	eventType: "order.paid",
	status: "Failed",
	responseCode: 500,
	after: time,
	before: ms + 1,
} satisfies Full<sdk.ManyFilter>;
const sentMany = { ...many, after: ms } satisfies Full<wire.DeliveryFilter>;

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
} satisfies Full<NonNullable<sdk.UpdateWebhook["spec"]>>;
const sentSettings = { ...settingsOfUpdate, retries: { maxRetries: 1, maxBackoffMs: 2, scheduleMs: [3] } };

const ranges = { after: time, before: ms + 1 };
const sentRanges = { after: ms, before: ms + 1 };
const listed = { limit: 2, page: "p" } satisfies Full<sdk.ListParams>;
const stats = { width: "day", from: time, to: ms + 1 } satisfies Full<sdk.StatsParams>;
const sentStats = { width: "day", from: ms, to: ms + 1 } as const;

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
			} satisfies Full<sdk.UpdateProject>),
		sends: { name: "n", eventTypes: "open", retentionDays: 1, payloadRetentionDays: 2 },
		answer: wireProject,
	},
	createKey: {
		call: (client) =>
			client.keys.create({ name: "n", scope: "read", projectId: PROJECT_ID } satisfies Full<sdk.CreateKey>),
		sends: { name: "n", scope: "read", projectId: PROJECT_ID },
		answer: { object: "key" },
	},
	createWebhook: {
		call: (client) =>
			hooks(client).create({
				name: "n",
				spec: { ...settingsOfUpdate, secret: { contents: "c2VjcmV0" } },
			} satisfies Full<sdk.CreateWebhook>),
		sends: { name: "n", spec: { ...sentSettings, secret: { contents: "c2VjcmV0" } } },
		answer: wireWebhook,
	},
	updateWebhook: {
		call: (client) =>
			hooks(client).update(WEBHOOK_ID, {
				name: "n",
				spec: settingsOfUpdate,
				revision: 7,
			} satisfies Full<sdk.UpdateWebhook>),
		// The server ignores a secret here, so the SDK's type has none.
		sends: { name: "n", spec: { ...sentSettings, secret: undefined }, revision: 7 },
		answer: wireWebhook,
	},
	updateWebhookSecret: {
		call: (client) => hooks(client).updateSecret(WEBHOOK_ID, "c2VjcmV0", { overlapMs: 1 }),
		sends: { contents: "c2VjcmV0", overlapMs: 1 },
		answer: wireWebhook,
	},
	testWebhook: {
		call: (client) => hooks(client).test(WEBHOOK_ID, { eventType: "order.paid" }),
		sends: { eventType: "order.paid" },
		answer: { status: "Ok" },
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
	replayWebhook: {
		call: (client) =>
			hooks(client).replay(WEBHOOK_ID, {
				...({
					since: time,
					until: ms + 1,
					status: ["Missed"],
					eventTypes: ["order.*"],
				} satisfies Full<sdk.ReplayWebhook>),
				dryRun: true,
			}),
		sends: { since: ms, until: ms + 1, status: ["Missed"], eventTypes: ["order.*"], dryRun: true },
		answer: { object: "replayEstimate" },
	},
};

const queries: { readonly [Operation in keyof wire.Queries]: Case<Full<wire.Queries[Operation]>> } = {
	listKeys: { call: (client) => client.keys.list(listed), sends: listed, answer: emptyPage },
	listWebhooks: { call: (client) => hooks(client).list(listed), sends: listed, answer: emptyPage },
	listEventTypes: {
		call: (client) =>
			project(client).eventTypes.list({ ...listed, archived: true } satisfies Full<sdk.EventTypeFilter>),
		sends: { ...listed, archived: "true" },
		answer: emptyPage,
	},
	listEvents: {
		call: (client) =>
			project(client).events.list({ ...listed, ...ranges, type: "order.paid" } satisfies Full<sdk.EventFilter>),
		sends: { ...listed, ...sentRanges, type: "order.paid" },
		answer: emptyPage,
	},
	listDeliveries: {
		call: (client) => project(client).deliveries.list({ ...listed, ...many } satisfies Full<sdk.DeliveryFilter>),
		sends: { ...listed, ...sentMany },
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
	stream: {
		call: async (client) => {
			const params = {
				kinds: ["event.accepted", "webhook.updated"],
				webhookId: WEBHOOK_ID,
				eventTypes: ["a", "b"],
				lastEventId: "7",
			} satisfies Full<sdk.StreamParams>;
			for await (const _item of project(client).stream(params)) return;
		},
		sends: { kinds: "event.accepted,webhook.updated", webhookId: WEBHOOK_ID, eventTypes: "a,b" },
		answer: raw(200, "data: {}\n\n", { "content-type": "text/event-stream" }),
	},
	listAuditEntries: {
		call: (client) =>
			client.audit.list({
				...listed,
				...ranges,
				keyId: "key_1",
				projectId: PROJECT_ID,
				objectId: WEBHOOK_ID,
				action: "webhook.update",
			} satisfies Full<sdk.AuditFilter>),
		sends: {
			...listed,
			...sentRanges,
			keyId: "key_1",
			projectId: PROJECT_ID,
			objectId: WEBHOOK_ID,
			action: "webhook.update",
		},
		answer: emptyPage,
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
	const sent = Object.entries(each.sends as object).map(([name, value]) => [name, String(value)]);
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
		secretHint: "LaSw",
		secretOverlapUntil: 6,
		revision: 7,
	};
	await using server = await ScriptedServer.start(json(200, answer));
	expect(await hooks(testClient(server).client).get(WEBHOOK_ID)).toEqual({
		...answer,
		retries: { maxRetries: 1, maxRetryDelay: 2, scheduleMs: [3] },
	} satisfies Full<sdk.Webhook>);
});
