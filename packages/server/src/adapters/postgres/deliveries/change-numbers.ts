// The numbers of the changes of deliveries: each change gets a higher one than all that this process has made before it, so that a list
// can follow the changes.
import { STATUS_CODES } from "../codec/delivery-rows.ts";
import { numberOrNull } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { Leads } from "./leads.ts";

/** The numbers of one millisecond. If there are more changes in it, numbers run ahead of the time. */
export const CHANGES_PER_MS = 64;

/** The lowest number that a change at this time or later can have. */
export function firstChangeAt(time: number): number {
	return Math.trunc(time) * CHANGES_PER_MS;
}

/** SQL for the highest number of a project's deliveries: one look into an index for each status and partition. Null if there is none. */
export function lastChange(project: string): string {
	const last = (table: string, status: number) => `(
		SELECT change FROM ${table} WHERE project_id = ${project} AND status = ${status} AND change IS NOT NULL
		ORDER BY change DESC LIMIT 1
	)`;
	const { Pending, Failed, Held, Cancelled } = STATUS_CODES;
	return `greatest(
		${last("deliveries", Failed)}, ${last("deliveries", Cancelled)},
		${last("open_deliveries", Pending)}, ${last("open_deliveries", Held)}
	)`;
}

const SELECT_LAST = statement(`SELECT max(${lastChange("projects.id")}) AS last FROM projects`);

/** A number is at least that of its time, whatever the clock was before. Numbers of a transaction that is undone are not used again. */
export class ChangeNumbers {
	readonly leads: Leads;
	#last: number;

	private constructor(last: number, leads: Leads) {
		this.#last = last;
		this.leads = leads;
	}

	/** Continues after the highest number that is stored. */
	static async open(database: Database): Promise<ChangeNumbers> {
		const last = await database.read(async (session) => {
			const [row] = await session.run(SELECT_LAST);
			return numberOrNull(row?.["last"] ?? null);
		});
		return new ChangeNumbers(last ?? 0, await Leads.open(database));
	}

	/** The number of a change that is made at `at`. */
	take(at: number): number {
		this.#last = Math.max(this.#last + 1, firstChangeAt(at));
		return this.#last;
	}
}
