// Requests that clients of relays got, their answers, and the checks of both. It outlives the server.
import { projectScope } from "../../packages/server/src/core/access/principal.ts";
import { attemptOfRequest } from "../../packages/server/src/core/receivers/relay.ts";
import { readDeliveries } from "../model/read-log.ts";
import type { ServerRun } from "../world/server-run.ts";
import type { World } from "../world/world.ts";

interface Asked {
	count: number;
	/** The answers that the server has taken, and in which run. */
	readonly taken: { readonly status: number; readonly run: ServerRun }[];
	/** All that were given to it, taken or not. */
	readonly given: Set<number>;
}

export class RelayChecks {
	readonly #world: World;
	readonly #asked = new Map<string, Asked>();
	projectId = "";

	constructor(world: World) {
		this.#world = world;
	}

	/** Requests that were offered, each counted once. */
	get requests(): number {
		return this.#asked.size;
	}

	/** The server asks a client. */
	async offered(run: ServerRun, requestId: string): Promise<void> {
		const asked = this.#of(requestId);
		asked.count++;
		// Of several processes, the one that has the client learns later what the others know. The client repeats its answer.
		if (this.#world.sharing !== null) return;
		if (asked.taken.some((answer) => answer.run === run)) {
			this.#world.breach("asked twice", `${requestId} was offered again after this process had taken its answer`);
		}
		const attempt = await this.#attempt(requestId);
		if (attempt !== undefined) {
			this.#world.breach("asked twice", `${requestId} was offered although the log has its attempt`);
		}
	}

	given(requestId: string, status: number): void {
		this.#of(requestId).given.add(status);
	}

	taken(run: ServerRun, requestId: string, status: number): void {
		this.#world.trace.add("client", `has answered ${requestId} with ${status}`);
		this.#of(requestId).taken.push({ status, run });
	}

	/** When everything has ended: the log has what clients have answered, and nothing else. */
	async checkEnd(acknowledged: readonly string[], webhookIds: readonly string[]): Promise<void> {
		const { store } = this.#world;
		const scope = projectScope(this.projectId);
		for (const eventId of acknowledged) {
			const deliveries = await readDeliveries(store, this.projectId, { eventId });
			if (deliveries.length !== webhookIds.length)
				this.#breach("lost", `${eventId} has ${deliveries.length} deliveries`);
			for (const { id, status } of deliveries) {
				if (status !== "Succeeded") this.#breach("lost", `${id} is ${status} at the end`);
				const { rows } = await store.attempts(scope, id, { limit: 100, cursor: null });
				const numbers = rows.map(({ number }) => number).toSorted((a, b) => a - b);
				if (numbers.some((number, index) => number !== index + 1))
					this.#breach("lost", `${id} has attempts ${numbers.join()}`);
				if (this.#world.sharing !== null) this.#checkAmongSeveral(id, rows);
				else
					for (const { number, responseCode, error } of rows)
						this.#checkAttempt(`${id}.${number}`, responseCode, error);
			}
		}
	}

	/**
	 * An engine that has lost its tenure writes its outcomes later, beside those of the engine that has made the attempt again: then the
	 * numbers of attempts in the log are not those of the requests.
	 */
	#checkAmongSeveral(
		id: string,
		rows: readonly { readonly responseCode: number; readonly error: string | null }[],
	): void {
		const requests = [...this.#asked].filter(([requestId]) => attemptOfRequest(requestId)?.deliveryId === id);
		if (requests.length === 0) this.#breach("unasked", `${id} has ${rows.length} attempts, and was never offered`);
		for (const { responseCode, error } of rows) {
			if (error !== null && error !== "timeout") this.#breach("lost", `${id} has used a retry for ${error}`);
			const isGiven = requests.some(([, { given }]) => given.has(responseCode));
			if (error === null && !isGiven)
				this.#breach("invented", `${id} has ${responseCode}, which no client has answered`);
		}
	}

	#checkAttempt(requestId: string, status: number, error: string | null): void {
		const asked = this.#asked.get(requestId);
		if (asked === undefined) return this.#breach("unasked", `${requestId} has an attempt, and was never offered`);
		if (error === "timeout") {
			if (asked.taken.length > 0) this.#breach("lost", `${requestId} is a timeout, and its answer was taken`);
			return;
		}
		if (error !== null) return this.#breach("lost", `${requestId} has used a retry for ${error}`);
		if (!asked.given.has(status)) this.#breach("invented", `${requestId} has ${status}, which no client has answered`);
		// After a crash, another answer may have been taken.
		const [first] = asked.taken;
		if (first === undefined || asked.taken.some(({ status: other }) => other === status)) return;
		this.#breach("lost", `${requestId} has ${status}, and ${first.status} was taken`);
	}

	async #attempt(requestId: string): Promise<object | undefined> {
		const wanted = attemptOfRequest(requestId);
		if (wanted === null) return undefined;
		const page = { limit: 100, cursor: null };
		const { rows } = await this.#world.store.attempts(projectScope(this.projectId), wanted.deliveryId, page);
		return rows.find(({ number }) => number === wanted.number);
	}

	#of(requestId: string): Asked {
		const asked = this.#asked.get(requestId) ?? { count: 0, taken: [], given: new Set() };
		this.#asked.set(requestId, asked);
		return asked;
	}

	#breach(promise: string, text: string): void {
		this.#world.breach(promise, text);
	}
}
