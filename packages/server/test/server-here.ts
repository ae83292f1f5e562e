// A server in the test's own process, over real sockets and on a real data directory. It starts in a fraction of the time that a process
// takes, which is for signals, kills and what a command prints.
import { Client, type CreatedWebhook, type CreateWebhook, type DeliveryDetail, type ProjectHandle } from "@fanfare/sdk";
import { readConfig, startServer, type RunningServer, type StartOptions } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";

const DEFAULTS = {
	FANFARE_PORT: "0",
	FANFARE_ALLOW_HTTP: "true",
	FANFARE_ALLOW_NETWORKS: "127.0.0.0/8",
	FANFARE_SENDER_THREADS: "0",
};

/** A response of the server. */
export interface Reply {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The parsed body; undefined if it is not JSON. */
	readonly json: unknown;
}

/** A line of the log: its level, its message as `msg`, and its fields. */
export type LogLine = Readonly<Record<string, unknown>>;

/**
 * Starts a server whose receivers may be on loopback. When disposed, it is stopped and its data is removed.
 *
 * @example
 * await using server = await startHere({ FANFARE_MAX_REPLAYS: "1" });
 * await server.project.events.send({ type: "order.paid", data: 1 });
 */
export async function startHere(
	env: Readonly<Record<string, string>> = {},
	options: StartOptions = {},
): Promise<ServerHere> {
	const dir = new TemporaryDir();
	const log: LogLine[] = [];
	const at = (level: string) => (fields: object, msg: string) => void log.push({ level, msg, ...fields });
	const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), fatal: at("fatal") };
	try {
		const config = readConfig({ ...DEFAULTS, FANFARE_DATA_DIR: dir.join("data"), ...env });
		return new ServerHere(await startServer(config, { logger, ...options }), dir, log);
	} catch (error) {
		dir[Symbol.dispose]();
		throw error;
	}
}

export class ServerHere implements AsyncDisposable {
	readonly running: RunningServer;
	readonly url: string;
	readonly port: number;
	/** The admin key and the project of the first start. */
	readonly key: string;
	readonly projectId: string;
	readonly log: readonly LogLine[];
	readonly #dir: TemporaryDir;

	constructor(running: RunningServer, dir: TemporaryDir, log: readonly LogLine[]) {
		this.running = running;
		this.url = running.url;
		this.port = Number(new URL(running.url).port);
		this.key = running.firstStart?.secretKey ?? "";
		this.projectId = running.firstStart?.project.id ?? "";
		this.log = log;
		this.#dir = dir;
	}

	get client(): Client {
		return new Client(this.key, { endpoint: this.url });
	}

	get project(): ProjectHandle {
		return this.client.project(this.projectId);
	}

	/** Makes a call with the key and without the SDK. `body` is sent as JSON, or unchanged if it is a string. */
	async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
		const response = await fetch(`${this.url}${path}`, {
			method,
			headers: { "secret-key": this.key, "content-type": "application/json", ...headers },
			...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
		});
		const text = await response.text();
		const isJson = response.headers.get("content-type")?.includes("json") === true;
		return {
			status: response.status,
			headers: response.headers,
			text,
			json: isJson ? (JSON.parse(text) as unknown) : undefined,
		};
	}

	/** Creates a webhook in the first project. Its retries have short delays unless `spec` sets others. */
	createWebhook(endpoint: string, spec: Partial<CreateWebhook["spec"]> = {}): Promise<CreatedWebhook> {
		const retries = { maxRetries: 3, maxRetryDelay: 50 };
		return this.project.batch.webhooks.create({ name: "test", spec: { endpoint, retries, ...spec } });
	}

	/** Waits until the only delivery of an event satisfies `isSo`, and returns it with its attempts. */
	waitForDelivery(eventId: string, isSo: (delivery: DeliveryDetail) => boolean): Promise<DeliveryDetail> {
		const { deliveries } = this.project;
		return eventually(`the delivery of ${eventId} to be in the expected state`, async () => {
			const [found] = (await deliveries.list({ eventId })).data;
			const delivery = found === undefined ? undefined : await deliveries.get(found.id);
			return delivery !== undefined && isSo(delivery) ? delivery : null;
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.running.stop();
		this.#dir[Symbol.dispose]();
	}
}
