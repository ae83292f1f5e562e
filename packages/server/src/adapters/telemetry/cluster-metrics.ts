// The metrics of a process that shares a database with others: whether it is one of them, what it owns, and what carries their messages.
import { Counter, Gauge, type Registry } from "prom-client";

import type { WireCounts } from "../../ports/wire.ts";

/** What a process is among those that share its database. */
export interface ClusterState {
	/** Whether it is one of them, and knows what the others have changed. */
	readonly isMember: boolean;
	/** How many groups of webhooks it delivers. */
	readonly ownedShards: number;
	/** Whether commits wait for a standby of the database. */
	readonly isStandbySynchronous: boolean;
	/** What has passed over NATS; null for a process without it, which has no such metrics. */
	readonly nats: WireCounts | null;
}

/** Adds the metrics, which are read on each scrape. */
export function watchCluster(registry: Registry, read: () => ClusterState): void {
	const registers = [registry];
	const gauge = (name: string, help: string, value: (state: ClusterState) => number) =>
		new Gauge({
			name: `fanfare_${name}`,
			help,
			registers,
			collect() {
				this.set(value(read()));
			},
		});
	gauge("member", "1 while this process is one of those that share the database.", ({ isMember }) => Number(isMember));
	gauge("owned_shards", "How many of the 256 groups of webhooks this process delivers.", (state) => state.ownedShards);
	gauge("standby_synchronous", "1 while commits wait for a standby of the database.", (state) =>
		Number(state.isStandbySynchronous),
	);
	if (read().nats === null) return;
	gauge("nats_up", "1 while NATS carries deliveries and changes between processes.", ({ nats }) =>
		Number(nats?.isUp === true),
	);
	const total = (name: string, help: string, value: (counts: WireCounts) => number) =>
		new Counter({
			name: `fanfare_nats_${name}_total`,
			help,
			registers,
			collect() {
				const { nats } = read();
				this.reset();
				if (nats !== null) this.inc(value(nats));
			},
		});
	total("handed_off", "Deliveries handed to the processes that make them.", ({ handedOff }) => handedOff);
	total("handed_over", "Deliveries that other processes have handed to this one.", ({ handedOver }) => handedOver);
	total("missed", "How often messages to this process were perhaps lost, so that it looked.", ({ missed }) => missed);
	total("refused", "Messages that were not of this cluster, or of another version.", ({ refused }) => refused);
}
