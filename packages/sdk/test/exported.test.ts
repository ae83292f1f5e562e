// Exports, from a server with scripted responses.
import { describe, expect, it } from "vitest";

import { ApiError, ConnectionError, UnexpectedResponseError } from "../src/index.ts";
import {
	failure,
	hang,
	json,
	PROJECT_ID,
	raw,
	reset,
	ScriptedServer,
	testClient,
	type Step,
} from "./scripted-server.ts";

const NDJSON = { "content-type": "application/x-ndjson; charset=utf-8" };
const CSV = { "content-type": "text/csv; charset=utf-8" };
const path = `/projects/${PROJECT_ID}/deliveries:export`;
const open = (server: ScriptedServer) => testClient(server).client.project(PROJECT_ID).deliveries;

/** Sends these bytes one after the other, and then ends the response or resets the connection. */
function inPieces(
	headers: Record<string, string>,
	pieces: readonly (string | Buffer)[],
	then: "end" | "reset" | "hang",
): Step {
	return (response) => {
		response.writeHead(200, headers);
		const send = (index: number): void => {
			const piece = pieces[index];
			if (piece !== undefined) return void response.write(piece, () => setImmediate(send, index + 1));
			if (then === "end") response.end();
			if (then === "reset") response.socket?.resetAndDestroy();
		};
		send(0);
	};
}

const all = <T>(values: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(values);

describe("deliveries.export", () => {
	it("yields the deliveries of lines that come in pieces, and sends the filters", async () => {
		const text = Buffer.from('{"id":"dlv_1","reason":"Zoë"}\n{"id":"dlv_2"}\n');
		const pieces = [text.subarray(0, 26), text.subarray(26, 33), text.subarray(33)];
		await using server = await ScriptedServer.start(inPieces(NDJSON, pieces, "end"));
		const rows = await all(open(server).export({ status: ["Failed", "Held"], after: new Date(5) }));
		expect(rows).toEqual([{ id: "dlv_1", reason: "Zoë" }, { id: "dlv_2" }]);
		expect(server.requests).toMatchObject([
			{
				method: "GET",
				url: `${path}?status=Failed%2CHeld&after=5&format=ndjson`,
				headers: { accept: "application/x-ndjson" },
			},
		]);
	});

	it("has no rows if nothing matches", async () => {
		await using server = await ScriptedServer.start(raw(200, "", NDJSON));
		expect(await all(open(server).export())).toEqual([]);
	});

	it("rejects if the response is cut off, after the rows that came", async () => {
		await using server = await ScriptedServer.start(inPieces(NDJSON, ['{"id":"dlv_1"}\n'], "reset"));
		const rows: unknown[] = [];
		const error = await failure(
			(async () => {
				for await (const row of open(server).export()) rows.push(row);
			})(),
		);
		expect(error).toBeInstanceOf(ConnectionError);
		expect(rows).toEqual([{ id: "dlv_1" }]);
	});

	it("makes the request again until the response has begun, and each iteration makes its own", async () => {
		const refused = json(429, { message: "Too many.", code: "too_many_exports" }, { "retry-after": "1" });
		const row = raw(200, '{"id":"dlv_1"}\n', NDJSON);
		await using server = await ScriptedServer.start(refused, reset, row, row);
		const exported = open(server).export();
		expect(await all(exported)).toHaveLength(1);
		expect(await all(exported)).toHaveLength(1);
		expect(server.requests).toHaveLength(4);
	});

	it("rejects with the error of the server", async () => {
		await using server = await ScriptedServer.start(json(403, { message: "No.", code: "insufficient_scope" }));
		const error = await failure(all(open(server).export()));
		expect(error).toBeInstanceOf(ApiError);
		expect(error).toMatchObject({ status: 403, code: "insufficient_scope" });
	});

	it.each([
		["another content type", raw(200, "<html></html>", { "content-type": "text/html" })],
		["a line that is not JSON", raw(200, '{"id":"dlv_1"}\n<html>\n', NDJSON)],
	])("rejects %s", async (_, step) => {
		await using server = await ScriptedServer.start(step);
		expect(await failure(all(open(server).export()))).toBeInstanceOf(UnexpectedResponseError);
	});

	it("ends the request when the loop is left, or when it is aborted", async () => {
		let closed = 0;
		const step: Step = (response, request) => {
			response.on("close", () => closed++);
			inPieces(NDJSON, ['{"id":"dlv_1"}\n'], "hang")(response, request);
		};
		await using server = await ScriptedServer.start(step, step);
		for await (const _row of open(server).export()) break;
		await expect.poll(() => closed).toBe(1);
		const controller = new AbortController();
		const reason = new Error("stopped");
		const error = await failure(
			(async () => {
				for await (const _row of open(server).export({}, { signal: controller.signal })) controller.abort(reason);
			})(),
		);
		expect(error).toBe(reason);
		await expect.poll(() => closed).toBe(2);
	});

	it("gives up before the first byte at the time limit", async () => {
		await using server = await ScriptedServer.start(hang);
		const error = await failure(all(open(server).export({}, { timeoutMs: 50, maxRetries: 0 })));
		expect(error).toMatchObject({ name: "TimeoutError" });
	});
});

it("the exports of other lists as text ask for their own paths, with their filters", async () => {
	const text = raw(200, "id\r\na\r\n", CSV);
	await using server = await ScriptedServer.start(text, text, text);
	const { client } = testClient(server);
	const { audit, customers } = client.project(PROJECT_ID);
	const filter = { action: "key.create", after: new Date(5) } as const;
	for (const exported of [client.audit.exportCsv(filter), audit.exportCsv(filter), customers.exportCsv({ q: "a b" })])
		expect(await all(exported)).toEqual(["id\r\na\r\n"]);
	expect(server.requests.map(({ url }) => url)).toEqual([
		"/workspace/audit:export?action=key.create&after=5&format=csv",
		`/projects/${PROJECT_ID}/audit:export?action=key.create&after=5&format=csv`,
		`/projects/${PROJECT_ID}/customers:export?q=a%20b&format=csv`,
	]);
});

describe("deliveries.exportCsv", () => {
	it("yields the text as it comes", async () => {
		await using server = await ScriptedServer.start(inPieces(CSV, ["id,createDate\r\n", "dlv_1,now\r\n"], "end"));
		const text = (await all(open(server).exportCsv({ cause: "refused" }))).join("");
		expect(text).toBe("id,createDate\r\ndlv_1,now\r\n");
		expect(server.requests).toMatchObject([
			{ url: `${path}?cause=refused&format=csv`, headers: { accept: "text/csv" } },
		]);
	});
});
