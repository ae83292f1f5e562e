// Two events of different age, for tests of retention.
import { ANY_EVENT, idsOf, NEWEST, type World } from "./records.ts";

export { LATE } from "./records.ts";

export const DAY_MS = 86_400_000;

/** Makes two events a day apart, both delivered at the second attempt. Returns their ids, oldest first. */
export async function twoDays(world: World): Promise<{ events: string[]; deliveries: string[]; between: number }> {
	const { accept, update, records, store, scope } = world;
	const deliveries: string[] = [];
	for (let day = 0; day < 2; day++) {
		const [delivery = ""] = await accept();
		await update(records.failure(delivery, 1));
		await update(records.outcome(delivery, 2));
		deliveries.push(delivery);
		records.now += DAY_MS;
	}
	const events = idsOf(await store.events(scope, ANY_EVENT, NEWEST)).toReversed();
	return { events, deliveries, between: records.now - DAY_MS - 1 };
}
