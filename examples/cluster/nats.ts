// Three NATS nodes that know each other. They keep nothing.
import { freePort } from "@fanfare/testkit/programs/free-port";
import { NatsServer, natsIssue } from "@fanfare/testkit/programs/nats";

import { Part, type PartEvent } from "./part.ts";

const NODES = 3;

export interface NatsNodes {
	/** For `FANFARE_NATS_URL`; null if there is no nats-server on this machine. */
	readonly url: () => string | null;
	readonly parts: readonly Part[];
	/** Why there are none; null if there are. */
	readonly issue: string | null;
}

/** Prepares the nodes, which are to be started one by one. */
export async function createNats(told: (part: Part, event: PartEvent) => void): Promise<NatsNodes> {
	const issue = natsIssue();
	if (issue !== null) return { url: () => null, parts: [], issue };
	const ports: number[] = [];
	while (ports.length < NODES) ports.push(await freePort());
	const routes = ports.map((port) => `"nats-route://127.0.0.1:${port}"`).join(", ");
	const nodes = ports.map((port) => {
		return new NatsServer({
			settings: [`cluster { name: fanfare, listen: "127.0.0.1:${port}", routes: [${routes}] }`],
		});
	});
	const parts = nodes.map((node, index) => {
		const runnable = {
			get pid() {
				return node.pid;
			},
			lastWords: "",
			start: () => node.start(),
			stop: () => node.kill(),
		};
		return new Part(`nats-${index + 1}`, "passes messages between the processes", runnable, told);
	});
	return { url: () => nodes.map(({ url }) => url).join(","), parts, issue: null };
}
