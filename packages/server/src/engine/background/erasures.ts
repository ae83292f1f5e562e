// Finishes the erasures of events with many deliveries: the payload is erased already, and the rest follows in steps. After a stop or a
// crash, the next start continues them.
import { projectScope } from "../../core/access/principal.ts";
import { ERASED_REASON } from "../../core/policies/retention.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { LogStore } from "../../ports/store/log.ts";
import type { Erasure, RetentionStore } from "../../ports/store/retention.ts";
import type { DutyWork } from "../../ports/tenure.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import type { Overwriter } from "./overwriter.ts";
import { Periodic } from "./periodic.ts";
import type { Stepped, Stepper } from "./stepper.ts";

type Parts = Pick<PartsOn<LogStore & RetentionStore>, "store" | "clock" | "observer">;

interface Neighbours {
	readonly stepper: Stepper;
	readonly line: Pick<DeliveryLine, "discardAll" | "discardEvent">;
	readonly live: Pick<LiveReporter, "deliveryUpdated" | "isWatched">;
	readonly overwriter: Pick<Overwriter, "noteErased">;
}

/** Another process may have ended in the middle of an erasure. */
const EVERY_MS = 30_000;
/** Erasures that one look takes up. */
const MAX_TAKEN_UP = 100;

/** An erasure that is over. */
interface Finished {
	/** Of all its steps. */
	readonly cancelledCount: number;
	/** Whether no other process attempts one of these deliveries any more: see `DeliveryLine.discard`. */
	readonly told: Promise<boolean>;
}

/** The duty to finish erasures. Those that this process has begun are finished by it, whoever has the duty. */
export class Erasures implements DutyWork {
	readonly #parts: Parts;
	readonly #limits: Pick<EngineLimits, "eraseStep">;
	readonly #near: Neighbours;
	readonly #loop: Periodic;

	constructor(parts: Parts, limits: Pick<EngineLimits, "eraseStep">, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#takeUp(),
			problem: "erasures that are not over could not be read",
		});
	}

	start(): void {
		void this.#loop.startNow();
	}

	/** Resolves when the look under way has ended. The stepper is stopped by the engine. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	/** Makes the steps of an erasure that has begun. */
	finish(erasure: Erasure): Promise<Finished> {
		let told = Promise.resolve(true);
		const discard = (deliveryIds: readonly string[]): Promise<boolean> => {
			const tellings = [told, this.#near.line.discardAll(deliveryIds)];
			told = Promise.all(tellings).then((all) => all.every(Boolean));
			return told;
		};
		return this.#near.stepper.run({
			key: erasure.eventId,
			projectId: erasure.projectId,
			problem: "the responses to an erased payload could not be erased; this is tried again",
			step: (rows) => this.#step(erasure, rows, discard),
		});
	}

	/**
	 * Something was erased, and these deliveries were cancelled. Tells those who watch live, and all other processes. Resolves with whether
	 * none of them attempts one any more: see `DeliveryLine.discard`.
	 */
	async erased(projectId: string, deliveryIds: readonly string[]): Promise<boolean> {
		const told = this.#near.line.discardAll(deliveryIds);
		await this.#show(projectId, deliveryIds);
		return told;
	}

	async #show(projectId: string, deliveryIds: readonly string[]): Promise<void> {
		const { live, overwriter } = this.#near;
		overwriter.noteErased();
		const scope = projectScope(projectId);
		try {
			for (const id of deliveryIds) {
				if (!live.isWatched(projectId)) return;
				const delivery = await this.#parts.store.delivery(scope, id);
				if (delivery !== null) live.deliveryUpdated(delivery, delivery);
			}
		} catch (error) {
			// If a read is refused, they miss the rest: the payload is erased all the same.
			if (!(error instanceof StoreError)) throw error;
		}
	}

	async #takeUp(): Promise<void> {
		const erasures = await this.#parts.store.erasures(MAX_TAKEN_UP);
		// Whoever has begun them may have died before all processes were told.
		await Promise.all(erasures.map(({ eventId }) => this.#near.line.discardEvent(eventId)));
		for (const erasure of erasures) {
			// A failure is reported by the stepper, which goes on.
			this.finish(erasure).catch(() => {});
		}
	}

	async #step(
		{ projectId, eventId }: Erasure,
		rows: number,
		discard: (deliveryIds: readonly string[]) => Promise<boolean>,
	): Promise<Stepped<Finished>> {
		const { clock, store } = this.#parts;
		const limit = Math.min(rows, this.#limits.eraseStep);
		const step = await store.continueErasure({ eventId, limit, reason: ERASED_REASON, at: clock.now() });
		if (step === null) return { kind: "done", result: { cancelledCount: 0, told: discard([]) } };
		const { cancelledCount } = step;
		const told = discard(step.cancelled);
		await this.#show(projectId, step.cancelled);
		return step.done ? { kind: "done", result: { cancelledCount, told } } : { kind: "more", after: told };
	}
}
