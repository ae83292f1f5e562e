// Makes projects with relays through the API.
import { utils, type Client } from "@fanfare/sdk";

import type { RelayClientsStart } from "../../children/relay-clients.ts";
import { numberedType } from "../../wire/bench-event.ts";

/** Concurrent calls, which share commits. */
const AT_ONCE = 25;

export interface RelayPlan {
	readonly projects: number;
	/** Relays of each project. */
	readonly ofEach: number;
	/** "own": each relay gets the events of its own number. "all": each gets all events of its project. */
	readonly wants: "own" | "all";
}

/** Returns the relays of each project. */
export async function putRelays(
	client: Client,
	{ projects, ofEach, wants }: RelayPlan,
): Promise<RelayClientsStart["relays"][]> {
	const made: RelayClientsStart["relays"][] = [];
	for (let n = 0; n < projects; n++) {
		const { id: projectId } = await client.projects.create({ name: `Relays ${n}` });
		const put = async (number: number) => {
			const eventTypes = wants === "own" ? [numberedType(number)] : null;
			const relay = { device: `device ${number}`, secret: utils.generateWebhookSecret(), eventTypes };
			return { projectId, relayId: (await client.project(projectId).relays.put(relay)).id };
		};
		const numbers = Array.from({ length: ofEach }, (_, number) => number);
		const relays = [];
		for (let from = 0; from < ofEach; from += AT_ONCE) {
			relays.push(...(await Promise.all(numbers.slice(from, from + AT_ONCE).map(put))));
		}
		made.push(relays);
	}
	return made;
}
