// What tests do with a server that runs, wherever it does: calls with its first key, in its first project.
import { Client, type CreatedWebhook, type CreateWebhook, type DeliveryDetail, type ProjectHandle } from "@fanfare/sdk";

import { eventually } from "./eventually.ts";

/** A response of the server. */
export interface Answer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The parsed body; undefined if it is not JSON. */
	readonly json: unknown;
}

/**
 * A server as its callers see it.
 *
 * @example
 * await server.createWebhook(receiver.url);
 * const { id } = await server.project.events.send({ type: "order.paid", data: 1 });
 * await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
 */
export abstract class CalledServer {
	abstract readonly url: string;
	/** An admin key. */
	abstract readonly key: string;
	abstract readonly projectId: string;

	get client(): Client {
		return new Client(this.key, { endpoint: this.url });
	}

	get project(): ProjectHandle {
		return this.client.project(this.projectId);
	}

	/** Makes a call with the key and without the SDK. `body` is sent as JSON, or unchanged if it is a string. */
	async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
		const response = await fetch(`${this.url}${path}`, {
			method,
			headers: { "secret-key": this.key, "content-type": "application/json", ...headers },
			...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, headers: response.headers, text, json: parse(text) };
	}

	/** Creates a webhook in the first project. Its retries have short delays unless `spec` sets others. */
	createWebhook(endpoint: string, spec: Partial<CreateWebhook["spec"]> = {}): Promise<CreatedWebhook> {
		const retries = { maxRetries: 3, maxRetryDelay: 50 };
		return this.project.batch.webhooks.create({ name: "test", spec: { endpoint, retries, ...spec } });
	}

	/** Waits until the only delivery of an event satisfies `isSo`, and returns it with its attempts. */
	waitForDelivery(
		eventId: string,
		isSo: (delivery: DeliveryDetail) => boolean,
		timeoutMs?: number,
	): Promise<DeliveryDetail> {
		const { deliveries } = this.project;
		const look = async () => {
			const [found] = (await deliveries.list({ eventId })).data;
			const delivery = found === undefined ? undefined : await deliveries.get(found.id);
			return delivery !== undefined && isSo(delivery) ? delivery : null;
		};
		return eventually(`the delivery of ${eventId} to be in the expected state`, look, timeoutMs);
	}
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}
