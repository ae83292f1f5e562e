// The health reporter: every few seconds reports by own events which webhooks have become failing, and which will be disabled.
import { earliestDisableDate } from "../../core/policies/webhook-health.ts";
import type { HealthReport, StatsStore } from "../../ports/store/stats.ts";
import { nextTurn } from "../background/next-turn.ts";
import { Periodic } from "../background/periodic.ts";
import type { Directory } from "../directory/directory.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "./own-events.ts";

type Parts = Pick<PartsOn<StatsStore>, "store" | "clock" | "observer">;

interface Neighbours {
	readonly directory: Pick<Directory, "webhook">;
	readonly events: Pick<OwnEvents, "emit">;
}

const EVERY_MS = 10_000;
/** Webhooks in one transaction. */
const STEP = 100;

/** The duty that reports what follows from time alone. Attempts need not wait for it: they only count. */
export class HealthReporter {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #loop: Periodic;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#report(),
			problem: "the health of webhooks could not be reported",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #report(): Promise<void> {
		while (this.#loop.running) {
			const at = this.#parts.clock.now();
			const { reports, isLast } = await this.#parts.store.reportHealth(at, STEP);
			for (const report of reports) this.#emit(report, at);
			if (isLast) return;
			await nextTurn(this.#parts.clock);
		}
	}

	#emit({ webhookId, before, after, disableAfterMs }: HealthReport, at: number): void {
		const webhook = this.#near.directory.webhook(webhookId);
		if (webhook === undefined || webhook.deleteDate !== null) return;
		const { name } = webhook;
		const { failingSince, exhaustedCount, reason } = after;
		if (before.reportDate !== after.reportDate) {
			const data = { webhookId, name, failingSince, reason };
			this.#near.events.emit(webhook, { type: "fanfare.webhook.failing", data });
		}
		// Two warnings that are due at the same time are one.
		if (before.warnDate === after.warnDate && before.remindDate === after.remindDate) return;
		const disableDate = earliestDisableDate(after, { status: "Enabled", disableAfterMs }, at) ?? at;
		const data = { webhookId, name, failingSince, exhaustedCount, disableDate };
		this.#near.events.emit(webhook, { type: "fanfare.webhook.disabling", data });
	}
}
