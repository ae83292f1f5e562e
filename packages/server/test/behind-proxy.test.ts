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
async function logged(server: ServerProcess, headers: Record<string, string>, path = "/healthz"): Promise<unknown> {
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
	await connection.write(requestHead("GET", "/healthz", lines));
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

it("/openapi.json has the public URL as its server", async () => {
	await using server = await startServerProcess({ env: { FANFARE_PUBLIC_URL: "https://example.com/fanfare/" } });
	expect((await server.call("GET", "/openapi.json")).json).toMatchObject({
		servers: [{ url: "https://example.com/fanfare" }],
	});
});
