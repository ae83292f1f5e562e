// The relay sweeper: once a minute deletes the relays whose clients have not come back, and what dead processes have left of requests.
import { RELAY_KEPT_MS } from "../../core/receivers/relay.ts";
import type { RelayStore } from "../../ports/store/relays/relays.ts";
import { Periodic } from "../background/periodic.ts";
import type { PartsOn } from "../parts.ts";
import type { RelayHub } from "./relay-hub.ts";
import type { RelayWebhooks } from "./relay-webhooks.ts";

type Parts = Pick<PartsOn<RelayStore>, "store" | "clock" | "observer" | "wire">;

interface Neighbours {
	readonly hub: Pick<RelayHub, "isHeld">;
	readonly relayWebhooks: Pick<RelayWebhooks, "deleteGone">;
}

const EVERY_MS = 60_000;
/** Relays looked at in one run. Each is a transaction. */
const STEP = 100;

/** No relay is deleted in the first hour of a process: clients could not come back while there was none. */
export class RelaySweeper {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #loop: Periodic;
	readonly #openedAt: number;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#openedAt = parts.clock.monotonicMs();
		this.#loop = new Periodic(parts, {
			everyMs: EVERY_MS,
			work: () => this.#sweep(),
			problem: "relays whose clients are gone could not be deleted",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** Resolves when the step under way is done. */
	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #sweep(): Promise<void> {
		const { clock, store, wire } = this.#parts;
		if (wire.relays.isShared) await wire.relays.sweep();
		if (clock.monotonicMs() - this.#openedAt < RELAY_KEPT_MS) return;
		for (const { webhookId } of await store.goneRelays(clock.now() - RELAY_KEPT_MS, STEP)) {
			if (!this.#loop.running) return;
			if (this.#near.hub.isHeld(webhookId)) continue;
			// oxlint-disable-next-line no-await-in-loop -- each is a transaction, and others' go on in between
			await this.#near.relayWebhooks.deleteGone(webhookId);
			// oxlint-disable-next-line no-await-in-loop -- after its webhook
			await store.removeRelay(webhookId);
		}
	}
}
