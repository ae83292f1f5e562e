// Filters of webhooks: SQL leaves few rows, and in these, the filter compares what SQL can't express exactly. The text of a condition is
// the same for all values, so that there are few statements to keep.
import { isReservedEventType } from "../../../../core/event-type.ts";
import { isId } from "../../../../core/ids.ts";
import type { HealthState } from "../../../../core/policies/webhook-health.ts";
import { typeFilterEntries, type WebhookStatus } from "../../../../core/webhook.ts";
import type { WebhookFilter } from "../../../../ports/store/directory.ts";
import { idText } from "../../codec/ids.ts";
import { json, rowId, text, textOrNull, type Row } from "../../codec/rows.ts";
import { WEBHOOK_STATUS_CODES } from "../../codec/webhook-rows.ts";

/** One part of a filter. */
export interface WebhookTest {
	/** Columns of table `webhook` that it compares. */
	readonly columns: readonly string[];
	/** A condition that every match fulfils. It names the tables `webhook` and `health`, whose row a healthy webhook lacks. */
	readonly sql: string;
	readonly values: readonly (string | number)[];
	/** Whether a row with these columns and the id that fulfils the condition is a match. */
	readonly matches: (row: Row) => boolean;
}

/** The parts of a filter. `isHidden` says whether webhooks of customers do not get an event type. */
export function webhookTests(filter: WebhookFilter, isHidden: (type: string) => boolean): WebhookTest[] {
	const { text: wanted, statuses, health, eventType } = filter;
	const metadata = Object.entries(filter.metadata);
	return [
		...(statuses === null ? [] : [statusTest(statuses)]),
		...(health === null ? [] : [healthTest(health)]),
		...(wanted === null ? [] : [textTest(wanted)]),
		...(eventType === null ? [] : [eventTypeTest(eventType, isHidden(eventType))]),
		...(metadata.length === 0 ? [] : [metadataTest(metadata)]),
	];
}

const always = () => true;

/** A JSON array is one value, however many entries it has. */
const ONE_OF = "IN (SELECT value FROM json_each(?))";

function statusTest(statuses: readonly WebhookStatus[]): WebhookTest {
	const codes = statuses.map((status) => WEBHOOK_STATUS_CODES[status]);
	return { columns: [], sql: `webhook.status ${ONE_OF}`, values: [JSON.stringify(codes)], matches: always };
}

/** What `healthState` of core/policies/webhook-health.ts says. */
const HEALTH_STATE = `CASE
	WHEN webhook.status = ${WEBHOOK_STATUS_CODES.Disabled} THEN 'Disabled'
	WHEN health.report_date IS NULL THEN 'Healthy'
	WHEN health.warn_date IS NULL OR webhook.status = ${WEBHOOK_STATUS_CODES.Paused} THEN 'Failing'
	ELSE 'Disabling'
END`;

function healthTest(states: readonly HealthState[]): WebhookTest {
	return { columns: [], sql: `${HEALTH_STATE} ${ONE_OF}`, values: [JSON.stringify(states)], matches: always };
}

const TEXTS = ["name", "description", "endpoint", "key"] as const;
const HOST = /^[^:/]+:\/\/([^/?#]*)/;
// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\0-\x7f]*$/;

function textTest(wanted: string): WebhookTest {
	const needle = wanted.toLowerCase();
	const contains = (value: string) => value.toLowerCase().includes(needle);
	// SQLite knows upper and lower case of ASCII letters only, and ids are bytes there. Every name contains the empty text.
	const isLeftToRows = !ASCII.test(needle) || isId("webhook", needle);
	return {
		columns: TEXTS,
		sql: TEXTS.map((column) => `instr(lower(${column}), ?)`).join(" OR "),
		values: TEXTS.map(() => (isLeftToRows ? "" : needle)),
		matches: (row) =>
			contains(text(row["name"])) ||
			contains(textOrNull(row["description"]) ?? "") ||
			contains(textOrNull(row["key"]) ?? "") ||
			contains(HOST.exec(text(row["endpoint"]))?.[1] ?? "") ||
			needle === idText("webhook", rowId(row)),
	};
}

/** A filter is searched for so many entries; for more it is parsed, which takes longer for a usual one. */
const SEARCHES = 3;

/** The names of event types need no escapes in JSON, so each entry of a filter is in its text as it is. */
function eventTypeTest(type: string, isInternal: boolean): WebhookTest {
	const entries = typeFilterEntries(type);
	const isEvery = isReservedEventType(type) ? 0 : 1;
	const isForCustomers = isInternal ? 0 : 1;
	const isFew = entries.length <= SEARCHES;
	const search = isFew
		? Array.from({ length: SEARCHES }, () => "instr(event_types, ?)").join(" OR ")
		: `EXISTS (SELECT 1 FROM json_each(event_types) entry WHERE entry.value ${ONE_OF})`;
	const searched = Array.from({ length: SEARCHES }, (_, index) => JSON.stringify(entries[index] ?? type));
	return {
		columns: ["event_types"],
		sql: `(? OR customer_id IS NULL) AND (? AND event_types IS NULL OR ${search})`,
		values: [isForCustomers, isEvery, ...(isFew ? searched : [JSON.stringify(entries)])],
		matches: always,
	};
}

function metadataTest(wanted: readonly (readonly [name: string, value: string])[]): WebhookTest {
	// The longest entry leaves the fewest. Texts with quotation marks and commas can contain what looks like an entry.
	const entries = wanted.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
	const [longest = ""] = entries.toSorted((a, b) => b.length - a.length);
	return {
		columns: ["metadata"],
		sql: "instr(metadata, ?)",
		values: [longest],
		matches: (row) => {
			const metadata = new Map(Object.entries(json<Record<string, string>>(row["metadata"])));
			return wanted.every(([name, value]) => metadata.get(name) === value);
		},
	};
}
