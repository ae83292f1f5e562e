// Erases the bodies of events. An empty body means that the payload is erased.
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

const EMPTY = statement("UPDATE events SET body = '' WHERE id = ANY($1::uuid[])");

/** Takes the UUIDs of events that are locked. */
export async function emptyBodies(session: Session, events: readonly string[]): Promise<void> {
	if (events.length > 0) await session.run(EMPTY, [events]);
}
