// Exports of the audit log: the list as a file, of the workspace and of a project, with its filters and with texts that strangers chose.
import { describe, expect, it } from "vitest";

import type { AuditEntry } from "../../../core/access/audit.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { callerAlone, type Answer, type Caller } from "../../test/caller.ts";
import { EXPORT_LIMITS } from "../exports/export-places.ts";
import { ROWS_AT_ONCE } from "../exports/export-reply.ts";

const LOST = new StoreError("store_unavailable", "the store is away");
const [OF_WORKSPACE, OF_PROJECT] = ["/workspace/audit", "./audit"];

const rowsIn = ({ text }: Answer) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as Record<string, unknown>);

const listed = ({ json }: Answer) => json["data"] as Record<string, unknown>[];

/** A workspace with changes in two projects, by two keys and by a customer, and changes that are about no project. */
async function withChanges() {
	const api = await callerAlone();
	const { call, project, other, keys } = api;
	const spec = { endpoint: "https://example.com/" };
	const asCustomer = { "secret-key": await api.tokenOf("acme", ["webhooks.write"]) };
	const { json: own } = await call("POST", "./batch/webhooks", { name: "own", customerId: "acme", spec });
	const webhookId = String(own["id"]);
	await call("PATCH", `./batch/webhooks/${webhookId}`, { name: "b", spec: { timeoutMs: 2_000 } }, asCustomer);
	await call("POST", `./batch/webhooks/${webhookId}:pause`, undefined, {
		"secret-key": keys.project,
		"fanfare-actor": "ada@example.com",
	});
	await call("PUT", "./event-types/order.paid", {});
	await call("POST", `/projects/${other.id}/batch/webhooks`, { name: "foreign", spec });
	await call("POST", "/workspace/keys", { name: "k", scope: "read" });
	const keyId = api.engine.keys.authenticate(keys.project)?.key.id ?? "";
	return { ...api, webhookId, filters: filtersOf({ projectId: project.id, otherId: other.id, webhookId, keyId }) };
}

/** Filters of a project's log, and of the workspace's, with how many entries match in each. */
function filtersOf(ids: Readonly<Record<"projectId" | "otherId" | "webhookId" | "keyId", string>>) {
	const { projectId, otherId, webhookId, keyId } = ids;
	const both: [query: string, ofProject: number][] = [
		["action=webhook.update", 1],
		["action=webhook.create", 1],
		[`objectId=${webhookId}`, 3],
		["objectId=order.paid", 1],
		[`keyId=${keyId}`, 1],
		[`keyId=${keyId}&action=webhook.pause&objectId=${webhookId}`, 1],
		["action=webhook.release", 0],
		[`after=${Date.UTC(2000, 0)}&before=${Date.UTC(2100, 0)}&action=event_type.put`, 1],
		[`after=${Date.UTC(2100, 0)}`, 0],
		["before=1", 0],
	];
	return {
		both,
		ofWorkspace: [`projectId=${projectId}`, `projectId=${otherId}`, `projectId=${otherId}&action=key.roll`],
	};
}

/** Adds so many entries of the project, straight to the store. */
async function addEntries({ store, project }: Caller, count: number, more: Partial<AuditEntry> = {}): Promise<void> {
	const nobody = { keyId: null, sessionId: null, actor: null, customerId: null, portalSessionId: null };
	for (let n = 0; n < count; n++) {
		const at = Date.UTC(2024, 0) + n;
		const time = at.toString(16).padStart(12, "0");
		await store.insertAuditEntry({
			id: `aud_${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`,
			at,
			...nobody,
			projectId: project.id,
			action: "webhook.disable",
			objectId: "x",
			fields: [],
			requestId: null,
			...more,
		});
	}
}

/** Opens an export without reading it. */
async function open({ app, project, keys }: Caller, path: string, key = keys.admin) {
	const response = await app.request(path.replace(/^\./, `/projects/${project.id}`), {
		headers: { "secret-key": key },
	});
	return { response, reader: response.body?.getReader() };
}

describe("an export of the audit log", () => {
	it("has every entry of the list, in its order and form", async () => {
		const { call, keys } = await withChanges();
		for (const path of [OF_WORKSPACE, OF_PROJECT]) {
			const exported = await call("GET", `${path}:export`);
			expect(exported.status).toBe(200);
			expect(exported.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
			expect(exported.headers.get("content-disposition")).toBe('attachment; filename="audit-entries.ndjson"');
			expect(rowsIn(exported)).toEqual(listed(await call("GET", path)));
			expect(rowsIn(exported).length).toBeGreaterThanOrEqual(5);
		}
		const own = rowsIn(await call("GET", `${OF_PROJECT}:export`, undefined, { "secret-key": keys.project }));
		expect(own).toEqual(listed(await call("GET", OF_PROJECT)));
	});

	it("has for each filter, alone and with others, what the list has", async () => {
		const { call, filters } = await withChanges();
		for (const [query, count] of filters.both) {
			const rows = rowsIn(await call("GET", `${OF_PROJECT}:export?${query}`));
			expect([query, rows]).toEqual([query, listed(await call("GET", `${OF_PROJECT}?${query}`))]);
			expect([query, rows.length]).toEqual([query, count]);
		}
		for (const query of [...filters.both.map(([query]) => query), ...filters.ofWorkspace]) {
			const rows = rowsIn(await call("GET", `${OF_WORKSPACE}:export?${query}`));
			expect([query, rows]).toEqual([query, listed(await call("GET", `${OF_WORKSPACE}?${query}`))]);
		}
	});

	it("as CSV has a column for each field, and lists with spaces", async () => {
		const { call, webhookId, project, engine, keys } = await withChanges();
		const [ofProject = "", ofWorkspace = ""] = [keys.project, keys.admin].map(
			(secretKey) => engine.keys.authenticate(secretKey)?.key.name,
		);
		const { text, headers } = await call("GET", `${OF_PROJECT}:export?format=csv&objectId=${webhookId}`);
		expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
		expect(headers.get("content-disposition")).toBe('attachment; filename="audit-entries.csv"');
		const [head, ...lines] = text.split("\r\n");
		expect(head).toBe(
			"id,createDate,action,objectId,fields,actor,keyId,sessionId,customerId,portalSessionId,projectId,requestId,keyName,objectName",
		);
		expect(lines.pop()).toBe("");
		const line = (rest: string, keyName: string) => {
			const start = String.raw`aud_[0-9a-f-]+,\d{4}-\d{2}-\d{2}T[\d:.]+Z,webhook\.${rest}`;
			const pattern = new RegExp(`^${start},${project.id},req_[0-9a-f]+,${keyName},b$`);
			return expect.stringMatching(pattern) as unknown;
		};
		expect(lines).toEqual([
			line(`pause,${webhookId},,ada@example\\.com,key_[0-9a-f-]+,,,`, ofProject),
			line(`update,${webhookId},name spec\\.timeoutMs,,,,acme,[a-z]+_[0-9a-f-]+`, ""),
			line(`create,${webhookId},name customerId spec\\.endpoint,,key_[0-9a-f-]+,,,`, ofWorkspace),
		]);
	});

	it("lets nobody put a formula into a spreadsheet: neither by an actor nor by the id of a customer or an object", async () => {
		const api = await callerAlone();
		const actor = '=HYPERLINK("http://evil","x"),+1';
		await api.call("PATCH", "./customers/-2", { name: "n" }, { "fanfare-actor": actor });
		await addEntries(api, 1, { objectId: "@SUM(A1)\n=2", customerId: "-1", actor: "+1;-2" });
		const exported = await api.call("GET", "./audit:export");
		expect(rowsIn(exported)).toEqual(listed(await api.call("GET", "./audit")));
		expect(rowsIn(exported)).toMatchObject([{ actor, objectId: "-2" }, { objectId: "@SUM(A1)\n=2" }]);
		const { text } = await api.call("GET", "./audit:export?format=csv");
		expect(text).toContain(`,customer.update,'-2,name,"'=HYPERLINK(""http://evil"",""x""),'+1",key_`);
		expect(text).toContain(`,webhook.disable,"'@SUM(A1)\n'=2",,"'+1;'-2",,,'-1,,`);
		expect(text).not.toMatch(/(^|[,;|\t\r\n])["\s]*[=+\-@]/);
	});

	it("is refused for the same callers, with the same answer, as the list", async () => {
		const { call, keys, other, tokenOf } = await withChanges();
		const token = await tokenOf("acme", []);
		const refused: [path: string, key: string, status: number][] = [
			[OF_WORKSPACE, keys.project, 403],
			[OF_WORKSPACE, token, 403],
			[OF_WORKSPACE, "sk_x", 401],
			[OF_PROJECT, keys.projectRead, 403],
			[OF_PROJECT, keys.other, 404],
			[OF_PROJECT, token, 403],
			[OF_PROJECT, "sk_x", 401],
			[`/projects/${other.id}/audit`, keys.project, 404],
			[`/projects/${other.id}/audit`, token, 404],
		];
		for (const [path, key, status] of refused) {
			const ask = (what: string) => call("GET", what, undefined, { "secret-key": key });
			const [list, exported, csv] = [
				await ask(path),
				await ask(`${path}:export`),
				await ask(`${path}:export?format=csv`),
			];
			const { requestId: _, ...refusal } = list.json;
			expect([path, list.status]).toEqual([path, status]);
			for (const answer of [exported, csv]) expect([path, answer]).toMatchObject([path, { status, json: refusal }]);
		}
	});

	it("is refused as the list is, with values that its filters can't have", async () => {
		const { call } = await callerAlone();
		const queries = ["keyId=x", `objectId=${"x".repeat(257)}`, `action=${"x".repeat(65)}`, "after=x", "before=-1"];
		const ofWorkspace = [...queries, "projectId=1"].map((query) => [OF_WORKSPACE, query] as const);
		for (const [path, query] of [...ofWorkspace, ...queries.map((query) => [OF_PROJECT, query] as const)]) {
			const [list, exported] = [await call("GET", `${path}?${query}`), await call("GET", `${path}:export?${query}`)];
			const { requestId: _, ...refusal } = list.json;
			expect([path, query, list.status]).toEqual([path, query, 400]);
			expect([path, query, exported]).toMatchObject([path, query, { status: 400, json: refusal }]);
		}
	});

	it("of a project takes no other project", async () => {
		const { call, other } = await callerAlone();
		const refusal = { status: 400, json: { code: "invalid_request", issues: [{ path: "projectId" }] } };
		expect(await call("GET", `${OF_PROJECT}:export?projectId=${other.id}`)).toMatchObject(refusal);
	});

	it.each([
		["format=xml", "format"],
		["limit=3", "limit"],
		["page=x", "page"],
	])("is refused with ?%s", async (query, path) => {
		const { call } = await callerAlone();
		const refusal = { status: 400, json: { code: "invalid_request", issues: [{ path }] } };
		for (const list of [OF_WORKSPACE, OF_PROJECT])
			expect(await call("GET", `${list}:export?${query}`)).toMatchObject(refusal);
	});

	it("holds a page in memory, reads on only when the client has taken it, and is cut off if the store fails then", async () => {
		const api = await callerAlone();
		await addEntries(api, 2 * ROWS_AT_ONCE + 1);
		const read = api.store.auditEntries.bind(api.store);
		const limits: number[] = [];
		let lostFrom = Infinity;
		api.store.auditEntries = (filter, request) => {
			if (limits.push(request.limit) >= lostFrom) throw LOST;
			return read(filter, request);
		};
		for (const path of [`${OF_WORKSPACE}:export`, `${OF_PROJECT}:export`]) {
			limits.length = 0;
			lostFrom = 3;
			const { response, reader } = await open(api, path);
			expect([response.status, limits]).toEqual([200, [ROWS_AT_ONCE]]);
			await reader?.read();
			expect(limits).toEqual([ROWS_AT_ONCE]);
			await reader?.read();
			expect(limits).toEqual([ROWS_AT_ONCE, ROWS_AT_ONCE]);
			await expect(reader?.read()).rejects.toThrow(LOST.message);
			lostFrom = 1;
			limits.length = 0;
			expect(await api.call("GET", path)).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
			lostFrom = Infinity;
			expect(rowsIn(await api.call("GET", path)).length).toBeGreaterThan(2 * ROWS_AT_ONCE);
		}
	});

	it("goes on over pages without a row, where few match", async () => {
		const api = await withChanges();
		const read = api.store.auditEntries.bind(api.store);
		let empty = 3;
		api.store.auditEntries = async (filter, request) => {
			const page = await read(filter, request);
			if (empty-- <= 0) return page;
			const stoppedAt = request.cursor?.id ?? "aud_ffffffff-ffff-7fff-bfff-ffffffffffff";
			const names = { keyNames: new Map(), objectNames: new Map() };
			return { rows: [], ...names, hasNewer: false, hasOlder: true, stoppedAt, scannedTo: 1 };
		};
		const query = `action=webhook.pause&objectId=${api.webhookId}`;
		expect(rowsIn(await api.call("GET", `${OF_PROJECT}:export?${query}`))).toMatchObject([{ action: "webhook.pause" }]);
		expect(empty).toBeLessThan(0);
	});

	it("of the workspace has places of its own, and ends when its key does", async () => {
		const api = await callerAlone();
		await addEntries(api, ROWS_AT_ONCE + 1);
		const made = await api.call("POST", "/workspace/keys", { name: "export", scope: "admin" });
		const ofKey = await open(api, `${OF_WORKSPACE}:export`, String(made.json["secretKey"]));
		for (let n = 1; n < EXPORT_LIMITS.workspace; n++) await open(api, `${OF_WORKSPACE}:export`);
		const refusal = { status: 429, json: { code: "too_many_exports" } };
		expect(await api.call("GET", `${OF_WORKSPACE}:export`)).toMatchObject(refusal);
		for (let n = 0; n < EXPORT_LIMITS.project; n++)
			expect((await open(api, `${OF_PROJECT}:export`)).response.status).toBe(200);
		expect(await api.call("GET", `${OF_PROJECT}:export`)).toMatchObject(refusal);
		await ofKey.reader?.read();
		await api.call("DELETE", `/workspace/keys/${String(made.json["id"])}`);
		await expect(ofKey.reader?.read()).rejects.toMatchObject({ code: "unknown_key" });
		expect((await api.call("GET", `${OF_WORKSPACE}:export`)).status).toBe(200);
	});
});
