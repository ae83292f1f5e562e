// The housekeeper: once a minute deletes idempotency keys that are too old, and sessions of the page and of the portal that have expired, in small steps.
import type { SessionStore } from "../../ports/store/access/sessions.ts";
import type { PortalSessionStore } from "../../ports/store/portal-sessions.ts";
import type { RetentionStore } from "../../ports/store/retention.ts";
import type { PartsOn } from "../parts.ts";
import { nextTurn } from "./next-turn.ts";
import { Periodic } from "./periodic.ts";

type Parts = Pick<PartsOn<RetentionStore & SessionStore & PortalSessionStore>, "store" | "clock" | "observer">;

/** Idempotency keys are kept at least this long. */
const IDEMPOTENCY_KEPT_MS = 25 * 60 * 60 * 1_000;
const EVERY_MS = 60_000;
/** Rows deleted in one transaction. */
const STEP = 500;

/** Deletes idempotency keys that are older than 25 hours, and expired sessions, sign-in links and portal sessions. */
export class Housekeeper {
	readonly #parts: Parts;
	readonly #loop: Periodic;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#deleteOld(),
			problem: "old idempotency keys and sessions could not be deleted",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #deleteOld(): Promise<void> {
		const { clock, store } = this.#parts;
		const now = clock.now();
		await this.#inSteps(() => store.forgetIdempotencyKeys(now - IDEMPOTENCY_KEPT_MS, STEP));
		await this.#inSteps(() => store.purgeSessions(now, STEP));
		await this.#inSteps(() => store.purgePortalSessions(now, STEP));
	}

	/** Makes a step again and again, until it has deleted less than it may. */
	async #inSteps(step: () => Promise<number>): Promise<void> {
		while (this.#loop.running && (await step()) === STEP) await nextTurn(this.#parts.clock);
	}
}
