// The attempts of a delivery, in pages: the first one is in the delivery's row, the others are rows of their own.
import type { DatabaseSync } from "node:sqlite";

import { customerOf, projectOf, type Scope } from "../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { LoggedAttempt } from "../../../ports/store/log.ts";
import { attemptNumberIn, toAttempt } from "../codec/attempt-rows.ts";
import { text, type Row } from "../codec/rows.ts";
import type { Located, LogView } from "../deliveries/log-view.ts";
import { createEndpointAt } from "./directory/webhook-versions.ts";
import { readSome } from "./keyset.ts";
import { createIsInternal } from "./log/customers.ts";

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

/** Prepares `attempts` of `LogStore`. The numbers of a delivery's attempts are the cursors. */
export function createAttemptPage(db: DatabaseSync, view: LogView) {
	const first = attemptNumberIn("attempt");
	const sql = (comparison: string, order: string) => `
		SELECT number, attempt FROM attempts WHERE delivery = ?1 AND number ${comparison} ?2
		UNION ALL
		SELECT ${first} AS number, attempt FROM deliveries
		WHERE seq = ?1 AND attempt IS NOT NULL AND ${first} ${comparison} ?2
		ORDER BY number ${order} LIMIT ?3
	`;
	const older = db.prepare(sql("<", "DESC"));
	const newer = db.prepare(sql(">", "ASC"));
	const exists = { older: db.prepare(sql("<=", "DESC")), newer: db.prepare(sql(">=", "ASC")) };

	const endpointAt = createEndpointAt(db);
	const toLogged = (row: Row, webhook: number): LoggedAttempt => {
		const attempt = toAttempt(text(row["attempt"]));
		const { webhookRevision } = attempt;
		return { ...attempt, endpoint: webhookRevision === null ? null : endpointAt(webhook, webhookRevision) };
	};

	const selectType = db.prepare(`
		SELECT type FROM events WHERE seq = (
			SELECT event FROM open WHERE seq = ?1 UNION ALL SELECT event FROM deliveries WHERE seq = ?1
		)
	`);
	const isInternal = createIsInternal(db);
	/** A customer sees the attempts of its own webhooks, except for those with events of internal types. */
	const isVisible = (scope: Scope, located: Located): boolean => {
		const project = view.numbers.projects.find(projectOf(scope));
		if (project === null || located.project !== project.number) return false;
		const customerId = customerOf(scope);
		if (customerId === null) return true;
		const row = selectType.get(located.seq);
		const isOwn = view.numbers.webhooks.atOrNull(located.webhook)?.customerId === customerId;
		return isOwn && row !== undefined && !isInternal(project, text(row["type"]));
	};

	return (scope: Scope, deliveryId: string, { limit, cursor }: PageRequest): Page<LoggedAttempt> => {
		const located = view.locate(deliveryId);
		if (located === null || !isVisible(scope, located)) return NO_ROWS;
		const { seq, webhook } = located;
		const edge = cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor.id);
		/** Whether there are rows on the side that the cursor came from, its own row included. */
		const behind = (side: "older" | "newer") => cursor !== null && exists[side].get(seq, edge, 1) !== undefined;
		if (cursor?.direction === "newer") {
			const { rows, more } = readSome(newer.iterate(seq, edge, limit + 1), limit);
			const attempts = rows.toReversed().map((row) => toLogged(row, webhook));
			return { rows: attempts, hasNewer: more, hasOlder: behind("older") };
		}
		const { rows, more } = readSome(older.iterate(seq, edge, limit + 1), limit);
		return { rows: rows.map((row) => toLogged(row, webhook)), hasNewer: behind("newer"), hasOlder: more };
	};
}
