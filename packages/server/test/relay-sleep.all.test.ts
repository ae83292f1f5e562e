// A relay's client whose machine sleeps: its process is suspended, and goes on later on connections that are dead by then.
//
// CI suspends it until its deliveries are Held. The long form, in milliseconds:
// FANFARE_TEST_SLEEP_MS=120000 npx vitest run packages/server/test/relay-sleep.all.test.ts --config vitest.rest.config.ts
//
// On a database, the client is connected to another process than the one that delivers to it, and its server is killed, too.
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { eventually } from "@fanfare/testkit/eventually";
import { postgresIssue, startPostgres } from "@fanfare/testkit/programs/postgres";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

const SECRET = `whsec_${Buffer.alloc(32, "secret").toString("base64")}`;
const CLIENT = fileURLToPath(new URL("relay-client.ts", import.meta.url));
const SLEEP_MS = Number(process.env["FANFARE_TEST_SLEEP_MS"] ?? 0);

interface Line {
	readonly state?: string;
	readonly request?: string;
	readonly event?: string;
}

class ClientProcess implements Disposable {
	readonly #child;
	#text = "";

	constructor({ url, key, projectId }: ServerProcess) {
		const args = ["--conditions=@fanfare/source", CLIENT, url, key, projectId, SECRET];
		this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
		this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#text += text));
	}

	get lines(): Line[] {
		return this.#text
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line) as Line);
	}

	get requests(): string[] {
		return this.lines.flatMap(({ request }) => request ?? []);
	}

	count(state: string): number {
		return this.lines.filter((line) => line.state === state).length;
	}

	kill(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	[Symbol.dispose](): void {
		this.kill("SIGKILL");
	}
}

const LONGEST_MS = 120_000;

const TIMEOUT_MS = 3 * LONGEST_MS + SLEEP_MS;

it("misses nothing while its machine sleeps, and gets each request once", { timeout: TIMEOUT_MS }, async () => {
	await using server = await startServerProcess();
	using client = new ClientProcess(server);
	await sleepAndWake(server, client);
});

it("makes its relay again if that was deleted while its machine slept", { timeout: TIMEOUT_MS }, async () => {
	await using server = await startServerProcess();
	using client = new ClientProcess(server);
	await eventually("the client to be ready", () => client.count("ready") === 1);
	const [relay] = await server.project.relays.list();
	await suspend(server, client);
	const { id } = await server.project.events.send({ type: "order.paid", data: 1 });
	const deliveryOf = async (eventId: string) => (await server.project.deliveries.list({ eventId })).data[0];
	// As the sweeper deletes it an hour later.
	await eventually("it to be Held", async () => (await deliveryOf(id))?.status === "Held", LONGEST_MS);
	await server.project.relays.delete(relay?.id ?? "");
	client.kill("SIGCONT");
	await eventually("the client to be ready again", () => client.count("ready") > 1, LONGEST_MS);
	const [again] = await server.project.relays.list();
	expect(again).toMatchObject({ device: relay?.device, connected: true });
	expect(again?.id).not.toBe(relay?.id);
	const later = await server.project.events.send({ type: "order.paid", data: 1 });
	await eventually("its delivery", async () => (await deliveryOf(later.id))?.status === "Succeeded", LONGEST_MS);
	expect((await deliveryOf(id))?.status).toBe("Cancelled");
	expect(client.count("deleted")).toBe(0);
});

it.skipIf(postgresIssue() !== null)(
	"misses nothing while its machine sleeps, nor when a process is killed, at any of several processes on a database",
	{ timeout: TIMEOUT_MS },
	async () => {
		await using postgres = await startPostgres();
		const env = {
			FANFARE_MASTER_KEY: "0123456789abcdef".repeat(4),
			FANFARE_ADMIN_KEY: `sk_${"a".repeat(43)}`,
			FANFARE_DATABASE_URL: await postgres.createDatabase(),
		};
		await using worker = await startServerProcess({ env });
		// It delivers nothing.
		await using api = await startServerProcess({ env: { ...env, FANFARE_ROLE: "api" } });
		using client = new ClientProcess(api);
		const sent = await sleepAndWake(worker, client);
		const deliveryOf = async (eventId: string) => (await worker.project.deliveries.list({ eventId })).data[0];
		api.kill("SIGKILL");
		await api.exited;
		sent.push((await worker.project.events.send({ type: "order.paid", data: 1 })).id);
		await api.restart();
		worker.kill("SIGKILL");
		await worker.exited;
		sent.push((await api.project.events.send({ type: "order.paid", data: 1 })).id);
		await worker.restart();
		for (const id of sent) {
			await eventually("its delivery", async () => (await deliveryOf(id))?.status === "Succeeded", LONGEST_MS);
			expect(await deliveryOf(id)).toMatchObject({ attemptCount: 1 });
		}
		expect(client.requests).toHaveLength(sent.length);
		expect(new Set(client.requests).size).toBe(sent.length);
	},
);

/** Suspends the client, which the server misses soon. Returns how to let it go on, with as much time as before to answer. */
async function suspend({ project: { relays } }: ServerProcess, client: ClientProcess): Promise<() => Promise<void>> {
	const [relay] = await relays.list();
	const { id, timeoutMs } = relay!;
	await relays.update(id, { timeoutMs: 1_000 });
	client.kill("SIGSTOP");
	return async () => {
		await relays.update(id, { timeoutMs });
		client.kill("SIGCONT");
	};
}

/** Suspends the client and lets it go on. Returns the events that it has got. */
async function sleepAndWake(server: ServerProcess, client: ClientProcess): Promise<string[]> {
	await eventually("the client to be ready", () => client.count("ready") === 1);
	const deliveryOf = async (eventId: string) => (await server.project.deliveries.list({ eventId })).data[0];
	const statusOf = async (eventId: string) => (await deliveryOf(eventId))?.status;
	const send = async () => (await server.project.events.send({ type: "order.paid", data: 1 })).id;

	const awake = await send();
	await eventually("the first delivery", async () => (await statusOf(awake)) === "Succeeded");
	const wakeUp = await suspend(server, client);
	// Its connection is open, and the kernel takes what the server writes.
	const asleep = [await send(), await send()];
	for (const id of asleep) {
		await eventually("it to be Held", async () => (await statusOf(id)) === "Held", LONGEST_MS);
	}
	const whileHeld = await send();
	expect(await statusOf(whileHeld)).toBe("Held");
	const [relay] = await server.project.relays.list();
	expect(relay).toMatchObject({ connected: false, away: true });
	// This time is what is tested, and not a wait for anything.
	await delay(SLEEP_MS);
	await wakeUp();

	const sent = [awake, ...asleep, whileHeld];
	for (const id of sent) {
		await eventually("its delivery", async () => (await statusOf(id)) === "Succeeded", LONGEST_MS);
		expect(await deliveryOf(id)).toMatchObject({ attemptCount: 1 });
	}
	expect(client.requests).toHaveLength(sent.length);
	expect(new Set(client.requests).size).toBe(sent.length);
	expect(client.count("ready")).toBeGreaterThan(1);
	return sent;
}
