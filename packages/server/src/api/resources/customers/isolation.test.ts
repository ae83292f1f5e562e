// What a customer's token can see and change. The property compares two projects: one has several customers and webhooks of its
// own, the other has one of these customers alone, with the same calls. Whatever that customer asks, both must answer the same,
// so that nothing in an answer depends on others: no id, no payload, no count, no error.
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { EVERY_CUSTOMER, isFor, type EventCustomers } from "../../../core/access/customer.ts";
import { CAPABILITIES, type Capability } from "../../../core/access/principal.ts";
import { eventually, openTestEngine, type TestEngine } from "../../../engine/test/test-engine.ts";
import type { AttemptRequest } from "../../../ports/sender.ts";
import { testApiOn, type TestApi } from "../../test/test-api.ts";

/** Histories that are compared. Each takes a fraction of a second, and several where everything else is busy. */
const RUNS = runs(6);
const TIME_LIMIT_MS = 600_000 + RUNS * 5_000;
const ME = "acme";
const OTHERS = ["globex", "initech"] as const;
const ALL: readonly (string | null)[] = [null, ME, ...OTHERS];
/** Part of whatever belongs to others alone: their names, endpoints, payloads. */
const FOREIGN = "belongs-to-others";

/** The calls about one object, by the prefix of its id, which is `*` in the paths. */
const ABOUT_ONE: Readonly<Record<string, readonly string[]>> = {
	webhook: [
		"GET batch/webhooks/*",
		"GET batch/webhooks/*/stats",
		"PATCH batch/webhooks/*",
		"PUT batch/webhooks/*/secret",
		...["test", "pause", "resume", "replay"].map((action) => `POST batch/webhooks/*:${action}`),
		"DELETE batch/webhooks/*",
	],
	evt: ["GET events/*", "GET events/*/data", "GET events/*/routing"],
	dlv: ["GET deliveries/*", "GET deliveries/*/attempts", "POST deliveries/*:retry", "POST deliveries/*:cancel"],
	replay: ["GET replays/*", "POST replays/*:cancel"],
};
const BODIES: Readonly<Record<string, object>> = {
	"batch/webhooks/*/secret": { contents: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
	"batch/webhooks/*:replay": { since: 0 },
};

const who = fc.constantFrom(...ALL);
/** One step of a history. `who` makes it: a customer, or null for the product itself. */
const step = fc.oneof(
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant("webhook" as const),
			who,
			code: fc.constantFrom(200, 500, 404),
			eventTypes: fc.constantFrom<readonly string[] | null>(null, ["a.*"]),
		}),
	},
	{
		weight: 5,
		arbitrary: fc.record({
			kind: fc.constant("event" as const),
			customers: fc.constantFrom<EventCustomers>(null, ME, ...OTHERS, [ME, "globex"], [...OTHERS], EVERY_CUSTOMER),
			type: fc.constantFrom<string>("a.b", "c.d"),
			tags: fc.subarray<string>(["order:1", "x"]),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constantFrom("pause" as const, "resume" as const, "delete" as const, "replay" as const),
			who,
			pick: fc.nat(20),
		}),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constantFrom("retryAll" as const, "cancelAll" as const),
			who,
			status: fc.constantFrom(null, "Failed", "Held"),
		}),
	},
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;
type Action = (Step & { readonly pick: number })["kind"];
const history = fc.array(step, { minLength: 4, maxLength: 16 });

/** Whether a step is made in the project that has only this customer. */
function concernsMe(one: Step): boolean {
	return one.kind === "event" ? one.customers !== null && isFor(one.customers, ME) : one.who === ME;
}

/** Answers by the code in the path of the endpoint, without a network. */
function respond({ url }: AttemptRequest) {
	const responseCode = Number(new URL(url).pathname.split("/").at(-1));
	const response = { headers: { server: "x" }, body: `answer of ${url}`, bodyTruncated: false };
	const details = { error: null, reason: null, detail: null, cause: null, connection: null };
	return { responseCode, ...details, durationMs: 7, firstByteMs: 3, response };
}

/** A project, and who calls in it. */
class World {
	readonly #api: TestApi;
	readonly #tokens: ReadonlyMap<string, string>;
	readonly #webhooks = new Map<string | null, string[]>();
	#keys = 0;
	readonly token: string;

	private constructor(api: TestApi, tokens: ReadonlyMap<string, string>) {
		this.#api = api;
		this.#tokens = tokens;
		this.token = tokens.get(ME) ?? "";
	}

	/** Every customer gets a token as the product makes them: by a portal session, over HTTP. */
	static async open(api: TestApi): Promise<World> {
		const tokens = new Map<string, string>();
		for (const customerId of [ME, ...OTHERS]) tokens.set(customerId, await api.tokenOf(customerId));
		return new World(api, tokens);
	}

	get test(): TestEngine {
		return this.#api.test;
	}

	async ask(method: string, path: string, body?: object, token: string = this.token) {
		const response = await this.#api.app.request(`/projects/${this.test.projectId}/${path}`, {
			method,
			headers: { "secret-key": token, "content-type": "application/json" },
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		const headers = Object.fromEntries(response.headers);
		return { status: response.status, headers, text: await response.text() };
	}

	/** The response to a call with the customer's token, whose body the caller reads. */
	open(path: string): Response | Promise<Response> {
		return this.#api.app.request(`/projects/${this.test.projectId}/${path}`, { headers: { "secret-key": this.token } });
	}

	async make(one: Step): Promise<void> {
		if (one.kind === "event") {
			const { customers, type, tags } = one;
			const target =
				typeof customers === "string" && customers !== EVERY_CUSTOMER
					? { customerId: customers }
					: { customerIds: customers };
			const data = customers !== null && isFor(customers, ME) ? "mine too" : FOREIGN;
			const idempotencyKey = `${FOREIGN} ${this.#keys++}`;
			const send = { type, data, tags, idempotencyKey, ...target };
			const sent = await this.ask("POST", "events", send, this.#api.keys.admin);
			expect(sent.status).toBe(202);
			return this.#settled();
		}
		const token = one.who === null ? this.#api.keys.admin : (this.#tokens.get(one.who) ?? "");
		if (one.kind === "webhook") await this.#makeWebhook(one, token);
		else if ("pick" in one) await this.#act(one.kind, this.#webhooks.get(one.who) ?? [], one.pick, token);
		else {
			// The product itself has no call that spares the customer.
			if (one.who === null) return;
			const filter = one.status === null ? { after: 0 } : { status: one.status };
			await this.ask("POST", `deliveries:${one.kind === "retryAll" ? "retry" : "cancel"}`, filter, token);
		}
		await this.#settled();
	}

	async #act(action: Action, webhookIds: readonly string[], pick: number, token: string): Promise<void> {
		const id = webhookIds[pick % Math.max(1, webhookIds.length)];
		if (id === undefined) return;
		const path = `batch/webhooks/${id}`;
		if (action === "delete") await this.ask("DELETE", path, undefined, token);
		else if (action === "replay") {
			const { text } = await this.ask("POST", `${path}:replay`, { since: 0, status: ["Missed", "Failed"] }, token);
			await this.#replayed((JSON.parse(text) as { id?: string }).id);
		} else await this.ask("POST", `${path}:${action}`, undefined, token);
	}

	async #makeWebhook({ who: owner, code, eventTypes }: Step & { kind: "webhook" }, token: string): Promise<void> {
		const mark = owner === ME ? "mine" : FOREIGN;
		const spec = {
			endpoint: `https://${mark}.example.com/${code}`,
			eventTypes,
			retries: { maxRetries: 0 },
			disableAfterMs: 0,
		};
		const { text } = await this.ask("POST", "batch/webhooks", { name: mark, spec }, token);
		const known = this.#webhooks.get(owner) ?? [];
		this.#webhooks.set(owner, [...known, (JSON.parse(text) as { id: string }).id]);
	}

	/** Every delivery has been attempted, or is Held or Cancelled because of its webhook. There are no retries. */
	async #settled(): Promise<void> {
		await eventually("all attempts have ended", async () => {
			const { readyDeliveries, inFlightAttempts } = this.test.engine.gauges();
			const waiting = await this.test.deliveries({ statuses: ["Pending"] });
			// A sweep brings the others into the state of their webhook.
			const held = await this.test.deliveries({ statuses: ["Held"] });
			const states = await Promise.all(held.map(({ webhookId }) => this.#webhook(webhookId)));
			const unswept = states.filter((state) => state === undefined || state === "Enabled").length;
			return readyDeliveries + inFlightAttempts + waiting.length + unswept === 0;
		});
	}

	async #replayed(id: string | undefined): Promise<void> {
		if (id === undefined) return;
		await eventually("the replay has ended or waits", async () => {
			this.test.clock.advance(250);
			const replay = await this.test.store.replay(this.test.scope, id);
			const webhook = replay === null ? undefined : await this.#webhook(replay.webhookId);
			return replay?.status !== "Running" || webhook !== "Enabled";
		});
	}

	async #webhook(id: string): Promise<string | undefined> {
		const records = await this.test.store.webhookSummaries(null, 1_000);
		const found = records.find((record) => record.id === id);
		return found?.deleteDate === null ? found.status : undefined;
	}

	/** All that the customer can ask, with the answers. Ids in lists lead to further calls. */
	async everything() {
		const answers: {
			readonly path: string;
			readonly status: number;
			readonly text: string;
			readonly headers: object;
		}[] = [];
		const get = async (path: string) => {
			const answer = await this.ask("GET", path);
			answers.push({ path, ...answer });
			return answer.status === 200 && !path.includes("stats") && !path.includes(":export") ? rowsOf(answer.text) : [];
		};
		for (const { id } of await get("batch/webhooks")) {
			await get(`batch/webhooks/${id}`);
			await get(`batch/webhooks/${id}/stats?width=day`);
			await get(`deliveries?webhookId=${id}`);
		}
		for (const { id } of await get("events")) {
			await get(`events/${id}`);
			answers.push({ path: `events/${id}/data`, ...(await this.ask("GET", `events/${id}/data`)) });
			await get(`deliveries?eventId=${id}`);
		}
		for (const { id } of await get("deliveries")) {
			await get(`deliveries/${id}`);
			await get(`deliveries/${id}/attempts`);
		}
		for (const { id } of await get("replays")) await get(`replays/${id}`);
		for (const path of [
			...QUESTIONS,
			...DELIVERY_QUESTIONS.flatMap((query) => [`deliveries?${query}`, `deliveries:count?${query}`]),
		])
			await get(path);
		return answers;
	}

	/** Every id in the project that is not the customer's own. */
	async foreignIds(): Promise<string[]> {
		const deliveries = await this.test.deliveries();
		const events = await this.test.store.events(
			this.test.scope,
			{ types: null, after: null, before: null },
			{ limit: 1_000, cursor: null },
		);
		const seen = new Set(deliveries.filter(({ customerId }) => customerId === ME).map(({ eventId }) => eventId));
		const replays = await this.test.store.replays(this.test.scope, null, { limit: 1_000, cursor: null });
		return [
			...(await this.#webhooksOfOthers()).map(({ id }) => id),
			...replays.rows.filter(({ customerId }) => customerId !== ME).map(({ id }) => id),
			...deliveries.filter(({ customerId }) => customerId !== ME).map(({ id }) => id),
			...events.rows.filter(({ id }) => !seen.has(id)).map(({ id }) => id),
		];
	}

	/** With each kind of id that is not the customer's, every call about one object answers as with an id of nothing. */
	async expectUnreachable(ids: readonly string[]): Promise<void> {
		for (const [prefix, calls] of Object.entries(ABOUT_ONE)) {
			const foreign = ids.find((id) => id.startsWith(`${prefix}_`));
			if (foreign === undefined) continue;
			const before = await this.others();
			for (const call of calls) {
				const [method = "", path = ""] = call.split(" ");
				const body = method === "GET" || method === "DELETE" ? undefined : (BODIES[path] ?? {});
				const answers = [];
				for (const id of [foreign, `${prefix}_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77`]) {
					const { status, text } = await this.ask(method, path.replace("*", id), body);
					answers.push({ status, text: text.replaceAll(/req_[0-9a-f]+/g, "") });
				}
				expect(answers[0]).toMatchObject({ status: 404 });
				expect(answers[0]).toEqual(answers[1]);
			}
			expect(await this.others()).toEqual(before);
		}
	}

	async #webhooksOfOthers() {
		const webhooks = await this.test.store.webhookSummaries(null, 1_000);
		return webhooks.filter(({ projectId, customerId }) => projectId === this.test.projectId && customerId !== ME);
	}

	/** The state of everything that does not belong to the customer. */
	async others() {
		const deliveries = await this.test.deliveries();
		const webhooks = await this.#webhooksOfOthers();
		return { deliveries: deliveries.filter(({ customerId }) => customerId !== ME), webhooks };
	}
}

const KEY = FOREIGN.replace("-", "%2D");
/** What a customer asks, some of which it may not ask. */
const QUESTIONS = [
	...["type=a.b", `customerId=${ME}`, "tag=order:1", "tag=order:1&type=a.b", "type=a.*,c.d"].map(
		(query) => `events?${query}`,
	),
	...[`idempotencyKey=${KEY}%200`, "unmatched=true"].flatMap((query) => [`events?${query}`, `events:export?${query}`]),
	...["", "?tag=order:1&format=csv"].map((query) => `events:export${query}`),
	...["?status=Failed", "?responseCode=500", ":export", ":export?status=Failed,Held&format=csv"].map(
		(rest) => `deliveries${rest}`,
	),
	...[":export", ":export?q=o&format=csv", "?q=mine", "?q=others", "?status=Paused,Disabled"].map(
		(rest) => `batch/webhooks${rest}`,
	),
	...["?health=Healthy", "?eventType=c.d"].map((rest) => `batch/webhooks${rest}`),
	...["events", "deliveries", "batch/webhooks"].flatMap((list) => [
		`${list}?customerId=globex`,
		`${list}:export?customerId=globex`,
	]),
	..."stats?width=day customers/globex/stats event-types keys customers customers:export audit audit:export".split(" "),
	`customers/${ME}/stats`,
];
/** Filters of lists and counts of deliveries. */
const DELIVERY_QUESTIONS = [
	"status=Failed,Held,Cancelled",
	"status=Succeeded,Pending&eventType=a.*",
	"responseCode=5xx,404,0",
	"responseCode=2xx",
	"cause=status_404,status_5xx,refused",
	"error=timeout",
	"eventType=a.*,c.d",
	"tag=order:1",
	"tag=x&status=Failed,Succeeded&eventType=a.b",
	"updatedAfter=1&status=Failed",
	"updatedBefore=9000000000000",
	"after=1",
	"customerId=globex",
];

function rowsOf(text: string): { id: string }[] {
	const { data } = JSON.parse(text) as { data?: unknown };
	return Array.isArray(data) ? (data as { id: string }[]) : [];
}

/**
 * Answers with ids replaced by the order in which they appear. Left out: `revision`, the version of the project, which says only
 * that something in the project has changed, dates, since the two projects live one after the other, and which of several
 * attempts at once was recorded last.
 */
function comparable(answers: readonly object[]): string[] {
	const names = new Map<string, string>();
	const text = JSON.stringify(answers)
		.replaceAll(/\\"revision\\":\d+/g, "")
		.replaceAll(/req_[0-9a-f]+|"x-request-id":"[^"]*"/g, "")
		.replaceAll(/(\\"lastAttempt\\":\{[^}]*\\"deliveryId\\":)[^}]*/g, "$1")
		// The same in the CSV of webhooks, after its date.
		.replaceAll(/(\dZ,)dlv_[0-9a-f-]{36}/g, "$1")
		.replaceAll(/\\"secretHint\\":\\"[^\\]*\\"/g, "")
		.replaceAll(/v1,[A-Za-z0-9+/=]{8}…/g, "v1")
		.replaceAll(/\b1[78]\d{11}\b|\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, "time")
		.replaceAll(/webhook-timestamp\\":\\"\d+/g, "webhook-timestamp")
		.replaceAll(/(proj_[0-9a-f]{32})/g, "proj");
	const named = text.replaceAll(/(?:webhook|evt|dlv|atm|replay)_[0-9a-f-]{36}/g, (id) => {
		const name = names.get(id) ?? `id${names.size}`;
		names.set(id, name);
		return name;
	});
	return named.split('{"path"');
}

const MARK = "end.mark";

/** The live stream of a project as the customer's token opens it, over HTTP. */
class Stream {
	readonly #reader: ReadableStreamDefaultReader<string>;
	#text = "";

	private constructor(reader: ReadableStreamDefaultReader<string>) {
		this.#reader = reader;
	}

	static async open(world: World): Promise<Stream> {
		const { body } = await world.open("stream");
		if (body === null) throw new Error("the stream was refused");
		return new Stream(body.pipeThrough(new TextDecoderStream()).getReader());
	}

	/** The items until an event is sent that the customer gets in any case. */
	async itemsUntilMark(world: World): Promise<string[]> {
		await world.make({ kind: "webhook", who: ME, code: 200, eventTypes: [MARK] });
		await world.make({ kind: "event", customers: ME, type: MARK, tags: [] });
		const items: string[] = [];
		for (;;) {
			for (const item of await this.#read()) {
				if (item["kind"] === "event.accepted" && item["eventType"] === MARK) return items;
				items.push(JSON.stringify({ ...item, id: "" }));
			}
		}
	}

	close(): Promise<void> {
		return this.#reader.cancel();
	}

	/** The next items, some or none. */
	async #read(): Promise<Record<string, unknown>[]> {
		const { done, value } = await this.#reader.read();
		if (done) throw new Error("the stream has ended");
		this.#text += value;
		const messages = this.#text.split("\n\n");
		this.#text = messages.pop() ?? "";
		return messages.flatMap((message) => {
			const data = message.split("\n").find((line) => line.startsWith("data: "));
			return data === undefined ? [] : [JSON.parse(data.slice("data: ".length)) as Record<string, unknown>];
		});
	}
}

async function openWorlds() {
	const test = await openTestEngine({ beforeSend: respond, guard: { reject: () => null } as never });
	const world = async () => {
		const project = await test.engine.projects.create("One", null);
		return World.open(await testApiOn(test, project));
	};
	return { test, world, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

describe("a customer's token", () => {
	it(
		"gets the same answers, counts, stream and errors whether or not there are others, and changes nothing of theirs",
		async () => {
			await fc.assert(
				fc.asyncProperty(history, async (steps) => {
					// A new store each time: reading all webhooks would take longer with each history.
					await using worlds = await openWorlds();
					const [shared, alone] = [await worlds.world(), await worlds.world()];
					const [sharedStream, aloneStream] = [await Stream.open(shared), await Stream.open(alone)];
					for (const one of steps) {
						const before = await shared.others();
						await shared.make(one);
						if (one.kind !== "event" && one.who === ME) expect(await shared.others()).toEqual(before);
						if (concernsMe(one)) await alone.make(one);
					}
					const [seen, expected] = [await shared.everything(), await alone.everything()];
					expect(comparable(seen)).toEqual(comparable(expected));
					const [items, expectedItems] = [
						await sharedStream.itemsUntilMark(shared),
						await aloneStream.itemsUntilMark(alone),
					];
					const kinds = (list: string[]) =>
						list.map((item) => comparable([JSON.parse(item) as object]).join()).toSorted((a, b) => (a < b ? -1 : 1));
					expect(kinds(items)).toEqual(kinds(expectedItems));
					const text = JSON.stringify([seen, items]);
					expect(text).not.toContain(FOREIGN);
					for (const id of await shared.foreignIds()) expect(text).not.toContain(id);
					for (const customerId of OTHERS) {
						const named = seen.filter(
							({ path, text: answer }) => !path.includes(customerId) && answer.includes(customerId),
						);
						expect(named).toEqual([]);
					}
					await shared.expectUnreachable(await shared.foreignIds());
					await sharedStream.close();
					await aloneStream.close();
				}),
				{ numRuns: RUNS },
			);
		},
		TIME_LIMIT_MS,
	);

	/** A project with a Failed delivery of each of two customers. */
	async function withFailures() {
		const worlds = await openWorlds();
		const world = await worlds.world();
		for (const owner of [ME, "globex"]) await world.make({ kind: "webhook", who: owner, code: 500, eventTypes: null });
		await world.make({ kind: "event", customers: EVERY_CUSTOMER, type: "a.b", tags: [] });
		const failed = await world.test.deliveries({ statuses: ["Failed"] });
		const mine = failed.find(({ customerId }) => customerId === ME);
		const foreign = failed.find(({ customerId }) => customerId === "globex");
		if (mine === undefined || foreign === undefined) throw new Error("no delivery has failed");
		return { world, mine, foreign, [Symbol.asyncDispose]: () => worlds[Symbol.asyncDispose]() };
	}

	it("retries by filter only its own deliveries, whatever the filter says", async () => {
		await using setting = await withFailures();
		const { world, foreign } = setting;
		for (const { customerId, webhookId } of await world.test.deliveries()) {
			if (customerId === ME) await world.test.engine.webhooks.resume(world.test.change, webhookId);
		}
		await world.test.engine.webhooks.resume(world.test.change, foreign.webhookId);
		const filters = [
			{ status: "Failed" },
			{ eventId: foreign.eventId },
			{ webhookId: foreign.webhookId },
			{ after: 0 },
		];
		for (const filter of filters) {
			const { status, text } = await world.ask("POST", "deliveries:retry", filter);
			expect(status).toBe(200);
			expect((JSON.parse(text) as { matched: number }).matched).toBe("webhookId" in filter ? 0 : 1);
		}
		expect(await world.test.store.delivery(world.test.scope, foreign.id)).toEqual(foreign);
	});

	it("lists only its own, and does not reach another customer's objects by their ids, in paths or in filters", async () => {
		await using setting = await withFailures();
		const { world, mine, foreign } = setting;
		await world.make({ kind: "event", customers: "globex", type: "a.b", tags: [] });
		const listed = async (path: string) => rowsOf((await world.ask("GET", path)).text);
		expect((await listed("batch/webhooks")).map(({ id }) => id)).toEqual([mine.webhookId]);
		expect((await listed("deliveries")).map(({ id }) => id)).toEqual([mine.id]);
		expect(await listed("events")).toMatchObject([{ id: mine.eventId, customerId: ME, deliveryCount: 1 }]);
		for (const list of ["deliveries", "replays"])
			expect(await listed(`${list}?webhookId=${foreign.webhookId}`)).toEqual([]);
		await world.expectUnreachable([foreign.id, foreign.webhookId]);
		expect(await world.test.store.delivery(world.test.scope, foreign.id)).toEqual(foreign);
	});
});

it("a customer's token has its capabilities, no view of the project's usage or changes, and no payload without that capability", async () => {
	await using test = await openTestEngine({ beforeSend: respond, guard: { reject: () => null } as never });
	const api = await testApiOn(test, test.engine.projects.get(test.scope));
	const { id: webhookId } = await test.createWebhook("https://mine.example.com/200", { customerId: ME });
	const eventId = await test.send({ customers: ME, dataJson: '"hush"' });
	const { id } = await test.delivery(eventId, { status: "Succeeded" });
	const ask = async (method: string, path: string, capabilities: readonly Capability[]) => {
		const headers = { "secret-key": await api.tokenOf(ME, capabilities), "content-type": "application/json" };
		const init = { method, headers, ...(method !== "GET" && { body: "{}" }) };
		const response = await api.app.request(`/projects/${test.projectId}/${path}`, init);
		return { status: response.status, text: await response.text() };
	};
	const webhook = `batch/webhooks/${webhookId}`;
	for (const [needed, method, path] of [
		["webhooks.write", "PATCH", webhook],
		["webhooks.write", "POST", `${webhook}:pause`],
		["secrets.rotate", "PUT", `${webhook}/secret`],
		["deliveries.retry", "POST", `deliveries/${id}:retry`],
		["deliveries.retry", "POST", "deliveries:cancel"],
		["replay", "POST", `${webhook}:replay`],
	] as const) {
		const others = CAPABILITIES.filter((capability) => capability !== needed);
		expect((await ask(method, path, others)).status).toBe(403);
		expect((await ask(method, path, [needed])).status).not.toBe(403);
	}
	for (const call of [
		"GET usage",
		`POST ${webhook}:release`,
		"POST batch/webhooks:release",
		"GET deliveries?order=updated&status=Failed",
	]) {
		const [method = "", path = ""] = call.split(" ");
		expect([call, (await ask(method, path, CAPABILITIES)).status]).toEqual([call, 403]);
	}
	const without = CAPABILITIES.filter((capability) => capability !== "payloads.read");
	const [hidden, shown] = [
		await ask("GET", `events/${eventId}`, without),
		await ask("GET", `events/${eventId}`, ["payloads.read"]),
	];
	expect(JSON.parse(hidden.text)).toMatchObject({ data: null, dataErased: false, dataHidden: true });
	expect(JSON.parse(shown.text)).toMatchObject({ data: "hush", dataErased: false });
	expect(shown.text).not.toContain("dataHidden");
	expect((await ask("GET", `deliveries/${id}`, without)).text).not.toContain("answer of");
	expect((await ask("GET", `deliveries/${id}`, ["payloads.read"])).text).toContain("answer of");
});
