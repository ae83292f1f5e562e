// A process of relays' clients that do next to nothing else: they answer each request with 200, and can come and go.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { Agent, get, type ClientRequest } from "node:http";
import { availableParallelism, constants, setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";

import { serveCalls } from "../harness/process/serve-calls.ts";
import { HttpConnection } from "../wire/http-connection.ts";

export interface RelayClientsStart {
	readonly serverUrl: string;
	readonly key: string;
	readonly relays: readonly { readonly projectId: string; readonly relayId: string }[];
}

export interface RelayClientsCalls {
	/** Connects a client for each relay. They stay until `comeAndGo`. */
	open(start: RelayClientsStart): Promise<void>;
	/** From now on each client goes after up to `stayMs` and comes back after up to `awayMs`, again and again. */
	comeAndGo(times: { readonly stayMs: number; readonly awayMs: number }): void;
	/** Resolves when `count` different requests were answered; rejects after `timeoutMs`. Returns how many came more than once. */
	waitFor(until: { readonly count: number; readonly timeoutMs: number }): Promise<{ readonly repeated: number }>;
	/** How often clients have connected so far. */
	connects(): number;
	/** Ends all connections. */
	close(): Promise<void>;
}

const OPENED_AT_ONCE = 50;
const RETRY_MS = 1_000;
const REQUEST_ID = /"requestId":"([^"]+)"/;
const ANSWER = '{"status":200}';

const agent = new Agent({ maxSockets: Infinity });
const clients: RelayClient[] = [];
/** Connections that have carried an answer, for the next ones. */
const free: HttpConnection[] = [];
const answered = new Set<string>();
let [connects, repeated, isClosed] = [0, 0, false];
let times = { stayMs: Infinity, awayMs: 0 };

class RelayClient {
	readonly #url: string;
	readonly #key: string;
	#stream: ClientRequest | null = null;
	#end: ReturnType<typeof setTimeout> | null = null;

	constructor({ serverUrl, key }: RelayClientsStart, { projectId, relayId }: RelayClientsStart["relays"][number]) {
		this.#url = `${serverUrl}/projects/${projectId}/relays/${relayId}/requests`;
		this.#key = key;
	}

	async open(): Promise<void> {
		const stream = get(this.#url, { agent, headers: { "secret-key": this.#key } });
		this.#stream = stream;
		const [response] = (await once(stream, "response")) as [NodeJS.ReadableStream & { readonly statusCode: number }];
		if (response.statusCode !== 200) throw new Error(`the stream of a relay was refused: ${response.statusCode}`);
		connects++;
		let rest = "";
		response.setEncoding("utf8").on("data", (text: string) => {
			const messages = (rest + text).split("\n\n");
			rest = messages.pop() ?? "";
			for (const message of messages) this.#take(message);
		});
		response.on("error", () => {});
		this.leaveLater();
	}

	/** Ends the connection when its time is over, and comes back after another one. */
	leaveLater(): void {
		if (!Number.isFinite(times.stayMs) || isClosed) return;
		this.#end = setTimeout(() => void this.#goAndComeBack(), Math.random() * times.stayMs);
	}

	close(): void {
		if (this.#end !== null) clearTimeout(this.#end);
		this.#stream?.on("error", () => {}).destroy();
	}

	async #goAndComeBack(): Promise<void> {
		this.close();
		await sleep(Math.random() * times.awayMs);
		while (!(await this.#isBack())) await sleep(RETRY_MS);
	}

	/** Whether it need not try to connect again. */
	async #isBack(): Promise<boolean> {
		if (isClosed) return true;
		return this.open().then(
			() => true,
			() => false,
		);
	}

	#take(message: string): void {
		const requestId = REQUEST_ID.exec(message)?.[1];
		if (requestId !== undefined) void this.#answer(requestId);
	}

	async #answer(requestId: string): Promise<void> {
		if (answered.has(requestId)) repeated++;
		const { host, pathname } = new URL(this.#url);
		const head =
			`POST ${pathname}/${requestId}:answer HTTP/1.1\r\nhost: ${host}\r\nsecret-key: ${this.#key}\r\n` +
			`content-type: application/json\r\ncontent-length: ${ANSWER.length}\r\n\r\n`;
		const bytes = Buffer.from(head + ANSWER);
		const kept = free.pop();
		// The server may have closed one that was kept for long.
		const isSent = kept !== undefined && (await send(kept, bytes, requestId));
		if (!isSent && !isClosed && !(await send(await HttpConnection.open(this.#url), bytes, requestId))) {
			throw new Error(`the answer to ${requestId} was refused`);
		}
	}
}

/** Sends an answer, and keeps the connection. Returns false if the server has not taken it. */
async function send(connection: HttpConnection, bytes: Buffer, requestId: string): Promise<boolean> {
	const status = await connection.request(bytes).catch(() => 0);
	if (status === 200) answered.add(requestId);
	// Too late: it comes again if it is still needed.
	if (status !== 200 && status !== 409) connection[Symbol.dispose]();
	else free.push(connection);
	return status === 200 || status === 409 || isClosed;
}

// In truth these clients are on the machines of a thousand people: they get what server, load and receiver leave of one of the processors.
setPriority(constants.priority.PRIORITY_LOW);
keepToLastProcessor();

serveCalls<RelayClientsCalls>({
	async open(start) {
		const all = start.relays.map((relay) => new RelayClient(start, relay));
		clients.push(...all);
		for (let from = 0; from < all.length; from += OPENED_AT_ONCE) {
			await Promise.all(all.slice(from, from + OPENED_AT_ONCE).map((client) => client.open()));
		}
	},
	comeAndGo(wanted) {
		times = wanted;
		for (const client of clients) client.leaveLater();
	},
	async waitFor({ count, timeoutMs }) {
		await eventually(`${count} answers of relays`, () => answered.size >= count, timeoutMs);
		return { repeated };
	},
	connects: () => connects,
	async close() {
		isClosed = true;
		for (const client of clients) client.close();
		for (const connection of free) connection[Symbol.dispose]();
		agent.destroy();
	},
});

/** Otherwise they take time from each processor, and others wait for it wherever they are. Does nothing on a system without `taskset`. */
function keepToLastProcessor(): void {
	spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(availableParallelism() - 1), String(process.pid)]);
}
