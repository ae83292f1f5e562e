// A server behind a proxy: the client's address in the log, and the public URL in the OpenAPI document.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

/** What a proxy appends, after an entry that the client has forged. */
const FORWARDED = { "x-forwarded-for": "10.9.9.9, 192.0.2.9" };

/** The log line of a request, by the id in its response. */
async function lineOf(server: ServerProcess, requestId: unknown): Promise<unknown> {
	const isLine = (line: string) => line.includes(String(requestId)) && line.endsWith("}");
	const line = await eventually("the log line", () => server.stdout.split("\n").find(isLine));
	return JSON.parse(line);
}

/** Makes a request, and returns its log line. */
async function logged(
	server: ServerProcess,
	headers: Record<string, string>,
	path = "/openapi.json",
): Promise<unknown> {
	const { headers: answered } = await server.call("GET", path, undefined, headers);
	return lineOf(server, answered.get("x-request-id"));
}

it("without trusted proxies, the log has the address of the connection", async () => {
	await using server = await startServerProcess();
	expect(await logged(server, FORWARDED)).toMatchObject({ msg: "request", clientAddress: "127.0.0.1" });
	expect(await logged(server, {}, "/nothing")).toMatchObject({ code: "route_not_found", clientAddress: "127.0.0.1" });
});

it("with a trusted proxy, the log has the address of the proxy's client", async () => {
	await using server = await startServerProcess({ env: { FANFARE_TRUSTED_PROXIES: "127.0.0.1" } });
	expect(await logged(server, FORWARDED)).toMatchObject({ msg: "request", clientAddress: "192.0.2.9" });
	expect(await logged(server, FORWARDED, "/nothing")).toMatchObject({ clientAddress: "192.0.2.9" });
	expect(await logged(server, {})).toMatchObject({ clientAddress: "127.0.0.1" });
	const hostile = 'hostile","level":60,"x":"';
	expect(await logged(server, { "x-forwarded-for": hostile })).toMatchObject({ clientAddress: null });
	expect(server.stdout).not.toContain("hostile");
});

it("with two X-Forwarded-For lines, the last address of the second one counts", async () => {
	await using server = await startServerProcess({ env: { FANFARE_TRUSTED_PROXIES: "127.0.0.1" } });
	using connection = new RawConnection(server.port);
	const lines = { ...FORWARDED, "X-Forwarded-For": "192.0.2.10" };
	await connection.write(requestHead("GET", "/nothing", lines));
	const { headers } = await connection.answer();
	expect(await lineOf(server, headers["x-request-id"])).toMatchObject({ clientAddress: "192.0.2.10" });
});

it("the log has the address of a connection whose request could not be read", async () => {
	await using server = await startServerProcess();
	using connection = new RawConnection(server.port);
	await connection.write("GARBAGE\r\n\r\n");
	const { headers } = await connection.answer();
	expect(await lineOf(server, headers["x-request-id"])).toMatchObject({
		code: "invalid_http",
		clientAddress: "127.0.0.1",
	});
});

it("a forged address opens nothing", async () => {
	await using server = await startServerProcess({ env: { FANFARE_TRUSTED_PROXIES: "127.0.0.1" } });
	const headers = { "secret-key": "", "x-forwarded-for": "127.0.0.1" };
	expect(await server.call("GET", "/workspace", undefined, headers)).toMatchObject({ status: 401 });
});

it("the audit log has the person whom a trusted proxy names, and nobody else can name one in its header", async () => {
	const actorsOf = async (env: Record<string, string>) => {
		await using server = await startServerProcess({ env });
		const create = async (headers: Record<string, string>) => {
			const made = await server.call("POST", "/workspace/projects", { name: "p" }, headers);
			expect(made).toMatchObject({ status: 200 });
		};
		await create({ "x-forwarded-email": "ada@example.com", "fanfare-actor": "mallory@example.com" });
		await create({ "x-forwarded-email": "", "fanfare-actor": "bo@example.com" });
		await create({});
		const { json } = await server.call("GET", "/workspace/audit?action=project.create");
		return (json as { readonly data: readonly { readonly actor: unknown }[] }).data
			.map(({ actor }) => actor)
			.toReversed();
	};
	const header = { FANFARE_ACTOR_HEADER: "X-Forwarded-Email" };
	const trusted = { ...header, FANFARE_TRUSTED_PROXIES: "127.0.0.1" };
	expect(await actorsOf(trusted)).toEqual(["ada@example.com", "bo@example.com", null]);
	const elsewhere = { ...header, FANFARE_TRUSTED_PROXIES: "10.0.0.1" };
	expect(await actorsOf(elsewhere)).toEqual(["mallory@example.com", "bo@example.com", null]);
});

/** The addresses in the examples of the page. */
async function shownAddresses(server: ServerProcess, headers: Record<string, string> = {}): Promise<string[]> {
	const { status, text } = await server.call("GET", "/docs/api", undefined, headers);
	expect(status).toBe(200);
	return [...new Set([...text.matchAll(/&quot;(https?:\/\/\S+?)\/workspace&quot;/g)].map(([, url = ""]) => url))];
}

const FORWARDED_ADDRESS = { "x-forwarded-proto": "https", "x-forwarded-host": "fanfare.example.com" };

it("/docs/api has the address by which it was asked for, which only a trusted proxy can change", async () => {
	await using server = await startServerProcess();
	expect(await shownAddresses(server)).toEqual([server.url]);
	expect(await shownAddresses(server, FORWARDED_ADDRESS)).toEqual([server.url]);
	await server.stop();
	await server.restart({ FANFARE_TRUSTED_PROXIES: "127.0.0.1" });
	expect(await shownAddresses(server, FORWARDED_ADDRESS)).toEqual(["https://fanfare.example.com"]);
	expect(await shownAddresses(server)).toEqual([server.url]);
	await server.stop();
	await server.restart({ FANFARE_TRUSTED_PROXIES: "127.0.0.1", FANFARE_PUBLIC_URL: "https://example.com/fanfare" });
	expect(await shownAddresses(server, FORWARDED_ADDRESS)).toEqual(["https://example.com/fanfare"]);
});

it("/openapi.json has the public URL as its server", async () => {
	await using server = await startServerProcess({ env: { FANFARE_PUBLIC_URL: "https://example.com/fanfare/" } });
	expect((await server.call("GET", "/openapi.json")).json).toMatchObject({
		servers: [{ url: "https://example.com/fanfare" }],
	});
});
