// Erases the bodies of events. An empty body means that the payload is erased.
import { among, isAmong } from "../../codec/ids.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

const EMPTY = statement(`UPDATE events SET body = '' WHERE ${isAmong("id")}`);

/** Takes the UUIDs of events that are locked. */
export async function emptyBodies(session: Session, events: readonly string[]): Promise<void> {
	if (events.length > 0) await session.run(EMPTY, among(events));
}
