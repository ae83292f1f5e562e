// A server behind a proxy: the client's address in the log, the person in the audit log, and the address that people use in the documents.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { afterAll, beforeAll, expect, it } from "vitest";

import { startHere, type LogLine, type ServerHere } from "./server-here.ts";

/** What a proxy appends, after an entry that the client has forged. */
const FORWARDED = { "x-forwarded-for": "10.9.9.9, 192.0.2.9" };
const FORWARDED_ADDRESS = { "x-forwarded-proto": "https", "x-forwarded-host": "fanfare.example.com" };
const ACTOR_HEADER = { FANFARE_ACTOR_HEADER: "X-Forwarded-Email" };

/** Two servers that are called directly: one believes that its caller is a proxy, and one knows another proxy. */
let trusting: ServerHere;
let doubting: ServerHere;
beforeAll(async () => {
	trusting = await startHere({ ...ACTOR_HEADER, FANFARE_TRUSTED_PROXIES: "127.0.0.1" });
	doubting = await startHere({ ...ACTOR_HEADER, FANFARE_TRUSTED_PROXIES: "10.0.0.1" });
});
afterAll(async () => {
	await trusting[Symbol.asyncDispose]();
	await doubting[Symbol.asyncDispose]();
});

/** The log line of a request, by the id in its response. */
const lineOf = (server: ServerHere, requestId: unknown): Promise<LogLine> =>
	eventually("the log line", () => server.log.find((line) => line["requestId"] === requestId));

/** Makes a request, and returns its log line. */
async function logged(server: ServerHere, headers: Record<string, string>, path = "/openapi.json"): Promise<LogLine> {
	const { headers: answered } = await server.call("GET", path, undefined, headers);
	return lineOf(server, answered.get("x-request-id"));
}

it("the log has the address of the proxy's client, or that of the connection if no trusted proxy has made it", async () => {
	for (const path of ["/openapi.json", "/nothing"]) {
		expect(await logged(doubting, FORWARDED, path)).toMatchObject({ msg: "request", clientAddress: "127.0.0.1" });
		expect(await logged(trusting, FORWARDED, path)).toMatchObject({ msg: "request", clientAddress: "192.0.2.9" });
	}
	expect(await logged(trusting, {})).toMatchObject({ clientAddress: "127.0.0.1" });
	const hostile = 'hostile","level":60,"x":"';
	expect(await logged(trusting, { "x-forwarded-for": hostile })).toMatchObject({ clientAddress: null });
	expect(JSON.stringify(trusting.log)).not.toContain("hostile");
});

it("with two X-Forwarded-For lines, the last address of the second one counts", async () => {
	using connection = new RawConnection(trusting.port);
	await connection.write(requestHead("GET", "/nothing", { ...FORWARDED, "X-Forwarded-For": "192.0.2.10" }));
	const { headers } = await connection.answer();
	expect(await lineOf(trusting, headers["x-request-id"])).toMatchObject({ clientAddress: "192.0.2.10" });
});

it("a forged address opens nothing", async () => {
	const headers = { "secret-key": "", "x-forwarded-for": "127.0.0.1" };
	expect(await trusting.call("GET", "/workspace", undefined, headers)).toMatchObject({ status: 401 });
});

it("the audit log has the person whom a trusted proxy names, and nobody else can name one in its header", async () => {
	const actorsOf = async (server: ServerHere) => {
		for (const headers of [
			{ "x-forwarded-email": "ada@example.com", "fanfare-actor": "mallory@example.com" },
			{ "x-forwarded-email": "", "fanfare-actor": "bo@example.com" },
			{},
		]) {
			const made = await server.call("POST", "/workspace/projects", { name: "p" }, headers);
			expect(made).toMatchObject({ status: 200 });
		}
		const { json } = await server.call("GET", "/workspace/audit?action=project.create&limit=3");
		return (json as { data: { actor: unknown }[] }).data.map(({ actor }) => actor).toReversed();
	};
	expect(await actorsOf(trusting)).toEqual(["ada@example.com", "bo@example.com", null]);
	expect(await actorsOf(doubting)).toEqual(["mallory@example.com", "bo@example.com", null]);
});

it("/docs/api has the address by which it was asked for, which only a trusted proxy can change, or else the public URL", async () => {
	const shownAddresses = async (server: ServerHere, headers: Record<string, string> = {}) => {
		const { text } = await server.call("GET", "/docs/api", undefined, headers);
		return [...new Set([...text.matchAll(/&quot;(https?:\/\/\S+?)\/workspace&quot;/g)].map(([, url = ""]) => url))];
	};
	expect(await shownAddresses(doubting)).toEqual([doubting.url]);
	expect(await shownAddresses(doubting, FORWARDED_ADDRESS)).toEqual([doubting.url]);
	expect(await shownAddresses(trusting, FORWARDED_ADDRESS)).toEqual(["https://fanfare.example.com"]);
	expect(await shownAddresses(trusting)).toEqual([trusting.url]);
	await using named = await startHere({
		FANFARE_TRUSTED_PROXIES: "127.0.0.1",
		FANFARE_PUBLIC_URL: "https://example.com/fanfare/",
	});
	expect(await shownAddresses(named, FORWARDED_ADDRESS)).toEqual(["https://example.com/fanfare"]);
	expect((await named.call("GET", "/openapi.json")).json).toMatchObject({
		servers: [{ url: "https://example.com/fanfare" }],
	});
});
