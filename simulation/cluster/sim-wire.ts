// The wire of one run of the server in a simulated cluster: its messages come late, twice or never, as the seed says.
import { createAloneWire } from "../../packages/server/src/adapters/alone/alone-wire.ts";
import type { RelayWire } from "../../packages/server/src/ports/relay-wire.ts";
import type { LeasedDelivery } from "../../packages/server/src/ports/store/queue.ts";
import type { Store } from "../../packages/server/src/ports/store/store.ts";
import type { Place } from "../../packages/server/src/ports/tenure.ts";
import {
	HAND_OFF_MS,
	type DiscardNote,
	type OwnerNote,
	type Wire,
	type WireListener,
} from "../../packages/server/src/ports/wire.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { Member, MemberTenure } from "./member.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { CHANGE_MS, CURRENT_MS } from "./timing.ts";
import { delaysOf, SOON_MS } from "./wire-mode.ts";

/** How long a note to one process may take. */
const TELL_MS = 1_000;
/** How often a member that waits for others looks whether they have answered. */
const ANSWER_MS = 50;
/** A change that a message has not told is found by a look, after this time at most. */
const LOOK_MS = 700;
const WORKSPACE = "";

export interface WireParts {
	readonly cluster: SimCluster;
	readonly run: RunScope;
	/** Asked for the versions as they are, without delays or faults. */
	readonly store: Pick<Store, "directoryVersions">;
	readonly tenure: () => MemberTenure;
	/** Called when `isCurrent` was false and is true again. */
	readonly caughtUp: () => void;
	/** Called when some changes could not be read. */
	readonly couldNotRead: () => void;
	/** Null if histories have no relays. */
	readonly relays: RelayWire | null;
	/** The wire of another process. */
	readonly wireOf: (tenure: MemberTenure) => SimWire | undefined;
}

/** Reads are reads of the directory by the engine. A process has read a version when such a read has resolved. */
export class SimWire implements Wire {
	readonly handsOff: boolean;
	readonly live = createAloneWire().live;
	readonly relays: RelayWire;
	readonly #parts: WireParts;
	#listener: WireListener | null = null;
	#read: (projectId: string | null, version: number) => Promise<void> = () => Promise.resolve();
	/** When the last message so far comes, in monotonic time. */
	#lastAt = 0;
	/** By project: the version that this process has read, or made. */
	readonly #versions = new Map<string, number>();
	/** When changes were made that this process has not read, in monotonic time and ascending. */
	#unread: number[] = [];
	#isBlind = false;
	/** What others have written to this process, and it has not read yet. */
	#unreadNotes: (() => void)[] = [];

	constructor(parts: WireParts) {
		this.#parts = parts;
		this.relays = parts.relays ?? createAloneWire().relays;
		this.handsOff = parts.cluster.handsOff;
	}

	// Each message comes to the member that it is for, if that still lives then. It outlives its sender.

	reaches(): boolean {
		return this.handsOff;
	}

	handOff(place: Place, delivery: LeasedDelivery): void {
		const { cluster } = this.#parts;
		// A hand-off never comes twice.
		const [delay] = delaysOf({ ...cluster.wireMode, twice: 0 }, cluster.random);
		if (delay === undefined || delay > HAND_OFF_MS) return;
		const copy = structuredClone(delivery);
		cluster.clock.after(this.#inTurn(delay), () => this.#at(place, (wire) => wire.#listener?.handedOver(place, copy)));
	}

	/** The delay of a message with this one. Messages overtake each other only if some are late. */
	#inTurn(delay: number): number {
		const { clock, wireMode } = this.#parts.cluster;
		const now = clock.monotonicMs();
		const at = wireMode.late === 0 ? Math.max(now + delay, Math.min(this.#lastAt, now + SOON_MS)) : now + delay;
		this.#lastAt = Math.max(at, this.#lastAt);
		return at - now;
	}

	// Reading what others have changed and written

	/** This process can't read it from now on, until `see`, though it renews its tenure. */
	blind(): void {
		this.#isBlind = true;
		this.#unread.push(this.#now);
		this.lookSoon();
	}

	see(): void {
		this.#isBlind = false;
		this.#parts.run.later(this.#parts.cluster.upTo(LOOK_MS), () => this.#readNotes());
	}

	get isBlind(): boolean {
		return this.#isBlind;
	}

	/** Whether this process knows all changes but the newest, for which those who have made them still wait. */
	get isCurrent(): boolean {
		return this.#now - (this.#unread[0] ?? Infinity) < CURRENT_MS;
	}

	get hasUnread(): boolean {
		return this.#unread.length > 0;
	}

	get #now(): number {
		return this.#parts.cluster.clock.monotonicMs();
	}

	tell(place: Place, note: OwnerNote): Promise<"done" | "unreachable"> {
		return this.#tell(place, note);
	}

	/** Waits as `changed` does. */
	async tellAll(note: DiscardNote): Promise<"done"> {
		const { cluster, tenure, wireOf } = this.#parts;
		const others = cluster.members.filter((member) => member.tenure !== tenure());
		const done = new Set<Member>();
		for (const member of others) wireOf(member.tenure)?.written(note, () => done.add(member));
		await this.#until(others, (member) => done.has(member));
		return "done";
	}

	/** Another process has written a note for this one, which finds it when it looks, at once if a message comes. It is never lost. */
	written(note: DiscardNote, taken: () => void): void {
		const { cluster, run } = this.#parts;
		this.#unreadNotes.push(() => {
			this.#listener?.noted(note);
			taken();
		});
		const delays = delaysOf(cluster.wireMode, cluster.random).filter((delay) => delay < LOOK_MS);
		for (const delay of delays.length === 0 ? [cluster.upTo(LOOK_MS)] : delays) {
			run.later(delay, () => this.#readNotes());
		}
	}

	/** Notes are written for a process, which finds them when it looks. */
	#readNotes(): void {
		const { cluster, run } = this.#parts;
		if (this.#isBlind || this.#unreadNotes.length === 0) return;
		if (run.isCut) return void run.later(cluster.upTo(LOOK_MS), () => this.#readNotes());
		for (const read of this.#unreadNotes.splice(0)) read();
	}

	#tell(place: Place, note: OwnerNote): Promise<"done" | "unreachable"> {
		const { cluster, run } = this.#parts;
		return new Promise((resolve) => {
			run.later(TELL_MS, () => resolve("unreachable"));
			for (const delay of delaysOf(cluster.wireMode, cluster.random)) {
				cluster.clock.after(this.#inTurn(delay), () =>
					this.#at(place, (wire) =>
						wire.#takeNote(note, () => {
							const [answer] = delaysOf(cluster.wireMode, cluster.random);
							if (answer !== undefined) run.later(answer, () => resolve("done"));
						}),
					),
				);
			}
		});
	}

	#takeNote(note: OwnerNote, taken: () => void): void {
		if (this.#isBlind) return void this.#unreadNotes.push(() => this.#takeNote(note, taken));
		if (this.#listener === null) return;
		this.#listener.noted(note);
		taken();
	}

	#at(place: Place, act: (wire: SimWire) => void): void {
		const { cluster, wireOf } = this.#parts;
		const tenure = cluster.member(place.member)?.tenure;
		const wire = tenure === undefined ? undefined : wireOf(tenure);
		if (tenure !== undefined && wire !== undefined) tenure.run.act(() => act(wire));
	}

	// Histories have no sessions, and watch each process by itself.

	sessionsEnded(): Promise<void> {
		return Promise.resolve();
	}

	catchUp(): Promise<void> {
		return Promise.resolve();
	}

	listen(listener: WireListener): void {
		this.#listener = listener;
	}

	follow(read: (projectId: string | null, version: number) => Promise<void>): void {
		this.#read = read;
	}

	async changed(projectId: string | null, version: number): Promise<void> {
		const { cluster, tenure, wireOf } = this.#parts;
		const others = cluster.members.filter((member) => member.tenure !== tenure());
		for (const other of others) wireOf(other.tenure)?.told(projectId, version);
		await this.#until(others, (member) => wireOf(member.tenure)?.hasRead(projectId, version) !== false);
	}

	/** Resolves when this is true of all of these members that have not lost their tenures, or after `CHANGE_MS`. */
	async #until(others: readonly Member[], hasRead: (member: Member) => boolean): Promise<void> {
		const { cluster, run } = this.#parts;
		const waiting = new Set(others);
		const endAt = this.#now + CHANGE_MS;
		for (;;) {
			for (const member of waiting) {
				const isGone = !cluster.has(member) || cluster.clock.monotonicMs() >= member.expiresAt;
				if (isGone || hasRead(member)) waiting.delete(member);
			}
			if (waiting.size === 0 || this.#now >= endAt) return;
			await new Promise<void>((resolve) => void run.later(ANSWER_MS, resolve));
		}
	}

	made(projectId: string | null, version: number): void {
		const { cluster, tenure, wireOf } = this.#parts;
		for (const { tenure: other } of cluster.members) if (other !== tenure()) wireOf(other)?.told(projectId, version);
	}

	/**
	 * Whether this process has read a version. It is not enough that it has made the version itself: it may not have read an earlier one
	 * of another process yet.
	 */
	hasRead(projectId: string | null, version: number): boolean {
		return version <= (this.#versions.get(projectId ?? WORKSPACE) ?? 0);
	}

	#note(projectId: string | null, version: number): void {
		const key = projectId ?? WORKSPACE;
		this.#versions.set(key, Math.max(version, this.#versions.get(key) ?? 0));
	}

	/** Another process has made a change, of which this one hears, or which it finds when it looks. */
	told(projectId: string | null, version: number): void {
		const { cluster, run } = this.#parts;
		const delays = delaysOf(cluster.wireMode, cluster.random).filter((delay) => delay < LOOK_MS);
		for (const delay of delays.length === 0 ? [cluster.upTo(LOOK_MS)] : delays) {
			run.later(delay, () => void this.#follow(projectId, version));
		}
	}

	async #follow(projectId: string | null, version: number): Promise<void> {
		const { cluster, run } = this.#parts;
		try {
			if (!this.hasRead(projectId, version)) await this.#readAs(projectId, version);
			this.#note(projectId, version);
		} catch {
			run.later(cluster.upTo(LOOK_MS), () => void this.#follow(projectId, version));
		}
	}

	/** Another process has changed the directory in the store, and may die before it tells. */
	changedByOther(): void {
		this.#unread.push(this.#now);
		this.lookSoon();
	}

	lookSoon(): void {
		const { cluster, run } = this.#parts;
		run.later(
			cluster.upTo(LOOK_MS),
			() =>
				void this.look().catch(() => {
					this.#parts.couldNotRead();
					this.lookSoon();
				}),
		);
	}

	/** Reads all changes that were made so far. */
	async look(): Promise<void> {
		const at = this.#now;
		if (this.isBlind) throw new Error("changes can't be read");
		this.#readNotes();
		const { workspace, projects } = await this.#parts.store.directoryVersions();
		// In a process that can't reach the store, the reads of the engine fail.
		if (!this.hasRead(null, workspace)) {
			await this.#readAs(null, workspace);
			this.#note(null, workspace);
		}
		for (const { projectId, version } of projects) {
			if (this.hasRead(projectId, version)) continue;
			await this.#readAs(projectId, version);
			this.#note(projectId, version);
		}
		const wasCurrent = this.isCurrent;
		this.#unread = this.#unread.filter((madeAt) => madeAt > at);
		if (!wasCurrent && this.isCurrent) this.#parts.caughtUp();
	}

	async #readAs(projectId: string | null, version: number): Promise<void> {
		if (this.isBlind) throw new Error("changes can't be read");
		await this.#read(projectId, version);
	}
}
