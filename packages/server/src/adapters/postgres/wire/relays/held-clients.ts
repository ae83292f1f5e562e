// The clients of relays that this process has, as rows for the other members: whatever comes and goes while one transaction is under way,
// the next one writes.
import { SharedRuns } from "../../../../core/concurrency/shared-runs.ts";
import type { Signals } from "../../../../ports/signals.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import type { Database } from "../../connection/database.ts";
import { writeHeld } from "./relay-rows.ts";

interface HeldClientsParts {
	readonly database: Database;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	readonly signals: Pick<Signals, "send">;
	/** Clients are in the database again that were not for a while: this process has become another member, or a write has failed. */
	readonly returned: () => void;
}

export class HeldClients {
	readonly #parts: HeldClientsParts;
	/** By relay: the epoch of its client. */
	readonly #held = new Map<string, number>();
	/** The relays whose clients have come or gone since the last transaction began. */
	readonly #changed = new Set<string>();
	/** The member whose rows agree with all relays that have not changed; null if none are known to. */
	#member: string | null = null;
	/** Whether others may not have known of clients since rows were written last. */
	#wasAway = false;
	readonly #writes = new SharedRuns();

	constructor(parts: HeldClientsParts) {
		this.#parts = parts;
	}

	get size(): number {
		return this.#held.size;
	}

	/** Whether the rows do not agree with what this process has, as far as it knows. */
	get isBehind(): boolean {
		return this.#changed.size > 0 || (this.#held.size > 0 && this.#member !== this.#parts.member());
	}

	has(webhookId: string): boolean {
		return this.#held.has(webhookId);
	}

	/** A client has come with this epoch. Resolves when the others can know. Rejects if the database fails. */
	async come(webhookId: string, epoch: number): Promise<void> {
		// A newer one was faster.
		if ((this.#held.get(webhookId) ?? epoch) > epoch) return;
		this.#held.set(webhookId, epoch);
		this.#changed.add(webhookId);
		await this.write();
	}

	/** The client with this epoch has gone. Returns false if the relay has another one here, or none. Call `write` then. */
	go(webhookId: string, epoch: number): boolean {
		if (this.#held.get(webhookId) !== epoch) return false;
		this.#held.delete(webhookId);
		this.#changed.add(webhookId);
		return true;
	}

	/** Resolves when everything that has come and gone before the call is in the database. Rejects if that fails. */
	write(): Promise<void> {
		return this.#writes.run("rows", () => this.#write());
	}

	async #write(): Promise<void> {
		const { database, signals, returned } = this.#parts;
		const member = this.#parts.member();
		// Without a tenure, it has no rows. It writes all of them when it is a member again.
		if (member === null) {
			this.#wasAway = true;
			return;
		}
		const isNew = member !== this.#member;
		const changed = isNew ? new Set([...this.#held.keys(), ...this.#changed]) : new Set(this.#changed);
		if (changed.size === 0) return;
		const held = [...changed].flatMap((webhookId) => {
			const epoch = this.#held.get(webhookId);
			return epoch === undefined ? [] : [{ webhookId, epoch }];
		});
		const gone = [...changed].filter((webhookId) => !this.#held.has(webhookId));
		this.#wasAway ||= held.some(({ webhookId }) => !this.#changed.has(webhookId));
		this.#changed.clear();
		this.#member = null;
		try {
			await writeHeld(database, member, { held, gone });
		} catch (error) {
			for (const webhookId of gone) this.#changed.add(webhookId);
			// It is no member any more, and has not noticed yet.
			if (error instanceof StoreError && error.code === "store_conflict") return;
			throw error;
		}
		this.#member = member;
		signals.send("relays");
		if (!this.#wasAway) return;
		this.#wasAway = false;
		returned();
	}
}
