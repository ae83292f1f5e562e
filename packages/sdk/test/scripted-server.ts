// A real HTTP server on loopback that follows a script: one step per request.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { Client, type ClientOptions } from "../src/index.ts";
import type { Runtime } from "../src/platform.ts";

export interface SeenRequest {
	readonly method: string;
	readonly url: string;
	readonly headers: IncomingMessage["headers"];
	readonly body: string;
}

/** How the server handles one request. */
export type Step = (response: ServerResponse, request: SeenRequest) => void;

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Step =>
	raw(status, JSON.stringify(body), { "content-type": "application/json", ...headers });

export const raw =
	(status: number, body: string, headers: Record<string, string> = {}): Step =>
	(response) => {
		response.writeHead(status, headers).end(body);
	};

/** Accepts the request and never responds. */
export const hang: Step = () => {};

/** Sends the headers and the start of a body, then nothing more. */
export const hangInBody: Step = (response) => {
	response.writeHead(200, { "content-type": "application/json" });
	response.write('{"id":');
};

/** Sends white space as fast and as long as the client reads. */
export const endless =
	(status: number): Step =>
	(response) => {
		const piece = Buffer.alloc(1_024 * 1_024, " ");
		const write = () => {
			while (!response.destroyed && response.write(piece));
		};
		response.writeHead(status, { "content-type": "application/json" }).on("drain", write);
		write();
	};

/** Resets the connection before the first byte of the response. */
export const reset: Step = (response) => {
	response.socket?.resetAndDestroy();
};

/** Resets the connection in the middle of the body. */
export const resetInBody: Step = (response) => {
	response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
	response.write('{"id":', () => response.socket?.resetAndDestroy());
};

/** The error that a call rejects with. */
export async function failure(call: PromiseLike<unknown>): Promise<unknown> {
	try {
		await call;
	} catch (error) {
		return error;
	}
	throw new Error("expected the call to fail");
}

export class ScriptedServer implements AsyncDisposable {
	readonly requests: SeenRequest[] = [];
	readonly #server;
	readonly #steps: Step[];

	private constructor(steps: readonly Step[]) {
		this.#steps = [...steps];
		this.#server = createServer((request, response) => {
			const chunks: Buffer[] = [];
			request.on("data", (chunk: Buffer) => chunks.push(chunk));
			request.on("end", () => this.#answer(request, Buffer.concat(chunks).toString(), response));
		});
	}

	/** Handles the first request with the first step and so on. Requests beyond the last step get a 599. */
	static async start(...steps: readonly Step[]): Promise<ScriptedServer> {
		const server = new ScriptedServer(steps);
		await new Promise<void>((resolve) => {
			server.#server.listen(0, "127.0.0.1", resolve);
		});
		return server;
	}

	get endpoint(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	/** The last request. Throws if there was none. */
	get last(): SeenRequest {
		return this.requests.at(-1)!;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => {
			this.#server.close(resolve);
		});
	}

	#answer(request: IncomingMessage, body: string, response: ServerResponse): void {
		const seen = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
		this.requests.push(seen);
		const step = this.#steps.shift() ?? json(599, { message: "more requests than the test has steps" });
		step(response, seen);
	}
}

export const KEY = "sk_a-key-that-must-not-be-seen";

/** A client of `server` that records its waits instead of waiting. */
export function testClient(
	server: { readonly endpoint: string },
	options: ClientOptions = {},
	runtime: Partial<Runtime> = {},
): { client: Client; waits: number[] } {
	const waits: number[] = [];
	const sleep = async (ms: number) => {
		waits.push(ms);
	};
	const client = new Client(KEY, { endpoint: server.endpoint, ...options }, { sleep, random: () => 1, ...runtime });
	return { client, waits };
}

export const PROJECT_ID = "proj_ca5fe71e7592bbcf7705ea36e4f29ed4";
export const WEBHOOK_ID = "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7";

export const wireWebhook = {
	id: WEBHOOK_ID,
	object: "webhook",
	projectId: PROJECT_ID,
	name: "aws-lambda",
	endpoint: "https://lambda-url.ap-southeast-1.on.aws/",
	retries: { maxRetries: 3, maxBackoffMs: 15_000 },
	createDate: 1723633671620,
	updateDate: 1723736909980,
};

export const wireProject = {
	id: PROJECT_ID,
	object: "project",
	name: "My project",
	workspaceId: "ws_1c8aab980f174b0296c7e35e88665b13",
	type: "webhooks",
	createDate: 1701927649302,
	localization: "local",
	tags: [],
	groups: [],
	statistic: { tagsCount: [], totalAssets: 0, annotatedAssets: 0, totalAnnotations: 0 },
};

export const wireEvent = (n: number) => ({
	id: `evt_${n}`,
	object: "event",
	projectId: PROJECT_ID,
	type: "order.paid",
	timestamp: 1,
	createDate: 2,
	duplicate: false,
	deliveryCount: 2,
});

export const emptyPage = { nextPage: null, prevPage: null, data: [] };
