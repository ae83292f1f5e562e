// A store whose reads for somebody take turns by project, and within that by customer.
import type { Turns } from "../../../core/concurrency/turns.ts";
import {
	isRowRead,
	isSendRead,
	mostWaiting,
	ownerOfRead,
	READ_NAMES,
	type ReadName,
} from "../../../ports/store/reads/read-owners.ts";
import type { Store } from "../../../ports/store/store.ts";

type Read = (...parameters: readonly unknown[]) => Promise<unknown>;

export interface ReadTurns {
	/** Of what sends read: they wait for no lists, and for few other sends. */
	readonly sends: Turns;
	/** Of the lists and other reads. */
	readonly others: Turns;
}

/** The same store, whose lists and other reads for somebody wait for their project's turn, and within that for their customer's. */
export function readingInTurns(store: Store, { sends, others }: ReadTurns): Store {
	const inTurn = (name: ReadName): Read => {
		const read = store[name] as Read;
		const turns = isSendRead(name) ? sends : others;
		const place = { mostWaiting: mostWaiting(name), isUrgent: isRowRead(name) };
		return (...parameters) => {
			const { project, customer } = ownerOfRead(name, parameters);
			return turns.run(project, customer === undefined ? place : { ...place, part: customer }, () =>
				read(...parameters),
			);
		};
	};
	const reads = Object.fromEntries(READ_NAMES.map((name) => [name, inTurn(name)]));
	return { ...store, ...(reads as unknown as Pick<Store, ReadName>) };
}
