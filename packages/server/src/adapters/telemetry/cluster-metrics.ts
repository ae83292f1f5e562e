// The metrics of a process that shares a database with others: whether it is one of them, what it owns, and what carries their messages.
import { Counter, Gauge, type Registry } from "prom-client";

import type { Connections } from "../../ports/database.ts";
import type { Duty } from "../../ports/tenure.ts";
import type { WireCounts } from "../../ports/wire.ts";

/** What a process is among those that share its database. */
export interface ClusterState {
	/** Whether it is one of them, and knows what the others have changed. */
	readonly isMember: boolean;
	/** How many groups of webhooks it delivers. */
	readonly ownedShards: number;
	/** Whether commits wait for a standby of the database. */
	readonly isStandbySynchronous: boolean;
	/** Whether the operator expects one. */
	readonly isStandbyExpected: boolean;
	/** By duty, whether nobody has it; null while this process can't know. */
	readonly freeDuties: ReadonlyMap<Duty, boolean> | null;
	/** Null while they are not known. */
	readonly connections: Connections | null;
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
	gauge("standby_expected", "1 if FANFARE_EXPECT_STANDBY is set.", (state) => Number(state.isStandbyExpected));
	const labelled = (name: string, help: string, label: string, values: (state: ClusterState) => [string, number][]) =>
		new Gauge({
			name: `fanfare_${name}`,
			help,
			labelNames: [label],
			registers,
			collect() {
				this.reset();
				for (const [value, set] of values(read())) this.labels(value).set(set);
			},
		});
	labelled("duty_free", "1 while no process has this duty, as this process has heard.", "duty", ({ freeDuties }) =>
		[...(freeDuties ?? [])].map(([duty, isFree]) => [duty, Number(isFree)]),
	);
	labelled(
		"database_connections",
		"Connections to the database: used by anybody, and allowed.",
		"kind",
		({ connections }) => Object.entries(connections ?? {}),
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
