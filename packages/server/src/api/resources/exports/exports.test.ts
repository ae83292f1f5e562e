// Exports of lists as files: the rows of the list, with its filters and for its callers, in pages that are read when the client wants them.
import { describe, expect, it } from "vitest";

import { StoreError } from "../../../ports/store/errors.ts";
import { as, comparable, expectRefusals, linesOf, problem, rowsOf } from "../../test/answers.ts";
import { callerAlone, type Caller } from "../../test/caller.ts";
import { EXPORT_LIMITS } from "./export-places.ts";

const LOST = new StoreError("store_unavailable", "the store is away");
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const [LONG_AGO, FAR_AWAY] = [Date.UTC(2000, 0), Date.UTC(2100, 0)];
const DATE = "\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z";

/** A list, with a call of the store that reads its pages. */
interface List {
	readonly path: string;
	/** The name of the file without its extension. */
	readonly file: string;
	readonly read: "events" | "deliveries" | "webhooks" | "customers" | "auditEntries";
	/** Rows that are read at once. */
	readonly atOnce: number;
	/** An id before that of the newest row; null for a list in another order. */
	readonly newest: string | null;
	/** Filters, with the number of rows that match in `withRows`. */
	readonly filters: readonly (readonly [query: string, count: number])[];
	/** Queries that the list and its export refuse. */
	readonly refused: readonly string[];
	/** A parameter of another list. */
	readonly unknown: string;
}

const newest = (prefix: string) => `${prefix}_ffffffff-ffff-7fff-bfff-ffffffffffff`;
const AUDIT = {
	file: "audit-entries",
	read: "auditEntries",
	atOnce: 500,
	newest: newest("aud"),
	refused: ["keyId=x", `objectId=${"x".repeat(257)}`, `action=${"x".repeat(65)}`, "after=x", "before=-1"],
} as const;

const LISTS: readonly List[] = [
	{
		path: "./events",
		file: "events",
		read: "events",
		atOnce: 250,
		newest: newest("evt"),
		filters: [
			["", 4],
			["type=order.*,user.deleted", 3],
			["customerId=acme", 3],
			["tag=order:4711", 1],
			["idempotencyKey=order%204711", 1],
			["unmatched=true", 1],
			["unmatched=false&type=order.*", 2],
			[`after=${LONG_AGO}&before=${FAR_AWAY}`, 4],
			[`after=${FAR_AWAY}`, 0],
		],
		refused: ["type=a..b", "customerId=a%20b", "tag=%20", "idempotencyKey=", "unmatched=1", "after=x"],
		unknown: "status=Failed",
	},
	{
		path: "./deliveries",
		file: "deliveries",
		read: "deliveries",
		atOnce: 500,
		newest: newest("dlv"),
		filters: [
			["", 7],
			["eventType=order.*", 2],
			["customerId=acme", 2],
			["status=Held", 7],
			["status=Failed", 0],
			["tag=vip&customerId=acme", 1],
		],
		refused: ["status=Lost", "webhookId=x", "responseCode=6xy"],
		unknown: "order=updated",
	},
	{
		path: "./batch/webhooks",
		file: "webhooks",
		read: "webhooks",
		atOnce: 50,
		newest: newest("webhook"),
		filters: [
			["", 4],
			["q=ORDERS", 1],
			["status=Paused", 3],
			["health=Healthy", 4],
			["health=Failing", 0],
			["customerId=acme", 1],
			["key=orders:eu", 1],
			["eventType=order.paid", 3],
			["eventType=other.type", 2],
			["metadata.team=x", 1],
			["status=Enabled&customerId=acme", 0],
		],
		refused: "q= status=Lost health=Well customerId=a%20b key=a%20b eventType=a.* metadata.a=1&metadata.a=2".split(" "),
		unknown: "type=a",
	},
	{
		path: "./customers",
		file: "customers",
		read: "customers",
		atOnce: 100,
		newest: null,
		filters: [
			["", 3],
			["q=SONS", 1],
			["q=e", 3],
			["q=glob", 1],
			["q=nobody", 0],
		],
		refused: [`q=${"x".repeat(129)}`],
		unknown: "status=Paused",
	},
	{
		...AUDIT,
		path: "./audit",
		filters: [
			["action=webhook.update", 1],
			["action=webhook.create", 4],
			["objectId=order.paid", 1],
			["action=webhook.pause&objectId=order.paid", 0],
			[`after=${LONG_AGO}&before=${FAR_AWAY}&action=event_type.put`, 1],
			[`after=${FAR_AWAY}`, 0],
			["before=1", 0],
		],
		refused: AUDIT.refused,
		unknown: `projectId=proj_${"0".repeat(32)}`,
	},
	{
		...AUDIT,
		path: "/workspace/audit",
		filters: [
			["action=webhook.create", 5],
			["action=webhook.create&objectId=order.paid", 0],
			["action=key.create", 1],
		],
		refused: [...AUDIT.refused, "projectId=1"],
		unknown: "webhookId=1",
	},
];

/** A workspace whose project has rows in each list: webhooks of two customers and its own, and events that these hold, newest first. */
async function withRows() {
	const api = await callerAlone();
	const { call, makeWebhook, sendEvent, keys, other } = api;
	const endpoint = "https://hooks.example.com/in";
	await sendEvent({ type: "order.paid", idempotencyKey: "order 4711" });
	const asAcme = as(await api.tokenOf("acme", ["webhooks.write"]));
	const own = { headers: { "x-token": "hidden-value" }, metadata: { team: "x" }, secret: { contents: SECRET } };
	const a = await makeWebhook(endpoint, { name: "a", key: "orders:eu", spec: own });
	const ofAcme = { eventTypes: ["order.*", "user.created"] };
	const b = await makeWebhook(endpoint, { name: "b", customerId: "acme", spec: ofAcme });
	const ofGlobex = { retries: { scheduleMs: [1, 2] }, rateLimit: { perSecond: 5 } };
	const c = await makeWebhook(endpoint, { name: "c", customerId: "globex", spec: ofGlobex });
	await makeWebhook(endpoint, { name: "d", spec: { eventTypes: ["never.sent"] } });
	const asAda = { ...as(keys.project), "fanfare-actor": "ada@example.com" };
	for (const id of [a, b, c]) await call("POST", `./batch/webhooks/${id}:pause`, undefined, asAda);
	await call("PATCH", `./batch/webhooks/${b}`, { name: "b", spec: { timeoutMs: 2_000 } }, asAcme);
	await sendEvent({ type: "order.refunded", customerId: "acme", tags: ["order:4711", "vip"] });
	await sendEvent({ type: "user.created", customerIds: ["acme", "globex"] });
	await sendEvent({ type: "user.deleted", customerIds: "*", timestamp: 86_400_000 });
	await call("PATCH", "./customers/zed", { name: "Zed & Sons", metadata: { plan: "pro" } });
	await call("PUT", "./event-types/order.paid", {});
	await call("POST", `/projects/${other.id}/batch/webhooks`, { name: "foreign", spec: { endpoint } });
	const made = await call("POST", "/workspace/keys", { name: "k", scope: "admin" });
	return { ...api, a, b, key: { id: String(made.json["id"]), secret: String(made.json["secretKey"]) } };
}

/** Opens an export without reading it. */
async function open({ app, project, keys }: Caller, path: string, key = keys.admin, method = "GET") {
	const url = `${path.replace(/^\./, `/projects/${project.id}`)}:export`;
	const response = await app.request(url, { method, headers: as(key) });
	return { status: response.status, reader: (response.body ?? new ReadableStream()).getReader() };
}

/** Has the pages of a list read row by row from here on. `before` is called with the limit of each page. */
function readRowByRow({ store }: Caller, list: List["read"], before: (limit: number) => object | void) {
	const read = store[list].bind(store) as (...parameters: object[]) => Promise<object>;
	const readOne = async (...parameters: object[]) => {
		const request = parameters.at(-1) as { limit: number; cursor: { id: string } | null };
		const instead = before(request.limit);
		const page = await read(...parameters.slice(0, -1), { ...request, limit: 1 });
		return { ...page, ...(instead !== undefined && { stoppedAt: request.cursor?.id, ...instead }) };
	};
	Object.assign(store, { [list]: readOne });
}

describe.each(LISTS)("an export of $path", (list) => {
	const { path, file } = list;

	it("has what the list has, in its order and form, with each filter and without one", async () => {
		const { call, get } = await withRows();
		for (const [query, count] of list.filters) {
			const [exported, listed] = [await get(`${path}:export?${query}`), await get(`${path}?${query}`)];
			expect([query, linesOf(exported)]).toEqual([query, rowsOf(listed)]);
			expect([query, rowsOf(listed).length]).toEqual([query, count]);
			if (file !== "deliveries") continue;
			expect([query, (await get(`${path}:count?${query}`)).json]).toMatchObject([query, { count, complete: true }]);
		}
		for (const [format, type] of Object.entries({ ndjson: "application/x-ndjson", csv: "text/csv" })) {
			const { status, headers, text } = await get(`${path}:export?format=${format}`);
			expect([status, headers.get("content-type")]).toEqual([200, `${type}; charset=utf-8`]);
			expect(headers.get("content-disposition")).toBe(`attachment; filename="${file}.${format}"`);
			for (const hidden of [SECRET.slice("whsec_".length, -4), "hidden-value", '"data"'])
				expect(text).not.toContain(hidden);
		}
		expect((await call("HEAD", `${path}:export`)).status).toBe(200);
	});

	it("is refused as the list is: with the same values, and to the same callers", async () => {
		const api = await withRows();
		const { get, keys, tokenOf } = api;
		for (const query of list.refused) {
			const [listed, exported] = [await get(`${path}?${query}`), await get(`${path}:export?${query}`)];
			expect([query, listed.status]).toEqual([query, 400]);
			expect([query, comparable(exported)]).toEqual([query, comparable(listed)]);
		}
		for (const key of [keys.read, keys.project, keys.projectRead, keys.other, await tokenOf("acme", []), "sk_x"]) {
			const listed = await get(path, key);
			for (const format of ["ndjson", "csv"]) {
				const exported = await get(`${path}:export?format=${format}`, key);
				if (listed.status === 200) expect(exported.status).toBe(200);
				else expect(comparable(exported)).toEqual(comparable(listed));
			}
		}
		await expectRefusals(api, [
			[`GET ${path}:export?format=xml`, "format"],
			[`GET ${path}:export?limit=3`, "limit"],
			[`GET ${path}:export?page=x`, "page"],
			[`GET ${path}:export?${list.unknown}`, /^\w+/.exec(list.unknown)![0]],
		]);
	});

	it("reads a page when the client has taken the one before, goes on over empty ones, and is cut off if the store fails", async () => {
		const api = await withRows();
		const all = linesOf(await api.get(`${path}:export`));
		const limits: number[] = [];
		let [lostFrom, empty] = [Infinity, 0];
		readRowByRow(api, list.read, (limit) => {
			if (limits.push(limit) >= lostFrom) throw LOST;
			if (empty-- <= 0) return undefined;
			return { rows: [], hasOlder: true, ...(limits.length === 1 && { stoppedAt: list.newest }) };
		});
		const { reader } = await open(api, path);
		expect(limits).toEqual([list.atOnce]);
		await reader.read();
		expect(limits).toHaveLength(1);
		await reader.read();
		expect(limits).toHaveLength(2);
		await reader.cancel();
		expect(limits).toHaveLength(2);
		expect(linesOf(await api.get(`${path}:export`))).toEqual(all);

		[limits.length, lostFrom] = [0, 3];
		const cut = await open(api, path);
		for (let page = 1; page <= 2; page++) await cut.reader.read();
		await expect(cut.reader.read()).rejects.toThrow(LOST.message);
		[limits.length, lostFrom] = [0, 1];
		expect(await api.get(`${path}:export`)).toMatchObject(problem(503, "store_unavailable"));
		[limits.length, lostFrom] = [0, Infinity];
		if (list.newest === null) return;
		empty = 3;
		expect(linesOf(await api.get(`${path}:export`))).toEqual(all);
		expect(empty).toBeLessThan(0);
	});

	it("ends when its key does", async () => {
		const api = await withRows();
		readRowByRow(api, list.read, () => undefined);
		const { reader } = await open(api, path, api.key.secret);
		await reader.read();
		await api.call("DELETE", `/workspace/keys/${api.key.id}`);
		await expect(reader.read()).rejects.toMatchObject({ code: "unknown_key" });
	});
});

describe("places for exports", () => {
	it("are two in a project for all its lists, until one of these has ended, whichever way", async () => {
		const api = await withRows();
		const [one, two] = [await open(api, "./deliveries"), await open(api, "./events")];
		const full = await api.get("./deliveries:export");
		expect(full).toMatchObject(problem(429, "too_many_exports"));
		expect(full.headers.get("retry-after")).toBe("5");
		await one.reader.cancel();
		expect((await api.get("./deliveries:export")).status).toBe(200);
		for (let isDone = false; !isDone; isDone = (await two.reader.read()).done);
		expect((await open(api, "./deliveries", api.keys.admin, "HEAD")).status).toBe(200);
		const [three, four] = [await open(api, "./deliveries"), await open(api, "./customers")];
		expect([three.status, four.status]).toEqual([200, 200]);
	});

	it("are others for the workspace, and for each customer", async () => {
		const api = await withRows();
		for (let n = 0; n < EXPORT_LIMITS.workspace; n++) await open(api, "/workspace/audit");
		expect(await api.get("/workspace/audit:export")).toMatchObject(problem(429, "too_many_exports"));
		const acme = await api.tokenOf("acme", []);
		await open(api, "./deliveries", acme);
		expect(await api.get("./deliveries:export", acme)).toMatchObject(problem(429, "too_many_exports"));
		expect(linesOf(await api.get("./deliveries:export", await api.tokenOf("globex", [])))).toHaveLength(2);
		for (let n = 0; n < EXPORT_LIMITS.project; n++) expect((await open(api, "./audit")).status).toBe(200);
		expect(await api.get("./audit:export")).toMatchObject(problem(429, "too_many_exports"));
	});
});

describe("with a customer's token, an export", () => {
	it("has only what is that customer's, and takes no filter that the list refuses", async () => {
		const api = await withRows();
		const acme = await api.tokenOf("acme", []);
		const expected = {
			"./events": [{ type: "user.created", customerId: "acme", deliveryCount: 1 }, { type: "order.refunded" }],
			"./deliveries": [{ customerId: "acme" }, { customerId: "acme", webhookName: "b" }],
			"./batch/webhooks": [{ name: "b", customerId: "acme" }],
		};
		for (const [path, rows] of Object.entries(expected)) {
			expect(linesOf(await api.get(`${path}:export`, acme))).toMatchObject(rows);
			const { text } = await api.get(`${path}:export?format=csv`, acme);
			expect(text.split("\r\n")).toHaveLength(rows.length + 2);
			expect(text).not.toMatch(/globex/);
		}
		for (const [path, status, code] of [
			["./events:export?customerId=globex", 404, "customer_not_found"],
			["./deliveries:export?customerId=globex", 404, "customer_not_found"],
			["./batch/webhooks:export?customerId=globex", 404, "customer_not_found"],
			["./events:export?idempotencyKey=order%204711", 403, "insufficient_scope"],
			["./events:export?unmatched=true", 403, "insufficient_scope"],
		] as const) {
			const [exported, listed] = [await api.get(path, acme), await api.get(path.replace(":export", ""), acme)];
			expect(exported).toMatchObject(problem(status, code));
			expect(comparable(exported)).toEqual(comparable(listed));
		}
	});
});

describe("as CSV, an export", () => {
	const columns = async ({ get }: Caller, path: string) => {
		const [head, ...lines] = (await get(`${path}:export?format=csv`)).text.split(/\r\n(?=[a-z]+_|[a-z]+,|'-|$)/);
		expect(lines.pop()).toBe("");
		return { head, lines };
	};
	const line = (text: string) => expect.stringMatching(new RegExp(`^${text}$`)) as unknown;

	it("of events has a line for each, lists with spaces, and texts that a spreadsheet can't take for a formula", async () => {
		const api = await withRows();
		await api.sendEvent({ idempotencyKey: '=cmd|"x",+1' });
		const { head, lines } = await columns(api, "./events");
		const counts = "deliveriesPending,deliveriesHeld,deliveriesSucceeded,deliveriesFailed,deliveriesCancelled";
		expect(head).toBe(
			`id,createDate,timestamp,type,customerId,customerIds,tags,idempotencyKey,deliveryCount,${counts}`,
		);
		const event = (rest: string) => line(`evt_[0-9a-f-]+,${DATE},${rest}`);
		expect(lines).toEqual([
			event(`${DATE},a,,,,"'=cmd\\|""x"",'\\+1",1,0,1,0,0,0`),
			event("1970-01-02T00:00:00.000Z,user.deleted,,\\*,,,2,0,2,0,0,0"),
			event(`${DATE},user.created,,acme globex,,,3,0,3,0,0,0`),
			event(`${DATE},order.refunded,acme,,order:4711 vip,,2,0,2,0,0,0`),
			event(`${DATE},order.paid,,,,order 4711,0,0,0,0,0,0`),
		]);
	});

	it("of deliveries has their dates and their webhooks", async () => {
		const api = await withRows();
		await api.call("PATCH", `./batch/webhooks/${api.a}`, { name: '=HYPERLINK("http://evil")' });
		const { head, lines } = await columns(api, "./deliveries");
		expect(head?.split(",")).toHaveLength(19);
		const [row] = rowsOf(await api.get(`./deliveries?webhookId=${api.a}&limit=1`));
		const { id, eventId, reason, createDate, updateDate } = row as Record<string, string>;
		const [created, updated] = [createDate, updateDate].map((time) => new Date(Number(time)).toISOString());
		const webhook = `${api.a},"'=HYPERLINK(""http://evil"")",hooks.example.com`;
		expect(lines).toContain(`${id},${created},${updated},Held,${reason},${eventId},user.deleted,${webhook},,0,,,,,,,`);
	});

	it("of webhooks has their settings", async () => {
		const api = await withRows();
		const spec = { description: '+1\n=2\r\n"@x"', metadata: { "=a": "=1,-2" } };
		await api.makeWebhook("https://a.example/", { name: '=HYPERLINK("http://evil")', spec });
		const { head, lines } = await columns(api, "./batch/webhooks");
		expect(head).toMatch(/^id,key,name,customerId,endpoint,description,createDate,/);
		expect(head?.split(",")).toHaveLength(33);
		const [hostile, , c, b, a] = lines;
		expect(hostile).toContain(`,,"'=HYPERLINK(""http://evil"")",,https://a.example/,"'+1\n'=2\r\n""@x""",`);
		expect(hostile).toContain(`"{""=a"":""=1,'-2""}"`);
		expect(c).toMatch(/,c,globex,.*,Paused,,,Healthy,,0,,0,2,0,,,,,,,,,2,28800000,1 2,15000,5,432000000,$/);
		const rest = "order\\.\\* user\\.created,,,17,28800000,,2000,,432000000,";
		expect(b).toMatch(new RegExp(`,b,acme,.*,Paused,,,Healthy,,0,,0,2,0,,,,,,${rest}$`));
		expect(a).toMatch(/,orders:eu,a,,.*,,x-token,"\{""team"":""x""\}",17,/);
	});

	it("of customers has how far a deletion is", async () => {
		const api = await withRows();
		await api.call("PATCH", "./customers/-1", { name: '=HYPERLINK("http://evil")', metadata: { "=a": "=1,-2" } });
		const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
		// Its webhooks are deleted first, each by a change of its own.
		api.store.updateWebhook = async (record, options) => {
			await held;
			return api.test.store.updateWebhook(record, options);
		};
		await api.call("DELETE", "./customers/acme");
		const { head, lines } = await columns(api, "./customers");
		goOn();
		const deletion = ["StartDate", "WebhooksLeft", "WebhookCount", "DeliveryCount", "EventCount"];
		const names = ["id,name,webhooksTotal,webhooksFailing,createDate,updateDate,metadata"];
		expect(head).toBe([...names, ...deletion.map((name) => `deletion${name}`)].join(","));
		const customer = (before: string, after: string) => line(`${before},${DATE},${DATE},${after}`);
		expect(lines).toEqual([
			customer(`'-1,"'=HYPERLINK\\(""http://evil""\\)",0,0`, `"\\{""=a"":""=1,'-2""\\}",,,,,`),
			customer("acme,,1,0", `,${DATE},1,0,0,0`),
			customer("globex,,1,0", ",,,,,"),
			customer("zed,Zed & Sons,0,0", '"\\{""plan"":""pro""\\}",,,,,'),
		]);
	});

	it("of the audit log has who changed what, and no formula in an actor or in the id of a customer or an object", async () => {
		const api = await withRows();
		const actor = '=HYPERLINK("http://evil","x"),+1';
		await api.call("PATCH", "./customers/-2", { name: "n" }, { "fanfare-actor": actor });
		expect(rowsOf(await api.get("./audit?limit=1"))).toMatchObject([{ actor, objectId: "-2" }]);
		const { head, lines } = await columns(api, "./audit");
		const ids = "actor,keyId,sessionId,customerId,portalSessionId,projectId,requestId,keyName,objectName";
		expect(head).toBe(`id,createDate,action,objectId,fields,${ids}`);
		const [hostile = ""] = lines;
		expect(hostile).toContain(`,customer.update,'-2,name,"'=HYPERLINK(""http://evil"",""x""),'+1",key_`);
		expect(lines.join("\r\n")).not.toMatch(/(^|[,;|\t\r\n])["\s]*[=+\-@]/);
		const entry = (rest: string, keyName: string) =>
			line(`aud_[0-9a-f-]+,${DATE},webhook\\.${rest},${api.project.id},req_[0-9a-f]+,${keyName},b`);
		expect(lines.filter((one) => one.includes(`,${api.b},`))).toEqual([
			entry(`update,${api.b},name spec\\.timeoutMs,,,,acme,[a-z]+_[0-9a-f-]+`, ""),
			entry(`pause,${api.b},,ada@example\\.com,key_[0-9a-f-]+,,,`, "test"),
			entry(`create,${api.b},name customerId spec\\.endpoint spec\\.eventTypes,,key_[0-9a-f-]+,,,`, "test"),
		]);
	});
});
