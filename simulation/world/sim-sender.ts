// The sender of one run: gives requests to the receivers, and brings their answers back if the run has not ended.
import type { AttemptEnded, AttemptOutcome, AttemptRequest, Sender } from "../../packages/server/src/ports/sender.ts";
import { failed } from "./receivers.ts";
import type { RunScope } from "./run-scope.ts";
import type { World } from "./world.ts";

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
		const { hostname } = new URL(request.url);
		const { afterMs, outcome } = receivers.answer(hostname, request);
		const noteEnd = attempts.started(this.#run, hostname, request, outcome);
		const underWay: UnderWay = {
			startedAt: clock.monotonicMs(),
			isDelivery: attempts.isDelivery(request),
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
