// For how many customers of a project something is kept, and how large that is: counted from the rows at most once in a second, and with
// what this process has added since.
import { LRUCache } from "lru-cache";

import type { CustomerTotals } from "../../../../core/access/customer.ts";
import { number } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";

const COUNT = statement(`
	SELECT count(*) AS customers, coalesce(sum(coalesce(octet_length(name), 0) + octet_length(metadata)), 0)::bigint AS bytes
	FROM customers WHERE project_id = $1 AND (name IS NOT NULL OR metadata <> '{}')
`);

/** How long a count is used, so that changes one after the other do not read all rows each time. */
const KEEP_MS = 1_000;
const MAX_PROJECTS = 1_000;

interface Counted extends CustomerTotals {
	readonly countDate: number;
}

/** The totals that were counted lately, by the UUIDs of projects. Changes of one project come one after the other. */
export class CountedCustomers {
	readonly #counted = new LRUCache<string, Counted>({ max: MAX_PROJECTS });

	/** The totals of a project, for a change of it at this time. */
	async of(session: Session, project: string | null, at: number): Promise<CustomerTotals> {
		const known = this.#counted.get(project ?? "");
		if (known !== undefined && at >= known.countDate && at < known.countDate + KEEP_MS) return known;
		const [row] = await session.run(COUNT, [project]);
		const counted = { customers: number(row?.["customers"]), bytes: number(row?.["bytes"]), countDate: at };
		this.#counted.set(project ?? "", counted);
		return counted;
	}

	/** Adds what a change has added. Call it as soon as the change is committed. */
	add(project: string | null, added: CustomerTotals): void {
		const known = this.#counted.get(project ?? "");
		if (known === undefined) return;
		const [customers, bytes] = [known.customers + added.customers, known.bytes + added.bytes];
		this.#counted.set(project ?? "", { ...known, customers, bytes });
	}
}
