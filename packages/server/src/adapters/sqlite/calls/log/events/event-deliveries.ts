// The deliveries of one event to some webhooks.
import type { DatabaseSync } from "node:sqlite";

import type { EventDelivery } from "../../../../../ports/store/log.ts";
import { STATUS_CODES, STATUSES } from "../../../codec/delivery-rows.ts";
import { nameOf, number, type Row } from "../../../codec/rows.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Numbered } from "../../../deliveries/numbers.ts";
import type { SeqIndex } from "../seq-page.ts";

/** Blocks up to this size are read as a whole. In larger ones, each webhook is looked for in an index. */
const SMALL_BLOCK = 2_000;
/** The deliveries that replays have made of one event are looked at up to this number, newest first. */
const MAX_OUTSIDE = 1_000;

const AMONG = "webhook IN (SELECT value FROM json_each(?1))";
const IN_BLOCK = "seq > ?2 AND seq <= ?3";

/** Prepares the search for the deliveries of an event to webhooks. The row has `seq` and `delivery_count`. */
export function createEventDeliveries(
	db: DatabaseSync,
	view: Pick<LogView, "marks">,
	index: Pick<SeqIndex, "deliveryIdAt">,
): (event: Row, webhooks: readonly Numbered[]) => EventDelivery[] {
	const full = (condition: string, by: string) =>
		db.prepare(`SELECT seq, webhook, status FROM deliveries ${by} WHERE ${condition}`);
	const open = (condition: string, by: string) => db.prepare(`SELECT seq, webhook FROM open ${by} WHERE ${condition}`);
	const all = [`${IN_BLOCK} AND +${AMONG}`, "NOT INDEXED"] as const;
	const [fullIn, openIn] = [full(...all), open(...all)];
	const listed = `listed = 1 AND ${AMONG} AND ${IN_BLOCK}`;
	const fullOf = full(listed, "INDEXED BY deliveries_by_webhook");
	const openOf = open(listed, "INDEXED BY open_by_webhook");
	const outside = full(
		`outside = 1 AND event = ?2 AND ${AMONG} ORDER BY seq DESC LIMIT ${MAX_OUTSIDE}`,
		"INDEXED BY deliveries_outside_by_event",
	);
	return (event, webhooks) => {
		const byNumber = new Map(webhooks.map((webhook) => [webhook.number, webhook.id]));
		const among = JSON.stringify([...byNumber.keys()]);
		const first = number(event["seq"]);
		const end = first + number(event["delivery_count"]);
		const rows: Row[] = outside.all(among, first);
		if (end - first <= SMALL_BLOCK) {
			rows.push(...fullIn.all(among, first, end), ...openIn.all(among, first, end));
		} else {
			const { marks } = view;
			rows.push(...fullOf.all(among, first, end), ...openOf.all(among, first, end));
			// What is in no index yet.
			if (end > marks.full) rows.push(...fullIn.all(among, Math.max(first, marks.full), end));
			if (end > marks.open) rows.push(...openIn.all(among, Math.max(first, marks.open), end));
		}
		return rows.map((row) => {
			const [seq, webhook] = [number(row["seq"]), number(row["webhook"])];
			const status = nameOf(STATUSES, row["status"] ?? STATUS_CODES.Pending);
			const isReplayed = seq <= first || seq > end;
			return { webhookId: byNumber.get(webhook) ?? "", deliveryId: index.deliveryIdAt(seq), status, isReplayed };
		});
	};
}
