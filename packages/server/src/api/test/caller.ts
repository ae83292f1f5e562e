// Makes calls to an app for tests: adds a key and a body, parses the response.
import { fakeApi, type FakeApi } from "./fake-engine.ts";

export interface Answer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	readonly json: Readonly<Record<string, unknown>>;
}

export interface Caller extends FakeApi {
	/** A `body` that is a string, bytes or a stream is sent unchanged, anything else as JSON. `./` means in the project. */
	readonly call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
	/** Creates a webhook and returns its id. */
	readonly makeWebhook: () => Promise<string>;
}

export async function caller(overrides?: Parameters<typeof fakeApi>[0]): Promise<Caller> {
	const api = await fakeApi(overrides);
	const call: Caller["call"] = async (method, path, body, headers = {}) => {
		const url = path.startsWith("./") ? `/projects/${api.project.id}/${path.slice(2)}` : path;
		const response = await api.app.request(url, {
			method,
			headers: { "secret-key": api.keys.admin, "content-type": "application/json", ...headers },
			...(body !== undefined && { body: asBody(body), duplex: "half" }),
		});
		const text = await response.text();
		const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
		return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
	};
	const makeWebhook = async (): Promise<string> => {
		const { json } = await call("POST", "./batch/webhooks", { name: "a", spec: { endpoint: "https://example.com/" } });
		return json["id"] as string;
	};
	return { ...api, call, makeWebhook };
}

function asBody(body: unknown): string | Uint8Array<ArrayBuffer> | ReadableStream {
	if (typeof body === "string" || body instanceof ReadableStream) return body;
	return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}
