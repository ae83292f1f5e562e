// Whether commits fail, for readiness. A small write of a probe can succeed on a disk that has no room for a send.
import type { Clock } from "../../core/clock.ts";
import type { AcceptStore, CommitBatch, CommitResult } from "../../ports/store/accept.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LifecycleStore } from "../../ports/store/lifecycle.ts";
import { CommitDurations } from "./commit-durations.ts";

/** For how long a failed commit counts, whatever a probe says: others of the same moment may still fail. */
const FAILURE_COUNTS_MS = 5_000;
/** For how long the result of a probe is kept: anybody may ask whether the server is ready, as often as they like. */
const PROBE_COUNTS_MS = 1_000;
/** The most that a probe writes: an unready server is asked again and again. */
const MAX_PROBE_BYTES = 1_024 * 1_024;
/** What an outcome, an event without its body, or a delivery takes in the store at most, rounded up. */
const ROW_BYTES = 1_024;

interface Failure {
	readonly error: Error;
	readonly at: number;
	/** What the largest failed commit since the last success of a probe would have written. */
	readonly bytes: number;
}

/** What a probe has found. */
interface Found {
	/** Null if the store could be written. */
	readonly problem: string | null;
	readonly until: number;
}

interface Parts {
	readonly store: AcceptStore & Pick<LifecycleStore, "probe">;
	readonly clock: Pick<Clock, "now" | "monotonicMs">;
}

/**
 * Passes commits on to the store, measures them, and remembers the last one that failed because the store could not be written.
 *
 * States: well ──a commit fails──▶ failing ──after 5 s, a probe as large as that commit succeeds──▶ well
 *
 * Time alone does not end the state "failing": a server that is not ready gets no sends from a load balancer, so no commit
 * would fail, and on a full disk it would be ready and not ready in turn.
 */
export class CommitWatch implements AcceptStore {
	readonly #store: Parts["store"];
	readonly #clock: Parts["clock"];
	readonly durations = new CommitDurations();
	#failure: Failure | null = null;
	#checking: Promise<string | null> | null = null;
	/** What the last probe has found; null if a commit has failed since. */
	#found: Found | null = null;

	constructor({ store, clock }: Parts) {
		this.#store = store;
		this.#clock = clock;
	}

	commit(batch: CommitBatch): Promise<CommitResult> {
		const startedAt = this.#clock.monotonicMs();
		const committed = this.#store.commit(batch);
		committed.then(
			() => this.#measured(startedAt, this.#clock.monotonicMs()),
			(error: unknown) => {
				// A conflict is about one of the records in the commit, and not about the store.
				if (!(error instanceof StoreError) || error.code === "store_conflict") return;
				this.#failed(error, Math.max(sizeOf(batch), this.#failure?.bytes ?? 0));
			},
		);
		return committed;
	}

	/**
	 * Why the store can't take commits, in words; null if it can. Writes a probe, which calls at the same time share. Its result holds for
	 * a second, or until a commit fails.
	 */
	async check(): Promise<string | null> {
		if (this.#found !== null && this.#clock.monotonicMs() < this.#found.until) return this.#found.problem;
		return this.checkNow();
	}

	/** The same by a probe that is under way or begins now. */
	checkNow(): Promise<string | null> {
		this.#checking ??= this.#check().finally(() => (this.#checking = null));
		return this.#checking;
	}

	async #check(): Promise<string | null> {
		const failure = this.#failure;
		const isRecent = failure !== null && this.#clock.monotonicMs() - failure.at < FAILURE_COUNTS_MS;
		// The large probe is made once in five seconds: it writes much, and anybody may ask whether the server is ready.
		const bytes = failure === null || isRecent ? 0 : failure.bytes;
		try {
			await this.#store.probe(this.#clock.now(), bytes);
		} catch (error) {
			if (failure !== null && bytes > 0) this.#failed(failure.error, failure.bytes);
			return this.#keep(`the store can't be written: ${messageOf(error)}`);
		}
		// Another commit may have failed meanwhile.
		if (bytes > 0 && this.#failure === failure) this.#failure = null;
		return this.#keep(this.#failure === null ? null : `commits fail: ${this.#failure.error.message}`);
	}

	#keep(problem: string | null): string | null {
		// Whoever asks once a failure no longer counts gets a new probe.
		const failureCountsUntil = this.#failure === null ? Infinity : this.#failure.at + FAILURE_COUNTS_MS;
		this.#found = { problem, until: Math.min(this.#clock.monotonicMs() + PROBE_COUNTS_MS, failureCountsUntil) };
		return problem;
	}

	#measured(startedAt: number, endedAt: number): void {
		this.durations.add(endedAt - startedAt, endedAt);
	}

	#failed(error: Error, bytes: number): void {
		this.#failure = { error, at: this.#clock.monotonicMs(), bytes };
		this.#found = null;
	}
}

/** What the batch takes in the store, about; never 0. */
function sizeOf({ events, updates }: CommitBatch): number {
	let bytes = ROW_BYTES * (1 + updates.length);
	for (const { body, deliveries } of events) bytes += body.byteLength + ROW_BYTES * (1 + deliveries.length);
	return Math.min(MAX_PROBE_BYTES, bytes);
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
