// Another project of the round's server, with a key of its own. What it sends is no part of the round's record.
import type { CreateWebhook, ProjectHandle } from "@fanfare/sdk";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import type { Answer } from "@fanfare/testkit/server-process";

import type { Round } from "../../round.ts";

const AT_ONCE = 20;

export class Neighbour {
	readonly projectId: string;
	readonly key: string;
	/** A receiver of its own, which responds with 200. */
	readonly receiver: Receiver;
	readonly #round: Round;

	private constructor(round: Round, projectId: string, key: string, receiver: Receiver) {
		this.#round = round;
		this.projectId = projectId;
		this.key = key;
		this.receiver = receiver;
	}

	/** Makes the project, and a key that may write in it and nowhere else. */
	static async open(round: Round): Promise<Neighbour> {
		const { id } = await round.client.projects.create({ name: "Neighbour" });
		const { secretKey } = await round.client.keys.create({ name: "neighbour", scope: "write", projectId: id });
		const receiver = await startReceiver();
		round.onEnd(() => receiver.close());
		round.neighbours.push(id);
		round.hiddenValues.set("the neighbour's key", Buffer.from(secretKey));
		return new Neighbour(round, id, secretKey, receiver);
	}

	/** Calls of the SDK, which are repeated until they are answered. */
	get project(): ProjectHandle {
		return this.#round.clientWith(this.key).project(this.projectId);
	}

	/** Makes one request to a path below the project, with the project's key. */
	call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
		const url = `/projects/${this.projectId}${path}`;
		return this.#round.server.call(method, url, body, { "secret-key": this.key, ...headers });
	}

	/** Registers webhooks, some at once, for a customer if one is given. Returns their ids. */
	async addWebhooks(
		count: number,
		specOf: (index: number) => CreateWebhook["spec"],
		customerId?: string,
	): Promise<string[]> {
		const ids: string[] = [];
		for (let from = 0; from < count; from += AT_ONCE) {
			const specs = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => specOf(from + n));
			const create = (spec: CreateWebhook["spec"]) =>
				this.project.batch.webhooks.create({ name: "neighbour", customerId, spec });
			for (const { id } of await Promise.all(specs.map(create))) ids.push(id);
		}
		return ids;
	}

	/** Deletes the project: its deliveries are cancelled. */
	async end(): Promise<void> {
		await this.#round.client.projects.delete(this.projectId);
	}
}
