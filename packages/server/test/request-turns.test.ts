// Requests of many connections: those of one client, or of one project, let others' requests in between.
import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection, requestHead } from "@fanfare/testkit/raw-connection";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const CONNECTIONS = 100;
const REQUESTS = 10;
const UNKNOWN_KEY = `sk_${"a".repeat(43)}`;
const MANY = "/many";
const OTHER = "/other";

let server: ServerProcess;
beforeAll(async () => {
	server = await startServerProcess();
});
afterAll(async () => {
	await server[Symbol.asyncDispose]();
});

/** A request whose path ends with `mark`, in a project and with a key. Its response needs nothing of the store. */
function request(projectId: string, key: string, mark: string): string {
	return requestHead("GET", `/projects/${projectId}/webhooks${mark}`, { "secret-key": key });
}

/**
 * How many of a thousand requests like `many` the server has answered before `other`, by its log. They have all come before `other`
 * when the server begins to read them.
 */
async function answeredBefore(many: string, other: string): Promise<number> {
	const connections = Array.from({ length: CONNECTIONS + 1 }, () => new RawConnection(server.port));
	try {
		for (const connection of connections) {
			await connection.write(requestHead("GET", "/healthz", {}));
			await connection.answer();
		}
		const from = server.stdout.length;
		process.kill(server.pid, "SIGSTOP");
		try {
			for (const connection of connections.slice(1)) await connection.write(many.repeat(REQUESTS));
			await connections[0]?.write(other);
		} finally {
			process.kill(server.pid, "SIGCONT");
		}
		const lines = () => server.stdout.slice(from).split("\n");
		const manyOf = (some: readonly string[]) => some.filter((line) => line.includes(MANY)).length;
		const isOther = (line: string) => line.includes(OTHER);
		await eventually("all are answered", () => manyOf(lines()) === CONNECTIONS * REQUESTS && lines().some(isOther));
		return manyOf(lines().slice(0, lines().findIndex(isOther)));
	} finally {
		for (const connection of connections) connection[Symbol.dispose]();
	}
}

describe("a request that comes after a thousand others is answered before most of them", () => {
	it("if these are of somebody without a key", async () => {
		const { projectId, key } = server;
		const before = await answeredBefore(request(projectId, UNKNOWN_KEY, MANY), request(projectId, key, OTHER));
		// What begins in a moment without waiting is answered at once.
		expect(before).toBeLessThan(300);
	});

	it("if these are of another project", async () => {
		const { projectId, key } = server;
		const { id } = await server.client.projects.create({ name: "Other" });
		expect(await answeredBefore(request(id, key, MANY), request(projectId, key, OTHER))).toBeLessThan(300);
	});

	it("if these are of a project, and it has no key", async () => {
		const { projectId, key } = server;
		const before = await answeredBefore(request(projectId, key, MANY), request(projectId, UNKNOWN_KEY, OTHER));
		expect(before).toBeLessThan(300);
	});
});
