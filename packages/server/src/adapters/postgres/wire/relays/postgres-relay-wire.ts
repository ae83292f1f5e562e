// Relays between members that share only their database: the owner of a request writes it into a row, the member that has the relay's
// client reads it, and the member that gets the answer writes it there. All of them look several times a second, while there is something
// to look for, and at once when a signal says that something is new. Signals may be lost, doubled or late: the rows are the truth.
import type { Clock } from "../../../../core/clock.ts";
import { SharedRuns } from "../../../../core/concurrency/shared-runs.ts";
import type { Observer } from "../../../../ports/observer.ts";
import type {
	RelayedKey,
	RelayedOutcome,
	RelayedRequest,
	RelayWire,
	RelayWireListener,
} from "../../../../ports/relay-wire.ts";
import type { Signals } from "../../../../ports/signals.ts";
import type { Database } from "../../connection/database.ts";
import { FairRoom, inTurn } from "./fair-room.ts";
import { HeldClients } from "./held-clients.ts";
import { nameOf, OwnRequests } from "./own-requests.ts";
import * as rows from "./relay-rows.ts";

const LOOK_MS = 200;
/** A look that a signal asks for begins this long after the look before at the earliest, so that many signals cost little. */
const SIGNAL_MS = 20;
/** Bytes of the bodies that this member has of others, of all projects. */
const MAX_TAKEN_BYTES = 32 * 1_024 * 1_024;
/** Requests of others that one client has at once. */
const MAX_TAKEN_PER_RELAY = 64;
/** What one look takes. */
const STEP = 256;
const STEP_BYTES = 4 * 1_024 * 1_024;

interface RelayWireParts {
	/** Connections that nobody else waits for: a flood of relays slows relays alone. */
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly observer: Pick<Observer, "problem">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	/** See `WireParts` of the wire. */
	readonly isSilent: (member: string) => boolean;
	/** Whether what this process knows of keys and webhooks is current. If not, its clients get nothing. */
	readonly isCurrent: () => boolean;
	readonly signals: Pick<Signals, "isUp" | "send">;
}

/** A request of another member. */
interface Taken extends RelayedKey {
	readonly id: number;
	readonly projectId: string;
	readonly bytes: number;
}

export class PostgresRelayWire implements RelayWire {
	readonly isShared = true;
	readonly #parts: RelayWireParts;
	readonly #own: OwnRequests;
	#listener: RelayWireListener | null = null;
	readonly #held: HeldClients;
	/** The relays of which it is to be read whether others have their clients: for many in one read. */
	readonly #asked = new Set<string>();
	readonly #reads = new SharedRuns<ReadonlySet<string>>();
	readonly #taken = new Map<string, Taken>();
	readonly #room = new FairRoom(MAX_TAKEN_BYTES);
	/** The look under way; null while there is none. */
	#looking: Promise<void> | null = null;
	/** When the last look began, in monotonic time. */
	#lookedAt = -Infinity;
	/** Whether a signal has asked for a look that has not begun. */
	#isLookAsked = false;
	/** Cancels the timer for the next look; null while there is none. */
	#cancelLook: (() => void) | null = null;
	#isFailing = false;
	#isStopped = false;

	constructor(parts: RelayWireParts) {
		this.#parts = parts;
		this.#own = new OwnRequests(parts);
		this.#held = new HeldClients({ ...parts, returned: () => this.#listener?.returned() });
	}

	get isKnown(): boolean {
		return this.#parts.member() !== null;
	}

	listen(listener: RelayWireListener): void {
		this.#listener = listener;
	}

	/** Another member says that something is new. Looks at once, or once more after the look under way. */
	told(): void {
		if (this.#isLookAsked || !this.#isBusy) return;
		this.#isLookAsked = true;
		this.#cancelLook?.();
		this.#cancelLook = null;
		this.#lookLater();
	}

	announce(request: RelayedRequest, isForOthers: boolean): Promise<RelayedOutcome | null> {
		const announced = this.#own.announce({ request, isForOthers });
		this.#lookLater();
		return announced;
	}

	withdraw(key: RelayedKey): Promise<RelayedOutcome | null> {
		return this.#own.withdraw(key);
	}

	async hold(webhookId: string, epoch: number): Promise<void> {
		const held = this.#held.come(webhookId, epoch);
		this.#lookLater();
		await held;
		// What is under way for it can be seen now. Without signals, nobody is in a hurry.
		if (this.#parts.signals.isUp) this.told();
	}

	/** What can't be said is said by the next look: until then, the relay counts as held. */
	async leave(webhookId: string, epoch: number): Promise<void> {
		if (!this.#held.go(webhookId, epoch)) return;
		for (const taken of this.#taken.values()) if (taken.webhookId === webhookId) this.#release(taken);
		await this.#writeHeld();
	}

	async #writeHeld(): Promise<void> {
		await this.#held.write().catch((error: unknown) => this.#problem(error));
		this.#lookLater();
	}

	async end(key: RelayedKey, epoch: number, end: "silence" | "other", outcome: RelayedOutcome): Promise<void> {
		const taken = this.#taken.get(nameOf(key));
		if (taken === undefined) return;
		this.#release(taken);
		const ended = { ...key, id: taken.id, epoch };
		try {
			await rows.end(this.#parts.database, ended, { end, outcome });
			this.#parts.signals.send("relays");
		} catch (error) {
			this.#problem(error);
		}
	}

	async answer(key: RelayedKey, outcome: RelayedOutcome): Promise<boolean> {
		const isOpen = await rows.answer(this.#parts.database, key, outcome);
		const taken = this.#taken.get(nameOf(key));
		if (taken !== undefined) this.#release(taken);
		if (isOpen) this.#parts.signals.send("relays");
		return isOpen;
	}

	async held(webhookIds: readonly string[]): Promise<ReadonlySet<string>> {
		for (const id of webhookIds) this.#asked.add(id);
		const held = await this.#reads.run("held", () => {
			const asked = [...this.#asked];
			this.#asked.clear();
			const { database, member, isSilent } = this.#parts;
			return rows.readHeld(database, asked, member(), isSilent);
		});
		return new Set(webhookIds.filter((id) => held.has(id)));
	}

	sweep(): Promise<void> {
		return rows.sweep(this.#parts.database);
	}

	/** Looks no more. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#cancelLook?.();
		await this.#looking;
		await this.#own.stop();
	}

	/** Looks as long as this process has clients or requests. */
	#lookLater(): void {
		if (this.#isStopped || this.#looking !== null || this.#cancelLook !== null || !this.#isBusy) return;
		const { clock } = this.#parts;
		const delayMs = this.#isLookAsked ? Math.max(0, this.#lookedAt + SIGNAL_MS - clock.monotonicMs()) : LOOK_MS;
		this.#cancelLook = clock.after(delayMs, () => {
			this.#cancelLook = null;
			this.#looking = this.#lookAgain();
		});
	}

	get #isBusy(): boolean {
		return this.#held.size + this.#own.size > 0 || this.#held.isBehind;
	}

	async #lookAgain(): Promise<void> {
		this.#isLookAsked = false;
		this.#lookedAt = this.#parts.clock.monotonicMs();
		try {
			await this.#look();
			this.#isFailing = false;
		} catch (error) {
			this.#problem(error);
		}
		this.#looking = null;
		this.#lookLater();
	}

	async #look(): Promise<void> {
		const { database, isCurrent } = this.#parts;
		const member = this.#parts.member();
		if (member === null || !isCurrent()) return;
		// Nobody waits for that, least of all those who read.
		if (this.#held.isBehind) void this.#writeHeld();
		const counts = this.#countTaken();
		const relays = this.#own.relays;
		const seen = await rows.look(database, {
			member,
			// Its first request may be written while this is read.
			owner: this.#own.owner ?? member,
			isOwner: this.#own.size > 0,
			wanted: [...relays],
			isHolder: this.#held.size > 0,
			taken: Array.from(this.#taken.values(), ({ id }) => id),
			full: [...counts].filter(([, count]) => count >= MAX_TAKEN_PER_RELAY).map(([webhookId]) => webhookId),
			maxPerRelay: MAX_TAKEN_PER_RELAY,
		});
		for (const each of seen.ended) {
			if (this.#own.has(each)) this.#listener?.ended(each, each.end, each.outcome);
			else void this.#own.withdraw(each);
		}
		for (const webhookId of relays) this.#listener?.heldElsewhere(webhookId, seen.heldElsewhere.has(webhookId));
		for (const { webhookId, epoch } of seen.replaced) this.#listener?.replaced(webhookId, epoch);
		for (const taken of this.#taken.values()) {
			if (seen.open.has(taken.id)) continue;
			this.#release(taken);
			this.#listener?.closed(taken);
		}
		await this.#take(seen.offered);
	}

	#countTaken(): Map<string, number> {
		const counts = new Map<string, number>();
		for (const { webhookId } of this.#taken.values()) counts.set(webhookId, (counts.get(webhookId) ?? 0) + 1);
		return counts;
	}

	async #take(offered: readonly rows.OfferedRow[]): Promise<void> {
		const counts = this.#countTaken();
		const wanted = offered.filter(({ webhookId }) => {
			const count = counts.get(webhookId) ?? 0;
			counts.set(webhookId, count + 1);
			return this.#held.has(webhookId) && count < MAX_TAKEN_PER_RELAY;
		});
		let [count, bytes] = [0, 0];
		const chosen = inTurn(
			wanted,
			({ projectId }) => projectId,
			(row) => {
				if (count >= STEP || (count > 0 && bytes + row.bytes > STEP_BYTES)) return false;
				if (!this.#room.take(row.projectId, row.bytes)) return false;
				count++;
				bytes += row.bytes;
				return true;
			},
		);
		if (chosen.length === 0) return;
		const sizes = new Map(chosen.map((row) => [row.id, row]));
		try {
			const ids = chosen.map(({ id }) => id);
			for (const { id, request } of await rows.readRequests(this.#parts.database, ids)) {
				const size = sizes.get(id);
				// One that was somebody else's when it was read may have become this process's meanwhile, for its next try.
				if (size === undefined || !this.#held.has(request.webhookId) || this.#own.has(request)) continue;
				const name = nameOf(request);
				const { webhookId, requestId, projectId } = request;
				const known = this.#taken.get(name);
				if (known !== undefined) this.#release(known);
				this.#taken.set(name, { id, webhookId, requestId, projectId, bytes: size.bytes });
				sizes.delete(id);
				this.#listener?.offered(request);
			}
		} finally {
			for (const { projectId, bytes: unused } of sizes.values()) this.#room.giveBack(projectId, unused);
		}
	}

	#release(taken: Taken): void {
		this.#taken.delete(nameOf(taken));
		this.#room.giveBack(taken.projectId, taken.bytes);
	}

	/** Says so once, until a look has succeeded. */
	#problem(error: unknown): void {
		const message = "requests to relays could not be exchanged with other processes; it is tried again";
		if (!this.#isFailing) this.#parts.observer.problem(message, error);
		this.#isFailing = true;
	}
}
