// The sender of one run: gives requests to the receivers, and brings their answers back if the run has not ended. In some histories, it can't
// send some of them.
import type { AttemptEnded, AttemptOutcome, AttemptRequest, Sender } from "../../packages/server/src/ports/sender.ts";
import { failed, type Answer } from "./receivers.ts";
import type { RunScope } from "./run-scope.ts";
import type { World } from "./world.ts";

/** The share of attempts that can't be made, in the histories that have such ones. */
const UNSENT_SHARE = 0.03;

/** A request under way. */
interface UnderWay {
	readonly finish: (outcome: AttemptOutcome) => void;
	readonly isDelivery: boolean;
	readonly startedAt: number;
}

export class SimSender implements Sender {
	readonly #world: World;
	readonly #run: RunScope;
	readonly #underWay = new Set<UnderWay>();
	/** Whether `abort` has cut attempts of deliveries short. */
	#aborted = false;

	constructor(world: World, run: RunScope) {
		this.#world = world;
		this.#run = run;
	}

	get inFlight(): number {
		return this.#underWay.size;
	}

	/** Whether a stop has cut attempts of deliveries short. */
	get aborted(): boolean {
		return this.#aborted;
	}

	send(request: AttemptRequest, ended: AttemptEnded): void {
		if (!this.#run.alive) return;
		const { clock, receivers, attempts } = this.#world;
		const isDelivery = attempts.isDelivery(request);
		const ownFailure = isDelivery ? this.#ownFailure() : null;
		const { hostname } = new URL(request.url);
		const { afterMs, outcome } = ownFailure ?? receivers.answer(hostname, request);
		// What is not sent has no receiver that could see it.
		const noteEnd = ownFailure === null ? attempts.started(this.#run, hostname, request, outcome) : () => {};
		const underWay: UnderWay = {
			startedAt: clock.monotonicMs(),
			isDelivery,
			finish: (outcome) => {
				cancel();
				this.#underWay.delete(underWay);
				noteEnd(outcome);
				ended(outcome);
			},
		};
		const cancel = this.#run.later(Math.max(1, afterMs), () => underWay.finish(outcome));
		this.#underWay.add(underWay);
	}

	/** How an attempt ends that can't be made now; null if it can. */
	#ownFailure(): Answer | null {
		const { chance, hasShortages, receivers, trace } = this.#world;
		if (!hasShortages || receivers.healed || chance.sender() >= UNSENT_SHARE) return null;
		const error = chance.sender() < 0.5 ? "shortage" : "queued";
		trace.add("sender", `an attempt is not made: ${error}`);
		this.#world.disturbed();
		return failed(error, 1, 0);
	}

	abort(): void {
		if (!this.#run.alive) return;
		for (const underWay of this.#underWay) {
			this.#aborted ||= underWay.isDelivery;
			const durationMs = this.#world.clock.monotonicMs() - underWay.startedAt;
			underWay.finish(failed("aborted", durationMs, 0).outcome);
		}
	}

	close(): Promise<void> {
		this.abort();
		return Promise.resolve();
	}
}
