// The numbers of the changes of deliveries: each change gets a higher one than all that this process has made before it, so that a list
// can follow the changes.
import { numberOrNull } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";

/** The numbers of one millisecond. If there are more changes in it, numbers run ahead of the time. */
const CHANGES_PER_MS = 64;

/** One look into an index for each project and partition. */
const SELECT_LAST = statement(`
	SELECT max(greatest(
		(SELECT change FROM deliveries WHERE project_id = projects.id AND change IS NOT NULL ORDER BY change DESC LIMIT 1),
		(SELECT change FROM open_deliveries WHERE project_id = projects.id AND change IS NOT NULL ORDER BY change DESC LIMIT 1)
	)) AS last FROM projects
`);

/** A number is at least that of its time, whatever the clock was before. Numbers of a transaction that is undone are not used again. */
export class ChangeNumbers {
	#last: number;

	private constructor(last: number) {
		this.#last = last;
	}

	/** Continues after the highest number that is stored. */
	static async open(database: Database): Promise<ChangeNumbers> {
		const last = await database.read(async (session) => {
			const [row] = await session.run(SELECT_LAST);
			return numberOrNull(row?.["last"] ?? null);
		});
		return new ChangeNumbers(last ?? 0);
	}

	/** The number of a change that is made at `at`. */
	take(at: number): number {
		this.#last = Math.max(this.#last + 1, Math.trunc(at) * CHANGES_PER_MS);
		return this.#last;
	}
}
