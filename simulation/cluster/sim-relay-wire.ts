// The part of the wire for relays of one run in a simulated cluster: rows that the members share, which each of them reads and writes
// late, as members on PostgreSQL do. See adapters/postgres/wire/relays.
import type {
	RelayedEnd,
	RelayedKey,
	RelayedOutcome,
	RelayedRequest,
	RelayWire,
	RelayWireListener,
} from "../../packages/server/src/ports/relay-wire.ts";
import { StoreError } from "../../packages/server/src/ports/store/errors.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { SimCluster } from "./sim-cluster.ts";

/** A transaction takes twice this time, at most. */
const CALL_MS = 20;
/** A member with requests looks this often, and one that only has clients this often, or when a row has changed. */
const LOOK_MS = 200;
const CALM_LOOK_MS = 5_000;
const TRY_AGAIN_MS = 500;
const OLD_MS = 180_000;

/** A request that is under way. */
interface RequestRow {
	readonly id: number;
	readonly request: RelayedRequest;
	readonly isForOthers: boolean;
	readonly owner: string;
	readonly madeAt: number;
	end: RelayedEnd | null;
	outcome: RelayedOutcome | null;
}

/** What the members share. */
export class SimRelayRows {
	readonly requests = new Map<string, RequestRow>();
	/** By relay: the members that have, or had, its clients, and the epochs of these. */
	readonly holders = new Map<string, Map<string, number>>();
	readonly #looks = new Set<() => void>();
	#lastId = 0;

	nextId(): number {
		return ++this.#lastId;
	}

	follow(look: () => void): void {
		this.#looks.add(look);
	}

	changed(): void {
		for (const look of this.#looks) look();
	}
}

export interface RelayWireParts {
	readonly cluster: SimCluster;
	readonly run: RunScope;
	readonly rows: SimRelayRows;
	/** The name of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	readonly isCurrent: () => boolean;
	/** The epoch of a relay as the store has it now. */
	readonly epochOf: (webhookId: string) => Promise<number>;
}

interface Own {
	readonly webhookId: string;
	readonly isForOthers: boolean;
}

export class SimRelayWire implements RelayWire {
	readonly isShared = true;
	readonly isKnown = true;
	readonly #parts: RelayWireParts;
	#listener: RelayWireListener | null = null;
	readonly #own = new Map<string, Own>();
	#owner: string | null = null;
	readonly #held = new Map<string, number>();
	#heldAs: string | null = null;
	readonly #left = new Map<string, number>();
	/** By the name of a request of another member: its row. */
	readonly #taken = new Map<string, RequestRow>();
	#cancelLook: (() => void) | null = null;
	#isLooking = false;

	constructor(parts: RelayWireParts) {
		this.#parts = parts;
		parts.rows.follow(() => this.#lookWithin(LOOK_MS));
	}

	listen(listener: RelayWireListener): void {
		this.#listener = listener;
	}

	async announce(request: RelayedRequest, isForOthers: boolean): Promise<RelayedOutcome | null> {
		const name = nameOf(request);
		const own: Own = { webhookId: request.webhookId, isForOthers };
		this.#own.set(name, own);
		this.#lookWithin(LOOK_MS);
		const isOwn = () => this.#own.get(name) === own;
		while (isOwn()) {
			this.#owner ??= this.#parts.member();
			const owner = this.#owner;
			try {
				if (owner === null) throw unavailable();
				const answer = await this.#transact(() =>
					isOwn() ? this.#write(name, { request, isForOthers, owner }) : null,
				);
				return isOwn() ? answer : null;
			} catch {
				await this.#pause(TRY_AGAIN_MS);
			}
		}
		return null;
	}

	/** What was under the same name before is an earlier try. The answer to it is the answer. */
	#write(name: string, row: Pick<RequestRow, "request" | "isForOthers" | "owner">): RelayedOutcome | null {
		const { cluster, rows } = this.#parts;
		const before = rows.requests.get(name);
		const answer = before?.end === "answer" ? before.outcome : null;
		const end = answer === null ? null : "answer";
		// As on PostgreSQL, a row that is written again keeps its id.
		const id = before?.id ?? rows.nextId();
		rows.requests.set(name, { ...row, id, madeAt: cluster.clock.monotonicMs(), end, outcome: answer });
		rows.changed();
		return answer;
	}

	async withdraw(key: RelayedKey): Promise<RelayedOutcome | null> {
		const { rows } = this.#parts;
		const name = nameOf(key);
		this.#own.delete(name);
		try {
			return await this.#transact(() => {
				const row = rows.requests.get(name);
				if (row === undefined || row.owner !== this.#owner || this.#own.has(name)) return null;
				rows.requests.delete(name);
				rows.changed();
				return row.end === "answer" ? row.outcome : null;
			});
		} catch {
			return null;
		}
	}

	async hold(webhookId: string, epoch: number): Promise<void> {
		this.#held.set(webhookId, epoch);
		this.#lookWithin(LOOK_MS);
		const member = this.#parts.member();
		if (member === null) return;
		if (this.#heldAs === member) await this.#transact(() => this.#writeHeld(member, webhookId, epoch));
		else await this.#holdAll(member);
	}

	async #holdAll(member: string): Promise<void> {
		this.#heldAs = member;
		try {
			await this.#transact(() => {
				for (const [webhookId, epoch] of this.#held) this.#writeHeld(member, webhookId, epoch);
			});
		} catch (error) {
			this.#heldAs = null;
			throw error;
		}
	}

	#writeHeld(member: string, webhookId: string, epoch: number): void {
		const { holders, changed } = this.#rows();
		const members = holders.get(webhookId) ?? new Map<string, number>();
		holders.set(webhookId, members.set(member, epoch));
		changed();
	}

	#rows() {
		const { rows } = this.#parts;
		return { holders: rows.holders, changed: () => rows.changed() };
	}

	async leave(webhookId: string, epoch: number): Promise<void> {
		if (this.#held.get(webhookId) !== epoch) return;
		this.#held.delete(webhookId);
		for (const [name, { request }] of this.#taken) if (request.webhookId === webhookId) this.#taken.delete(name);
		this.#left.set(webhookId, epoch);
		await this.#sayLeft().catch(() => {});
		this.#lookWithin(LOOK_MS);
	}

	async #sayLeft(): Promise<void> {
		for (const [webhookId, epoch] of this.#left) {
			const member = this.#heldAs;
			if (member !== null) {
				await this.#transact(() => {
					const { holders, changed } = this.#rows();
					if (holders.get(webhookId)?.get(member) === epoch) holders.get(webhookId)?.delete(member);
					changed();
				});
			}
			if (this.#left.get(webhookId) === epoch) this.#left.delete(webhookId);
		}
	}

	async end(
		key: RelayedKey,
		epoch: number,
		end: Exclude<RelayedEnd, "answer">,
		outcome: RelayedOutcome,
	): Promise<void> {
		const { cluster, rows } = this.#parts;
		const name = nameOf(key);
		const taken = this.#taken.get(name);
		if (taken === undefined) return;
		this.#taken.delete(name);
		await this.#transact(async () => {
			const newest = await this.#parts.epochOf(key.webhookId);
			const row = rows.requests.get(name);
			if (row === undefined || row.id !== taken.id || row.end !== null) return;
			const isOver = row.madeAt + row.request.timeoutMs <= cluster.clock.monotonicMs();
			if (newest !== epoch && !isOver) return;
			[row.end, row.outcome] = [end, outcome];
			rows.changed();
		}).catch(() => {});
	}

	async answer(key: RelayedKey, outcome: RelayedOutcome): Promise<boolean> {
		const { rows } = this.#parts;
		const isOpen = await this.#transact(() => {
			const row = rows.requests.get(nameOf(key));
			if (row === undefined) return false;
			if (row.end !== "answer") [row.end, row.outcome] = ["answer", outcome];
			rows.changed();
			return true;
		});
		this.#taken.delete(nameOf(key));
		return isOpen;
	}

	held(webhookIds: readonly string[]): Promise<ReadonlySet<string>> {
		const member = this.#parts.member();
		return this.#transact(() => this.#heldElsewhere(webhookIds, member));
	}

	sweep(): Promise<void> {
		const { cluster, rows } = this.#parts;
		return this.#transact(() => {
			const before = cluster.clock.monotonicMs() - OLD_MS;
			for (const [name, { madeAt }] of rows.requests) if (madeAt < before) rows.requests.delete(name);
		});
	}

	async #heldElsewhere(webhookIds: Iterable<string>, member: string | null): Promise<Set<string>> {
		const { cluster, rows, epochOf } = this.#parts;
		const now = cluster.clock.monotonicMs();
		const found = new Set<string>();
		for (const webhookId of webhookIds) {
			const epoch = await epochOf(webhookId);
			for (const [name, held] of rows.holders.get(webhookId) ?? []) {
				const isLive = (cluster.member(name)?.expiresAt ?? 0) > now;
				if (name !== member && held === epoch && isLive) found.add(webhookId);
			}
		}
		return found;
	}

	// Looks

	get #isBusy(): boolean {
		return this.#own.size + this.#left.size + this.#taken.size > 0;
	}

	#lookWithin(ms: number): void {
		if (this.#isLooking || (!this.#isBusy && this.#held.size === 0)) return;
		this.#cancelLook?.();
		const { cluster, run } = this.#parts;
		this.#cancelLook = run.later(cluster.upTo(ms), () => void this.#lookAgain());
	}

	async #lookAgain(): Promise<void> {
		this.#cancelLook = null;
		this.#isLooking = true;
		let isDone = false;
		try {
			isDone = await this.#look();
		} catch {
			// The next look tries it again.
		}
		this.#isLooking = false;
		this.#lookWithin(isDone && !this.#isBusy ? CALM_LOOK_MS : LOOK_MS);
	}

	/** Returns false if this process may not look. */
	async #look(): Promise<boolean> {
		const { rows } = this.#parts;
		const member = this.#parts.member();
		if (member === null || !this.#parts.isCurrent()) return false;
		if (this.#left.size > 0) await this.#sayLeft();
		if (this.#heldAs !== member && this.#held.size > 0) {
			await this.#holdAll(member);
			this.#listener?.returned();
		}
		const wanted = new Set([...this.#own.values()].filter((own) => own.isForOthers).map((own) => own.webhookId));
		const seen = await this.#transact(async () => {
			const heldElsewhere = await this.#heldElsewhere(wanted, member);
			const mine = [...rows.holders].flatMap(([webhookId, members]) => {
				const epoch = members.get(member);
				return epoch === undefined ? [] : [{ webhookId, epoch }];
			});
			const newest = new Map<string, number>();
			for (const { webhookId } of mine) newest.set(webhookId, await this.#parts.epochOf(webhookId));
			const current = new Set(
				mine.filter((each) => newest.get(each.webhookId) === each.epoch).map((each) => each.webhookId),
			);
			return {
				heldElsewhere,
				ended: [...rows.requests].filter(([, row]) => row.owner === this.#owner && row.end !== null),
				replaced: mine.filter((each) => (newest.get(each.webhookId) ?? 0) > each.epoch),
				offered: [...rows.requests].filter(
					([name, row]) =>
						row.end === null &&
						row.isForOthers &&
						row.owner !== this.#owner &&
						current.has(row.request.webhookId) &&
						this.#taken.get(name)?.id !== row.id,
				),
				open: new Set([...rows.requests.values()].filter(({ end }) => end === null).map(({ id }) => id)),
			};
		});
		for (const [name, { request, end, outcome }] of seen.ended) {
			if (end === null || outcome === null) continue;
			if (this.#own.has(name)) this.#listener?.ended(request, end, outcome);
			else void this.withdraw(request);
		}
		for (const webhookId of wanted) this.#listener?.heldElsewhere(webhookId, seen.heldElsewhere.has(webhookId));
		for (const { webhookId, epoch } of seen.replaced) this.#listener?.replaced(webhookId, epoch);
		for (const [name, { id, request }] of this.#taken) {
			if (seen.open.has(id)) continue;
			this.#taken.delete(name);
			this.#listener?.closed(request);
		}
		for (const [name, row] of seen.offered) this.#take(name, row);
		return true;
	}

	#take(name: string, row: RequestRow): void {
		const { request, madeAt } = row;
		if (!this.#held.has(request.webhookId)) return;
		this.#taken.set(name, row);
		const passedMs = this.#parts.cluster.clock.monotonicMs() - madeAt;
		this.#listener?.offered({ ...request, timeoutMs: Math.max(0, request.timeoutMs - passedMs) });
	}

	/** Executes something on the rows, and answers later. Rejects if this process is cut from the store, before it or after it. */
	async #transact<T>(work: () => T | Promise<T>): Promise<T> {
		const { cluster } = this.#parts;
		await this.#pause(cluster.upTo(CALL_MS));
		this.#checkReach();
		const result = await work();
		await this.#pause(cluster.upTo(CALL_MS));
		this.#checkReach();
		return result;
	}

	#checkReach(): void {
		if (this.#parts.run.isCut) throw unavailable();
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.run.later(ms, resolve));
	}
}

function unavailable(): StoreError {
	return new StoreError("store_unavailable", "the process is cut from its store");
}

function nameOf({ webhookId, requestId }: RelayedKey): string {
	return `${webhookId} ${requestId}`;
}
