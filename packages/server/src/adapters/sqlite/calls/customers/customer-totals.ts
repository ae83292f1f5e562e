// For how many customers of a project something is kept, and how large that is: counted when a project's first change needs it, and from
// then on with each change of a row. The totals are in tables and triggers of this connection alone, so they follow its transactions,
// and nothing of them is in the file.
import type { DatabaseSync } from "node:sqlite";

import type { CustomerTotals } from "../../../../core/access/customer.ts";
import { idBytes } from "../../codec/ids.ts";
import { number } from "../../codec/rows.ts";

const KEPT = (row: string) => `(${row}.name IS NOT NULL OR ${row}.metadata <> '{}')`;
const BYTES = (row: string) => `(coalesce(octet_length(${row}.name), 0) + octet_length(${row}.metadata))`;
const added = (row: string, sign: "+" | "-") => `
	UPDATE customer_totals SET customers = customers ${sign} 1, bytes = bytes ${sign} ${BYTES(row)}
	WHERE project_id = ${row}.project_id AND ${KEPT(row)};
`;

const SCHEMA = `
	CREATE TEMP TABLE customer_totals (
		project_id BLOB PRIMARY KEY,
		customers INTEGER NOT NULL,
		bytes INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE TEMP TRIGGER customer_added AFTER INSERT ON main.customers BEGIN ${added("NEW", "+")} END;
	CREATE TEMP TRIGGER customer_removed AFTER DELETE ON main.customers BEGIN ${added("OLD", "-")} END;
	CREATE TEMP TRIGGER customer_changed AFTER UPDATE ON main.customers BEGIN ${added("OLD", "-")} ${added("NEW", "+")} END;
	CREATE TEMP TRIGGER customers_gone AFTER DELETE ON main.projects BEGIN
		DELETE FROM customer_totals WHERE project_id = OLD.id;
	END;
`;

/** Prepares the reading of the totals of a project. Call it in the transaction of a change. */
export function createCustomerTotals(db: DatabaseSync): (projectId: string) => CustomerTotals {
	db.exec(SCHEMA);
	const select = db.prepare("SELECT customers, bytes FROM customer_totals WHERE project_id = ?");
	// Metadata is not read for its length.
	const count = db.prepare(`
		INSERT INTO customer_totals (project_id, customers, bytes)
		SELECT ?1, count(*), coalesce(sum(${BYTES("customers")}), 0) FROM customers WHERE project_id = ?1 AND ${KEPT("customers")}
		RETURNING customers, bytes
	`);
	return (projectId) => {
		const project = idBytes("proj", projectId);
		const row = select.get(project) ?? count.get(project);
		return { customers: number(row?.["customers"]), bytes: number(row?.["bytes"]) };
	};
}
