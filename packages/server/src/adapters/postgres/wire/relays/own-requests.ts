// The requests of this process: writes them for the other members, many at once, and takes them back.
import type { Clock } from "../../../../core/clock.ts";
import type { RelayedKey, RelayedOutcome } from "../../../../ports/relay-wire.ts";
import type { Signals } from "../../../../ports/signals.ts";
import type { Database } from "../../connection/database.ts";
import { FairRoom, inTurn } from "./fair-room.ts";
import { write, type Announcement, type Ended } from "./relay-rows.ts";

/** Bytes of bodies that other members may read, of all projects. */
const MAX_BYTES = 32 * 1_024 * 1_024;
/** What one transaction writes. */
const STEP = 256;
const STEP_BYTES = 4 * 1_024 * 1_024;
/** After a failure of the database. */
const TRY_AGAIN_MS = 500;

interface OwnRequestParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "after">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	readonly signals: Pick<Signals, "send">;
}

type Resolve = (answer: RelayedOutcome | null) => void;

/**
 * - waiting: to be written, when its project has room if it is for others.
 * - writing: by the transaction under way.
 * - written: others know it.
 */
interface Own {
	announcement: Announcement;
	state: "waiting" | "writing" | "written";
	/** Whether it was ever in a transaction, which may have been committed. */
	isKnown: boolean;
	/** Whether others were ever to give it to a client. */
	wasForOthers: boolean;
	/** The room that it has. */
	bytes: number;
	resolves: Resolve[];
}

interface Withdrawal {
	readonly key: RelayedKey;
	/** Whether others may have it. */
	readonly wasForOthers: boolean;
	readonly resolves: Resolve[];
}

export class OwnRequests {
	readonly #parts: OwnRequestParts;
	readonly #room = new FairRoom(MAX_BYTES);
	readonly #all = new Map<string, Own>();
	readonly #waiting = new Map<string, Own>();
	readonly #withdrawals = new Map<string, Withdrawal>();
	/** The id of this process as a member when it first wrote a request: it stays the owner of its requests. */
	#owner: string | null = null;
	#writing: Promise<void> | null = null;
	#cancelRetry: (() => void) | null = null;
	#isStopped = false;

	constructor(parts: OwnRequestParts) {
		this.#parts = parts;
	}

	get owner(): string | null {
		return this.#owner;
	}

	get size(): number {
		return this.#all.size;
	}

	/** The relays of the requests that are for others. */
	get relays(): Set<string> {
		const forOthers = [...this.#all.values()].filter(({ announcement }) => announcement.isForOthers);
		return new Set(forOthers.map(({ announcement }) => announcement.request.webhookId));
	}

	has(key: RelayedKey): boolean {
		return this.#all.has(nameOf(key));
	}

	/** See `RelayWire.announce`. */
	announce(announcement: Announcement): Promise<RelayedOutcome | null> {
		const name = nameOf(announcement.request);
		const known = this.#all.get(name);
		const own: Own = known ?? {
			announcement,
			state: "waiting",
			isKnown: false,
			wasForOthers: false,
			bytes: 0,
			resolves: [],
		};
		own.announcement = announcement;
		own.wasForOthers ||= announcement.isForOthers;
		own.state = "waiting";
		this.#all.set(name, own);
		this.#waiting.set(name, own);
		this.#writeLater();
		return new Promise((resolve) => own.resolves.push(resolve));
	}

	/** See `RelayWire.withdraw`. */
	withdraw(key: RelayedKey): Promise<RelayedOutcome | null> {
		const name = nameOf(key);
		const own = this.#all.get(name);
		this.#all.delete(name);
		this.#waiting.delete(name);
		if (own !== undefined) {
			this.#room.giveBack(own.announcement.request.projectId, own.bytes);
			for (const resolve of own.resolves.splice(0)) resolve(null);
			if (!own.isKnown) return Promise.resolve(null);
		}
		const wasForOthers = own?.wasForOthers ?? true;
		const known = this.#withdrawals.get(name) ?? { key, wasForOthers, resolves: [] };
		this.#withdrawals.set(name, known);
		this.#writeLater();
		return new Promise((resolve) => known.resolves.push(resolve));
	}

	/** Writes no more. Resolves when the transaction under way has ended. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#cancelRetry?.();
		await this.#writing;
	}

	#writeLater(): void {
		if (this.#isStopped || this.#writing !== null || this.#cancelRetry !== null) return;
		this.#writing = this.#writeAll().finally(() => (this.#writing = null));
	}

	async #writeAll(): Promise<void> {
		// What comes in this turn goes into one transaction.
		await Promise.resolve();
		while (!this.#isStopped) {
			this.#owner ??= this.#parts.member();
			const withdrawals = [...this.#withdrawals].slice(0, STEP);
			for (const [name] of withdrawals) this.#withdrawals.delete(name);
			const announced = this.#owner === null ? [] : this.#next();
			if (withdrawals.length + announced.length === 0) break;
			// oxlint-disable-next-line no-await-in-loop -- in order
			if (!(await this.#write(withdrawals, announced))) return this.#tryAgain();
		}
		// It has no tenure yet.
		if (this.#owner === null && this.#waiting.size > 0) this.#tryAgain();
	}

	#tryAgain(): void {
		if (this.#isStopped) return;
		this.#cancelRetry = this.#parts.clock.after(TRY_AGAIN_MS, () => {
			this.#cancelRetry = null;
			this.#writeLater();
		});
	}

	/** The requests that are written next. */
	#next(): [string, Own][] {
		let [count, bytes] = [0, 0];
		const next = inTurn(
			[...this.#waiting],
			([, own]) => own.announcement.request.projectId,
			([, own]) => {
				const { isForOthers, request } = own.announcement;
				const wanted = isForOthers && own.bytes === 0 ? request.body.length : 0;
				if (count >= STEP || (count > 0 && bytes + wanted > STEP_BYTES)) return false;
				if (wanted > 0 && !this.#room.take(request.projectId, wanted)) return false;
				own.bytes += wanted;
				count++;
				bytes += wanted;
				return true;
			},
		);
		for (const [name, own] of next) {
			this.#waiting.delete(name);
			own.state = "writing";
			own.isKnown = true;
		}
		return next;
	}

	/** Returns false if the database has failed. */
	async #write(withdrawals: readonly [string, Withdrawal][], announced: readonly [string, Own][]): Promise<boolean> {
		let answers: Map<string, RelayedOutcome>;
		try {
			const withdrawn = withdrawals.map(([, { key }]) => key);
			const ended: Ended[] = await write(this.#parts.database, this.#owner ?? "", {
				withdrawn: this.#owner === null ? [] : withdrawn,
				announced: announced.map(([, { announcement }]) => announcement),
			});
			answers = new Map(ended.map((each) => [nameOf(each), each.outcome]));
		} catch {
			for (const [, { resolves }] of withdrawals) for (const resolve of resolves) resolve(null);
			for (const [name, own] of announced) if (this.#isNow(name, own)) this.#waiting.set(name, own);
			return false;
		}
		const isOffered = announced.some(([, { announcement }]) => announcement.isForOthers);
		if (isOffered || withdrawals.some(([, { wasForOthers }]) => wasForOthers)) this.#parts.signals.send("relays");
		for (const [name, { resolves }] of withdrawals) for (const resolve of resolves) resolve(answers.get(name) ?? null);
		for (const [name, own] of announced) {
			if (!this.#isNow(name, own)) continue;
			own.state = "written";
			for (const resolve of own.resolves.splice(0)) resolve(answers.get(name) ?? null);
		}
		return true;
	}

	/** Whether it was neither withdrawn nor announced again meanwhile. */
	#isNow(name: string, own: Own): boolean {
		return this.#all.get(name) === own && own.state === "writing";
	}
}

export function nameOf({ webhookId, requestId }: RelayedKey): string {
	return `${webhookId} ${requestId}`;
}
