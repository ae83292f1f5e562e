// project.relays: webhooks whose receiver is the program that connects to them.
import { path, type RequestOptions, type Transport } from "../../transport.ts";
import type { Deleted } from "../webhooks/webhook.ts";
import { connectRelay, type ConnectOptions, type RelayConnection } from "./relay-connection.ts";
import type { PutRelay, Relay, RelayAnswer, RelayAnswered, UpdateRelay } from "./relay.ts";

/** The relays of a project. Use it as `project.relays`. */
export class Relays {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Connects this program as the receiver of a relay, which is made if the device has none. The connection lasts as long as it is
	 * iterated: it connects again after a lost connection, a sleep of the machine or a restart of the server. A request that was
	 * answered is never given twice.
	 *
	 * @example
	 * const relay = project.relays.connect({ device: "ada@laptop", secret });
	 * for await (const request of relay) {
	 * 	console.log(new TextDecoder().decode(request.body));
	 * 	await request.answer({ status: 200 });
	 * }
	 */
	connect(relay: PutRelay, options: ConnectOptions = {}): RelayConnection {
		return connectRelay(this.#transport, this.#projectId, () => this.put(relay, { signal: options.signal }), options);
	}

	/** Makes the relay of a device, or changes the one that there is. `connect` does this by itself. */
	async put(relay: PutRelay, options?: RequestOptions): Promise<Relay> {
		const json = JSON.stringify(relay);
		const request = {
			method: "POST",
			path: this.#path(),
			json,
			answer: "relay",
			repeat: "any",
			isConfidential: true,
		} as const;
		return this.#transport.request<Relay>(request, options);
	}

	/** Lists all relays of the project. */
	async list(options?: RequestOptions): Promise<readonly Relay[]> {
		const request = { method: "GET", path: this.#path(), answer: "relays" } as const;
		return (await this.#transport.request<{ readonly data: readonly Relay[] }>(request, options)).data;
	}

	/** Fetches one relay. */
	async get(id: string, options?: RequestOptions): Promise<Relay> {
		const request = { method: "GET", path: `${this.#path()}${path`/${id}`}`, answer: "relay" } as const;
		return this.#transport.request<Relay>(request, options);
	}

	/** Changes a relay. */
	async update(id: string, changes: UpdateRelay, options?: RequestOptions): Promise<Relay> {
		const json = JSON.stringify(changes);
		const request = { method: "PATCH", path: `${this.#path()}${path`/${id}`}`, json, answer: "relay" } as const;
		return this.#transport.request<Relay>(request, options);
	}

	/** Deletes a relay. Its client is told, and deliveries that wait are cancelled. */
	async delete(id: string, options?: RequestOptions): Promise<Deleted> {
		const request = { method: "DELETE", path: `${this.#path()}${path`/${id}`}`, answer: "deleted" } as const;
		return this.#transport.request<Deleted>(request, options);
	}

	/** Answers a request of a relay, for programs that read the stream of requests themselves. `connect` does this by itself. */
	async answer(id: string, requestId: string, answer: RelayAnswer, options?: RequestOptions): Promise<RelayAnswered> {
		const json = JSON.stringify(answer);
		const one = `${this.#path()}${path`/${id}/requests/${requestId}`}:answer`;
		const request = { method: "POST", path: one, json, answer: "relayAnswer", repeat: "any" } as const;
		return this.#transport.request<RelayAnswered>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/relays`;
	}
}
