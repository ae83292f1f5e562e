// A fake of the engine's public calls, for tests of the API alone: parsing, limits, errors, keys. Everything about
// delivering is tested with the real engine.
import { generateSecretKey, keyDigest, sameDigest, type ApiKey, type Scope } from "../../core/crypto/key.ts";
import { FanfareError } from "../../core/errors.ts";
import type { Event, EventInput } from "../../core/event.ts";
import { createIdMaker, makeProjectId, makeWorkspaceId } from "../../core/ids.ts";
import type { Page } from "../../core/page.ts";
import { sumBuckets } from "../../core/stats/stats.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { Project } from "../../core/workspace.ts";
import type { Engine, SentEvent, Webhooks, WebhookSettings } from "../../engine/calls.ts";
import { LiveHub } from "../../engine/live/live-hub.ts";
import type { RequestLine } from "../../ports/log.ts";
import { createApp } from "../app.ts";
import type { ApiDeps } from "../deps.ts";
import { fakeEventTypes } from "./fake-event-types.ts";
import { fakeReplays, type AskedReplay } from "./fake-replays.ts";

const NOW = 1_723_633_671_620;

/** An app with the fake engine, and everything that the tests look at. */
export interface FakeApi {
	readonly app: ReturnType<typeof createApp>;
	readonly engine: Engine;
	readonly deps: ApiDeps;
	readonly project: Project;
	readonly other: Project;
	/** Keys of the whole workspace by scope, and `admin` keys of one project. */
	readonly keys: Readonly<Record<Scope | "project" | "projectRead" | "other", string>>;
	readonly sent: EventInput[];
	readonly created: { settings: WebhookSettings; secret: Uint8Array | null }[];
	readonly patches: Parameters<Webhooks["update"]>[2][];
	readonly replaysAsked: AskedReplay[];
	readonly audited: Parameters<Engine["audit"]["record"]>[0][];
	readonly lines: RequestLine[];
}

export async function fakeApi(overrides: Partial<ApiDeps> = {}): Promise<FakeApi> {
	const recorded = { audited: [], sent: [], created: [], patches: [], replaysAsked: [] };
	const engine = fakeEngine(recorded);
	const lines: RequestLine[] = [];
	const deps: ApiDeps = {
		engine,
		store: emptyStore,
		metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4; charset=utf-8", text: "fanfare_up 1\n" }),
		requestLog: (line) => lines.push(line),
		clientAddress: () => null,
		version: "0.0.0-test",
		publicUrl: null,
		...overrides,
	};
	const project = await engine.projects.create("My project");
	const other = await engine.projects.create("Another");
	const make = async (scope: Scope, projectId: string | null = null): Promise<string> =>
		(await engine.keys.create({ name: "test", scope, projectId })).secretKey;
	const keys = {
		read: await make("read"),
		write: await make("write"),
		admin: await make("admin"),
		project: await make("admin", project.id),
		projectRead: await make("read", project.id),
		other: await make("admin", other.id),
	};
	return { app: createApp(deps), engine, deps, project, other, keys, lines, ...recorded };
}

const emptyStore: ApiDeps["store"] = {
	events: () => Promise.resolve(emptyPage),
	event: () => Promise.resolve(null),
	eventBody: () => Promise.resolve(null),
	deliveries: () => Promise.resolve(emptyPage),
	delivery: () => Promise.resolve(null),
	attempts: () => Promise.resolve([]),
	auditEntries: () => Promise.resolve(emptyPage),
};
const emptyPage: Page<never> = { rows: [], hasNewer: false, hasOlder: false };

function fakeEngine(recorded: Pick<FakeApi, "audited" | "sent" | "created" | "patches" | "replaysAsked">): Engine {
	const ids = createIdMaker();
	const projects = new Map<string, Project>();
	const workspace = { id: makeWorkspaceId(), name: "Fanfare", owner: "you", tier: "self-hosted", createDate: NOW };
	const getProject = (id: string): Project => found(projects.get(id), "project_not_found");
	const saveProject = (project: Project): Promise<Project> => {
		projects.set(project.id, project);
		return Promise.resolve(project);
	};
	const webhooks = fakeWebhooks(() => ids.make("webhook", NOW), recorded);
	return {
		workspace,
		projects: {
			list: () => [...projects.values()],
			get: getProject,
			create: (name) =>
				saveProject({
					id: makeProjectId(),
					workspaceId: workspace.id,
					name,
					eventTypes: "open",
					retentionDays: null,
					payloadRetentionDays: null,
					createDate: NOW,
				}),
			update: (id, changes) => saveProject({ ...getProject(id), ...changes }),
			delete: (id) => Promise.resolve(void projects.delete(getProject(id).id)),
		},
		keys: fakeKeys(() => ids.make("key", NOW), getProject),
		webhooks,
		replays: fakeReplays(
			() => ids.make("replay", NOW),
			NOW,
			(projectId, id) => (id === null ? getProject(projectId) : webhooks.get(projectId, id)),
			recorded.replaysAsked,
		),
		live: new LiveHub({ now: () => NOW, after: () => () => {} }),
		eventTypes: fakeEventTypes(NOW, getProject),
		intake: {
			send: (projectId, input) => Promise.resolve(sendOne(recorded.sent, ids.make("evt", NOW), projectId, input)),
			sendBatch: (projectId, inputs) =>
				Promise.resolve(
					inputs.map((input) => resultOf(() => sendOne(recorded.sent, ids.make("evt", NOW), projectId, input))),
				),
		},
		deliveries: fakeDeliveries(getProject),
		events: {
			erasePayload: () =>
				Promise.reject(new FanfareError("event_not_found", "There is no such event in this project.")),
		},
		stats: fakeStats((projectId, id) => (id === null ? getProject(projectId) : webhooks.get(projectId, id))),
		audit: fakeAudit(recorded.audited),
		readiness: () => Promise.resolve({ ready: true, checks: { store: { ok: true, message: "can be written" } } }),
		gauges: () => {
			throw new Error("not part of the fake");
		},
		start: () => Promise.resolve(),
		stop: () => Promise.resolve(),
	};
}

/** Stats of a project in which nothing has happened. */
function fakeStats(check: (projectId: string, webhookId: string | null) => unknown): Engine["stats"] {
	return {
		read: async (projectId, webhookId, { width, from, to }) => {
			check(projectId, webhookId);
			const range = { from: from ?? 0, to: to ?? 0 };
			const deliveries = { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
			return { width, ...range, buckets: [], totals: sumBuckets([], range.from), deliveries };
		},
	};
}

/** The id of an entry is its index in the list. */
function fakeAudit(entries: FakeApi["audited"]): Engine["audit"] {
	return {
		record: (entry) => Promise.resolve(String(entries.push(entry) - 1)),
		amend(entryId, object) {
			const entry = entries[Number(entryId)];
			if (entry !== undefined) entries[Number(entryId)] = { ...entry, ...object };
			return Promise.resolve();
		},
		withdraw: (entryId) => Promise.resolve(void entries.splice(Number(entryId), 1)),
	};
}

/** A project without deliveries. */
function fakeDeliveries(getProject: (id: string) => Project): Engine["deliveries"] {
	const none = (projectId: string): Promise<never> => {
		getProject(projectId);
		return Promise.reject(new FanfareError("delivery_not_found", "There is no such delivery in this project."));
	};
	const nothing = (projectId: string) => {
		getProject(projectId);
		return Promise.resolve({ matched: 0, changed: 0, complete: true });
	};
	return { retry: none, cancel: none, retryMany: nothing, cancelMany: nothing };
}

function fakeKeys(makeId: () => string, getProject: (id: string) => Project): Engine["keys"] {
	const keys: ApiKey[] = [];
	return {
		authenticate: (written) => keys.find(({ digest }) => sameDigest(digest, keyDigest(written))) ?? null,
		list: () => ({ rows: keys.toReversed(), hasNewer: false, hasOlder: false }),
		create({ name, scope, projectId }) {
			if (projectId !== null) getProject(projectId);
			const secretKey = generateSecretKey();
			const digest = keyDigest(secretKey);
			const key = { id: makeId(), name, scope, projectId, hint: secretKey.slice(-4), digest, createDate: NOW };
			keys.push(key);
			return Promise.resolve({ key, secretKey });
		},
		delete(keyId) {
			const index = keys.findIndex(({ id }) => id === keyId);
			if (index === -1) return Promise.reject(new FanfareError("key_not_found", "There is no such key."));
			keys.splice(index, 1);
			return Promise.resolve();
		},
	};
}

function fakeWebhooks(makeId: () => string, recorded: Pick<FakeApi, "created" | "patches">): Webhooks {
	const webhooks = new Map<string, Webhook>();
	const get = (projectId: string, id: string): Webhook => {
		const webhook = webhooks.get(id);
		return found(webhook?.projectId === projectId ? webhook : undefined, "webhook_not_found");
	};
	const save = (webhook: Webhook): Promise<Webhook> => {
		webhooks.set(webhook.id, webhook);
		return Promise.resolve(webhook);
	};
	return {
		get,
		create(projectId, settings, secret) {
			recorded.created.push({ settings, secret });
			const { headers, ...rest } = settings;
			const fixed = {
				status: "Enabled",
				disabledReason: null,
				secretHint: "LaSw",
				secretOverlapUntil: null,
				createDate: NOW,
				updateDate: NOW,
			} as const;
			return save({ id: makeId(), projectId, ...rest, headerNames: Object.keys(headers), ...fixed });
		},
		list: (projectId) => {
			const rows = [...webhooks.values()].filter((webhook) => webhook.projectId === projectId).toReversed();
			return Promise.resolve({ rows, hasNewer: false, hasOlder: false });
		},
		async update(projectId, id, patch) {
			const webhook = get(projectId, id);
			recorded.patches.push(patch);
			const { headers, ...rest } = patch;
			const headerNames = headers === undefined ? webhook.headerNames : Object.keys(headers);
			return save({ ...webhook, ...rest, retries: { ...webhook.retries, ...patch.retries }, headerNames });
		},
		updateSecret: async (projectId, id) => get(projectId, id),
		async test(projectId, id) {
			get(projectId, id);
			return { status: "Ok", responseCode: 204, latencyMs: 5, attemptCount: 1, body: null, reason: null };
		},
		pause: async (projectId, id) => save({ ...get(projectId, id), status: "Paused" }),
		resume: async (projectId, id) => save({ ...get(projectId, id), status: "Enabled" }),
		delete: async (projectId, id) => void webhooks.delete(get(projectId, id).id),
	};
}

/** Refuses an event of the type `test.conflict`, so that tests can see an error that comes from the engine. */
function sendOne(sent: EventInput[], id: string, projectId: string, input: EventInput): SentEvent {
	if (input.type === "test.conflict") {
		const issues = [{ path: "idempotencyKey", message: "belongs to another event" }];
		throw new FanfareError("idempotency_conflict", "This idempotencyKey belongs to another event.", { issues });
	}
	sent.push(input);
	const timestamp = input.timestamp ?? NOW;
	const event: Event = { id, projectId, type: input.type, timestamp, createDate: NOW, deliveryCount: 0 };
	return { event, duplicate: false };
}

function resultOf(send: () => SentEvent): SentEvent | FanfareError {
	try {
		return send();
	} catch (error) {
		if (error instanceof FanfareError) return error;
		throw error;
	}
}

function found<T>(value: T | undefined, code: "project_not_found" | "webhook_not_found"): T {
	if (value === undefined) throw new FanfareError(code, "Nothing has this id.");
	return value;
}
