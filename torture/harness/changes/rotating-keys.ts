// API keys that are replaced while senders use them: once its deletion is acknowledged, a key must be refused.
import type { CreatedKey } from "@fanfare/sdk";

import type { Round } from "../../round.ts";
import { eventsPath, rawEvent, recordAcknowledged } from "../raw-sends.ts";
import { now, Timeline } from "./timeline.ts";

interface RotatedKey extends Pick<CreatedKey, "id" | "secretKey"> {
	readonly state: Timeline<"valid" | "deleted">;
}

interface Sent {
	readonly key: RotatedKey;
	readonly from: number;
	readonly to: number;
	readonly status: number;
}

export class RotatingKeys {
	readonly #round: Round;
	/** The newest is the last. */
	readonly #keys: RotatedKey[] = [];
	readonly #sent: Sent[] = [];

	constructor(round: Round) {
		this.#round = round;
	}

	get newest(): RotatedKey {
		const newest = this.#keys.at(-1);
		if (newest === undefined) throw new Error("no key has been created");
		return newest;
	}

	/** Creates the next key. */
	async create(): Promise<void> {
		const name = `rotated ${this.#keys.length}`;
		const { projectId } = this.#round.server;
		const { json } = await this.#round.server.call("POST", "/workspace/keys", { name, scope: "write", projectId });
		const { id, secretKey } = json as CreatedKey;
		this.#round.hiddenValues.set(`the key "${name}"`, Buffer.from(secretKey));
		this.#keys.push({ id, secretKey, state: new Timeline<"valid" | "deleted">("valid") });
	}

	/** Deletes the key before the newest one. Rejects if the server ends meanwhile. */
	async deleteOlder(): Promise<void> {
		const older = this.#keys.at(-2);
		if (older === undefined) throw new Error("there is no older key");
		older.state.changing("deleted");
		const { status } = await this.#round.server.call("DELETE", `/workspace/keys/${older.id}`);
		older.state.confirmed();
		this.#round.expect(status === 200, `deleting a key got ${status}`);
	}

	/** Sends an event with the newest key, or with the one before it. Events of refused sends are in no record, so the checks see if one is stored. */
	async send(useOlder: boolean): Promise<void> {
		const key = (useOlder ? this.#keys.at(-2) : undefined) ?? this.newest;
		const event = rawEvent(this.#round, "keyed.event");
		const [from, sentAt] = [now(), Date.now()];
		const { server } = this.#round;
		const { status, json } = await server.call("POST", eventsPath(this.#round), event.body, {
			"secret-key": key.secretKey,
		});
		this.#sent.push({ key, from, to: now(), status });
		if (status === 202) recordAcknowledged(this.#round, event, (json as { id: string }).id, sentAt);
	}

	/** After a start, or at the end: sends with each key, and checks every response so far. */
	async verify(): Promise<void> {
		for (const key of this.#keys) {
			const from = now();
			const path = `/projects/${this.#round.server.projectId}`;
			const { status } = await this.#round.server.call("GET", path, undefined, { "secret-key": key.secretKey });
			this.#sent.push({ key, from, to: now(), status: status === 200 ? 202 : status });
		}
		for (const { key, from, to, status } of this.#sent) {
			const states = key.state.possible(from, to);
			const isRight = status === 202 ? states.includes("valid") : status === 401 && states.includes("deleted");
			this.#round.expect(isRight, `a call with the key ${key.id} got ${status}, the key was ${states.join(" or ")}`);
		}
		const refused = this.#sent.filter(({ status }) => status === 401).length;
		this.#round.expect(
			refused > 0 && refused < this.#sent.length,
			`${refused} of ${this.#sent.length} calls were refused`,
		);
	}

	/** Each key has been created once, and deleted once unless it is the newest. */
	async verifyAudit(): Promise<void> {
		for (const { id, state } of this.#keys) {
			const entries = await Array.fromAsync(this.#round.client.audit.list({ objectId: id }));
			const actions = entries.map(({ action }) => action).toSorted();
			const wanted = state.latest === "valid" ? ["key.create"] : ["key.create", "key.delete"];
			this.#round.expect(actions.join() === wanted.join(), `the audit log has ${actions.join()} for the key ${id}`);
		}
	}
}
