// The busy path: one transaction accepts events with their deliveries, and records outcomes with their attempts.
//
// It takes two round trips: everything that decides is read and locked at once, then everything is written at once with the COMMIT.
// Only what is rare needs another one: a delivery that waits again, an attempt that comes late, a change by hand.
import type { CommitBatch, CommitResult } from "../../../../ports/store/accept.ts";
import { uuidOf } from "../../codec/ids.ts";
import type { Database } from "../../connection/database.ts";
import { isPartitionMissing } from "../../connection/errors.ts";
import { shareProjects } from "../../connection/locks.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { DeliverySet } from "../../deliveries/delivery-set.ts";
import type { Partitions } from "../../schema/partitions.ts";
import { StatsChanges } from "../../stats/journal.ts";
import { isStored } from "./is-stored.ts";
import { NewEvents } from "./new-events.ts";
import { Updates } from "./updates.ts";

const NOTHING: CommitResult = { events: [], updates: [], healthChanges: [] };

/** The calls of `AcceptStore`. */
export function createAcceptCalls(database: Database, partitions: Partitions, numbers: ChangeNumbers) {
	return {
		async commit(batch: CommitBatch): Promise<CommitResult> {
			if (batch.events.length === 0 && batch.updates.length === 0) return NOTHING;
			const ids = batch.events.flatMap(({ event }) => uuidOf("evt", event.id) ?? []);
			const write = () =>
				database.commit(
					(session) => commit(session, batch, new DeliverySet(numbers)),
					(session, result) => isStored(session, batch, result),
				);
			await partitions.ensure(ids);
			try {
				return await write();
			} catch (error) {
				if (!isPartitionMissing(error)) throw error;
			}
			partitions.forget();
			await partitions.ensure([...ids, ...batch.updates.flatMap(({ deliveryId }) => uuidOf("dlv", deliveryId) ?? [])]);
			return write();
		},
	};
}

async function commit(session: Session, batch: CommitBatch, deliveries: DeliverySet): Promise<CommitResult> {
	const stats = new StatsChanges();
	const newEvents = new NewEvents(session, batch.events, deliveries, stats);
	const updates = new Updates(session, batch.updates, deliveries, stats);
	// Before anything that relies on the projects.
	await Promise.all([shareProjects(session, newEvents.projects), newEvents.read(), updates.load()]);
	const accepted = newEvents.accept();
	await updates.read(newEvents.projects);
	const updated = updates.apply();
	newEvents.write();
	deliveries.write(session);
	updates.writeAttempts();
	stats.write(session);
	const healthChanges = await updates.finish();
	return { events: accepted, updates: updated, healthChanges };
}
