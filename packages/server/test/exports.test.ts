// Exports over real sockets: the SDK reads one, and a client that goes away or does not read costs the others nothing.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";

import { ApiError, Client } from "@fanfare/sdk";
import { ManualClock, readConfig, startServer } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const [WEBHOOKS, EVENTS] = [20, 1_000];
/** Together some 20 MB of text: more than the sockets of both sides buffer. */
const COUNT = WEBHOOKS * EVENTS;
const CUSTOMERS = 12;
/** An export whose client has read nothing for so long gives up its place. */
const IDLE_MS = 10_000;

/** A server with deliveries that wait, whose clock the test moves. */
async function start() {
	const dir = new TemporaryDir();
	const clock = new ManualClock();
	const settings = {
		FANFARE_PORT: "0",
		FANFARE_DATA_DIR: dir.join("data"),
		FANFARE_LOG_LEVEL: "silent",
		FANFARE_ALLOW_HTTP: "true",
		FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
	};
	const server = await startServer(readConfig(settings), { clock });
	const { project, secretKey } = server.firstStart!;
	const client = new Client(secretKey!, { endpoint: server.url, maxRetries: 0 });
	const own = client.project(project.id);
	for (let n = 0; n < WEBHOOKS; n++) {
		const { id } = await own.batch.webhooks.create({
			name: "n".repeat(128),
			spec: { endpoint: "http://127.0.0.1:1/" },
		});
		await own.batch.webhooks.pause(id);
	}
	await own.events.sendBatch(Array.from({ length: EVENTS }, (_, n) => ({ type: `order.${"t".repeat(80)}`, data: n })));
	/** Asks for an export, and reads nothing of its body. */
	const ask = async (): Promise<IncomingMessage> => {
		const request = get(`${server.url}/projects/${project.id}/deliveries:export`, {
			headers: { "secret-key": secretKey! },
			agent: false,
		});
		const [response] = (await once(request, "response")) as [IncomingMessage];
		response.on("error", () => {});
		return response;
	};
	const dispose = async () => {
		await server.stop();
		dir[Symbol.dispose]();
	};
	return { client, own, clock, ask, [Symbol.asyncDispose]: dispose };
}

/** Whether an export gets a place now. It is not read. */
async function hasPlace({ ask }: { readonly ask: () => Promise<IncomingMessage> }): Promise<boolean> {
	const response = await ask();
	response.destroy();
	return response.statusCode === 200;
}

describe("an export over a socket", () => {
	it("has every delivery, as NDJSON and as CSV", async () => {
		await using setting = await start();
		const ids = new Set<string>();
		for await (const { id } of setting.own.deliveries.export()) ids.add(id);
		expect(ids.size).toBe(COUNT);
		let lines = 0;
		for await (const text of setting.own.deliveries.exportCsv({ status: "Held" }))
			lines += text.split("\r\n").length - 1;
		expect(lines).toBe(COUNT + 1);
	});

	it("has every event and every webhook", async () => {
		await using setting = await start();
		const counts = new Set<unknown>();
		let events = 0;
		for await (const { deliveries } of setting.own.events.export({ type: "order.*" })) {
			counts.add(deliveries?.Held);
			events++;
		}
		expect([events, [...counts]]).toEqual([EVENTS, [WEBHOOKS]]);
		let lines = 0;
		for await (const text of setting.own.events.exportCsv()) lines += text.split("\r\n").length - 1;
		expect(lines).toBe(EVENTS + 1);
		const webhooks: unknown[] = [];
		for await (const { retries } of setting.own.batch.webhooks.export({ status: "Paused" })) webhooks.push(retries);
		// As the SDK names it.
		expect(webhooks).toEqual(Array.from({ length: WEBHOOKS }, () => ({ maxRetries: 17, maxRetryDelay: 28_800_000 })));
	});

	it("has every customer, and every entry of the audit log, of a project and of the workspace", async () => {
		await using setting = await start();
		const { own, client } = setting;
		for (let n = 0; n < CUSTOMERS; n++) await own.customers.update(`c${n}`, { name: `Customer ${n}` });
		const customers: string[] = [];
		for await (const { id } of own.customers.export({ q: "CUSTOMER" })) customers.push(id);
		expect(customers).toEqual(Array.from({ length: CUSTOMERS }, (_, n) => `c${n}`).toSorted());
		const names: (string | undefined)[] = [];
		for await (const text of own.customers.exportCsv())
			names.push(...text.split("\r\n").map((line) => line.split(",")[1]));
		expect(names.slice(0, 2)).toEqual(["name", "Customer 0"]);
		const action = "customer.update";
		for (const audit of [own.audit, client.audit]) {
			const objects = new Set<string>();
			for await (const { objectId } of audit.export({ action, after: 0 })) objects.add(objectId);
			expect([...objects].toSorted()).toEqual(customers);
			let lines = 0;
			for await (const text of audit.exportCsv({ action })) lines += text.split("\r\n").length - 1;
			expect(lines).toBe(CUSTOMERS + 1);
		}
	});

	it("gives its place back when the client goes away", async () => {
		await using setting = await start();
		const [one, two] = [await setting.ask(), await setting.ask()];
		expect([one.statusCode, two.statusCode]).toEqual([200, 200]);
		const rows = setting.own.deliveries.export()[Symbol.asyncIterator]();
		const refused = await rows.next().catch((error: unknown) => error);
		expect(refused).toBeInstanceOf(ApiError);
		expect(refused).toMatchObject({ status: 429, code: "too_many_exports" });
		one.destroy();
		await eventually("a free place", () => hasPlace(setting));
		two.destroy();
	});

	it("gives its place to another one if its client does not read, and is cut off then", async () => {
		await using setting = await start();
		const idle = [await setting.ask(), await setting.ask()];
		// Until the sockets are full, and both exports wait for their clients.
		await eventually("a place of an export that waits", async () => {
			setting.clock.advance(IDLE_MS);
			return hasPlace(setting);
		});
		const closed = idle.map((response) => new Promise((resolve) => response.on("close", resolve)));
		for (const response of idle) response.resume();
		await Promise.all(closed);
		expect(idle.filter(({ complete }) => complete)).toHaveLength(1);
	});
});
