// Somebody who watches a live stream at a process.
import type { Scope } from "../../../core/access/principal.ts";
import type { LiveItem, LiveSignal } from "../../../core/live.ts";
import type { LiveSubscription } from "../../../engine/live-calls.ts";
import type { TestProcess } from "./test-process.ts";

/** Reads a stream as it comes. */
export class Watcher {
	readonly signals: LiveSignal[] = [];

	private constructor(subscription: LiveSubscription) {
		void this.#read(subscription);
	}

	/** Subscribes to everything of a scope at a process. */
	static async open({ engine }: TestProcess, scope: Scope, lastEventId: string | null = null): Promise<Watcher> {
		await engine.live.prepare(scope);
		const filter = { kinds: null, customerId: null, webhookId: null, eventTypes: null };
		const rest = { kind: "api", principal: null, filter, abandon: () => {} } as const;
		return new Watcher(engine.live.subscribe({ ...rest, scope, lastEventId }));
	}

	async #read(subscription: LiveSubscription): Promise<void> {
		for (let read = await subscription.next(); read !== null; read = await subscription.next()) {
			this.signals.push(...read);
		}
	}

	get items(): LiveItem[] {
		return this.signals.flatMap((signal) => (signal.type === "item" ? [signal.item] : []));
	}

	get gaps(): LiveSignal[] {
		return this.signals.filter(({ type }) => type === "gap");
	}

	of(kind: LiveItem["kind"]): LiveItem[] {
		return this.items.filter((item) => item.kind === kind);
	}
}
