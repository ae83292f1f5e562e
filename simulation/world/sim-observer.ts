// Listens to what the engine reports. A problem that no fault explains is a breach.
import { FanfareError } from "../../packages/server/src/core/errors.ts";
import type { AttemptReport, Observer } from "../../packages/server/src/ports/observer.ts";
import { StoreError } from "../../packages/server/src/ports/store/errors.ts";
import type { World } from "./world.ts";

/** What the engine reports in histories in which it lacks descriptors. */
const SHORTAGE = "attempts pause: ";

export class SimObserver implements Observer {
	readonly #world: World;

	constructor(world: World) {
		this.#world = world;
	}

	eventAccepted(): void {}

	eventRefused(): void {}

	attemptFinished(report: AttemptReport): void {
		this.#world.trace.add("report", `${report.deliveryId} ${report.attemptNumber} ${report.result}`);
	}

	attemptReturned(): void {}

	committed(): void {}

	purged(): void {}

	spaceReleased(): void {}

	problem(message: string, error: unknown): void {
		this.#world.trace.add("problem", `${message}: ${String(error)}`);
		if (isExpected(error) || (this.#world.hasShortages && message.startsWith(SHORTAGE))) return;
		this.#world.breach(
			"problem",
			`${message}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
		);
	}

	note(message: string): void {
		this.#world.trace.add("note", message);
	}
}

/** A store that fails, and an object that was deleted meanwhile, are part of every history. */
export function isExpected(error: unknown): boolean {
	if (error instanceof StoreError) return error.code !== "store_conflict";
	return error instanceof FanfareError && error.kind !== "internal";
}
