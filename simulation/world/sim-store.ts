// The store as one run of the server sees it: calls are executed one after the other, after delays, with faults.
import {
	StoreError,
	StoreInDoubtError,
	type Settled,
	type StoreErrorCode,
} from "../../packages/server/src/ports/store/errors.ts";
import type { Claim } from "../../packages/server/src/ports/store/queue.ts";
import type { Store } from "../../packages/server/src/ports/store/store.ts";
import type { Fate } from "./faults.ts";
import type { RunScope } from "./run-scope.ts";
import { isWrite, STORE_CALLS, type StoreCall } from "./store-calls.ts";
import { shortHash } from "./trace.ts";
import type { World } from "./world.ts";

type StoreCalls = Readonly<Record<StoreCall, (...parameters: readonly unknown[]) => Promise<unknown>>>;

interface Call {
	readonly name: StoreCall;
	readonly parameters: readonly unknown[];
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: unknown) => void;
}

/** Writes that the state of no delivery depends on. */
const LEAVES_DELIVERIES: ReadonlySet<StoreCall> = new Set<StoreCall>([
	"rollUpStats",
	"forgetIdempotencyKeys",
	"probe",
	"purgeAuditEntries",
	"purgeDeletedWebhooks",
	"releaseSpace",
	"renewLeases",
]);
/** The share of failing writes that fail at the COMMIT of their transaction, when everything else of it is done. */
const AT_COMMIT_SHARE = 0.5;
/** The share of questions about a call in doubt that are answered. */
const KNOWN_SHARE = 0.5;
const CUT = { kind: "fails", code: "store_unavailable" } as const;
/** The share of calls that take some time, and how long, in milliseconds. */
const DELAYS = {
	inOrder: [
		{ below: 0.9, ms: 0 },
		{ below: 0.98, ms: 4 },
		{ below: 1, ms: 40 },
	],
	inAnyOrder: [
		{ below: 0.6, ms: 0 },
		{ below: 0.9, ms: 4 },
		{ below: 1, ms: 40 },
	],
} as const;

/**
 * Calls queue first in, first out. Each waits for its delay, is executed at once and completely by the real store, and is
 * answered after another delay. Answers keep the order of their calls, as those of the embedded store do, or overtake each
 * other, which the port allows and a store with several connections does. When the run ends, the calls in the queue are not
 * executed, and no answer arrives.
 */
export class SimStore {
	readonly #world: World;
	readonly #run: RunScope;
	readonly #real: StoreCalls;
	readonly #queue: Call[] = [];
	#executing = false;
	/** Answers that are under way, in the order of their calls. */
	readonly #answers = new Set<() => void>();
	#lastAnswerAt = 0;

	constructor(world: World, run: RunScope) {
		this.#world = world;
		this.#run = run;
		this.#real = world.store as unknown as StoreCalls;
	}

	/** Whether no call waits, is under way or is still to be answered. */
	get idle(): boolean {
		return !this.#executing && this.#queue.length === 0 && this.#answers.size === 0;
	}

	/** The store for the engine. */
	calls(): Store {
		const entries = STORE_CALLS.map((name) => [
			name,
			(...parameters: readonly unknown[]) => this.#call(name, parameters),
		]);
		return Object.fromEntries(entries) as Store;
	}

	#call(name: StoreCall, parameters: readonly unknown[]): Promise<unknown> {
		return new Promise((resolve, reject) => {
			if (!this.#run.alive) return;
			this.#queue.push({ name, parameters, resolve, reject });
			this.#next();
		});
	}

	#next(): void {
		if (this.#executing) return;
		const call = this.#queue.shift();
		if (call === undefined) return;
		this.#executing = true;
		const slow = this.#world.faults.slowness();
		if (slow > 0) this.#world.slowed();
		// A call that was made is executed, also if the process stands still by then.
		this.#run.outside(slow + this.#delay(), () => void this.#execute(call));
	}

	#delay(): number {
		const random = this.#world.chance.store;
		const draw = random();
		const delays = this.#world.settings.answersInOrder ? DELAYS.inOrder : DELAYS.inAnyOrder;
		const longest = delays.find(({ below }) => draw < below)?.ms ?? 0;
		return longest === 0 ? 0 : Math.ceil(random() * longest);
	}

	async #execute(call: Call): Promise<void> {
		const { faults, trace } = this.#world;
		const fate: Fate = this.#run.isCut ? CUT : faults.fateOf(call.name, call.parameters);
		if (fate.kind !== "fine") this.#world.struck();
		trace.add("store", `${call.name} ${shortHash(call.parameters)} ${fate.kind}`);
		if (fate.kind === "dies" && !fate.executed) return this.#run.end("died");
		const answer = await this.#answerOf(call, fate);
		if (fate.kind === "dies") return this.#run.end("died");
		this.#answer(answer);
		this.#executing = false;
		this.#next();
	}

	/** Executes a call, unless its fate forbids it. Returns how it is answered. */
	async #answerOf(call: Call, fate: Fate): Promise<() => void> {
		switch (fate.kind) {
			case "fails": {
				const isExecuted = !this.#run.isCut && this.#world.chance.faults() < AT_COMMIT_SHARE;
				return isExecuted ? this.#executed(call, fate.code) : failing(fate.code, call);
			}
			case "in doubt":
				return this.#leaveInDoubt(call, fate.executed);
			case "dies":
			case "fine":
				return this.#executed(call, null);
		}
	}

	/** Executes a call or not, with an answer that does not say which. */
	async #leaveInDoubt(call: Call, isExecuted: boolean): Promise<() => void> {
		let settled: Settled = { isMade: false };
		if (isExecuted) {
			const resolve = (result: unknown) => {
				settled = { isMade: true, result };
				if (call.name === "claimDue") this.#world.sharingWatcher.claimedUntold(result as Claim);
			};
			const told = { ...call, resolve };
			const answer = await this.#executed(told, null);
			answer();
			this.#world.sharing?.executedUntold(this.#run, call.name);
		}
		const { name } = call;
		const settle = () => {
			const isKnown = !this.#run.isCut && this.#world.chance.faults() < KNOWN_SHARE;
			return isKnown
				? Promise.resolve(settled)
				: Promise.reject(new StoreError("store_unavailable", `${name} is in doubt`));
		};
		return () => call.reject(new StoreInDoubtError(`the simulation left ${name} in doubt`, { settle }));
	}

	/** Executes a call, no other one meanwhile. Its COMMIT fails, unless the code is null. Returns how it is answered. */
	#executed(call: Call, failsWith: StoreErrorCode | null): Promise<() => void> {
		const { sharing } = this.#world;
		return sharing === null
			? this.#executeNow(call, failsWith)
			: sharing.inTurn(() => this.#executeNow(call, failsWith));
	}

	async #executeNow(call: Call, failsWith: StoreErrorCode | null): Promise<() => void> {
		const { name, parameters } = call;
		const { watcher, sharing } = this.#world;
		const run = this.#run;
		await watcher.before(name, parameters);
		try {
			const result = await this.#world.commits.during(failsWith, () => this.#real[name](...parameters));
			if (changesDeliveries(name, result)) this.#world.changes++;
			sharing?.executed(run, name);
			await watcher.after(run, name, parameters, result);
			return () => call.resolve(result);
		} catch (error) {
			return () => call.reject(error);
		}
	}

	#answer(answer: () => void): void {
		const { clock, settings } = this.#world;
		const now = clock.monotonicMs();
		const at = now + this.#delay();
		this.#lastAnswerAt = Math.max(this.#lastAnswerAt, at);
		this.#answers.add(answer);
		this.#run.later((settings.answersInOrder ? this.#lastAnswerAt : at) - now, () => {
			// Within a millisecond, one that needs no time would come before one that was timed.
			const [first = answer] = settings.answersInOrder ? this.#answers : [];
			this.#answers.delete(first);
			first();
		});
	}
}

function changesDeliveries(name: StoreCall, result: unknown): boolean {
	if (name === "claimDue" && (result as Claim).deliveries.length === 0) return false;
	return isWrite(name) && !LEAVES_DELIVERIES.has(name);
}

function failing(code: ConstructorParameters<typeof StoreError>[0], { name, reject }: Call): () => void {
	return () => reject(new StoreError(code, `the simulation made ${name} fail`));
}
