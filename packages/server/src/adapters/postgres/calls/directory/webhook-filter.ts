// Filters of webhooks: SQL leaves few rows, and in these, the filter compares what SQL can't express exactly.
import { isReservedEventType } from "../../../../core/event-type.ts";
import { isId } from "../../../../core/ids.ts";
import type { HealthState } from "../../../../core/policies/webhook-health.ts";
import { typeFilterEntries, type WebhookStatus } from "../../../../core/webhook.ts";
import type { WebhookFilter } from "../../../../ports/store/directory.ts";
import { json, text, textOrNull, type Row } from "../../codec/rows.ts";
import { WEBHOOK_STATUS_CODES, webhookId } from "../../codec/webhook-rows.ts";

/** One part of a filter. */
export interface WebhookTest {
	/** Columns of table `webhook` that it compares. */
	readonly columns: readonly string[];
	/**
	 * A condition that every match fulfils. It names the tables `webhook` and `health`, whose row a healthy webhook lacks. `place` keeps a
	 * value and returns its placeholder.
	 */
	readonly sql: (place: (value: unknown) => string) => string;
	/** Whether a row with these columns and the id that fulfils the condition is a match. */
	readonly matches: (row: Row) => boolean;
}

/** The parts of a filter. `isHidden` says whether webhooks of customers do not get its event type. */
export function webhookTests(filter: WebhookFilter, isHidden: boolean): WebhookTest[] {
	const { text: wanted, statuses, health, eventType } = filter;
	const metadata = Object.entries(filter.metadata);
	return [
		...(statuses === null ? [] : [statusTest(statuses)]),
		...(health === null ? [] : [healthTest(health)]),
		...(wanted === null ? [] : [textTest(wanted)]),
		...(eventType === null ? [] : [eventTypeTest(eventType, isHidden)]),
		...(metadata.length === 0 ? [] : [metadataTest(metadata)]),
	];
}

const always = () => true;

function statusTest(statuses: readonly WebhookStatus[]): WebhookTest {
	const codes = statuses.map((status) => WEBHOOK_STATUS_CODES[status]);
	return { columns: [], sql: (place) => `webhook.status = ANY(${place(codes)}::smallint[])`, matches: always };
}

/** What `healthState` of core/policies/webhook-health.ts says. */
const HEALTH_STATE = `CASE
	WHEN webhook.status = ${WEBHOOK_STATUS_CODES.Disabled} THEN 'Disabled'
	WHEN health.report_date IS NULL THEN 'Healthy'
	WHEN health.warn_date IS NULL OR webhook.status = ${WEBHOOK_STATUS_CODES.Paused} THEN 'Failing'
	ELSE 'Disabling'
END`;

function healthTest(states: readonly HealthState[]): WebhookTest {
	return { columns: [], sql: (place) => `${HEALTH_STATE} = ANY(${place(states)}::text[])`, matches: always };
}

const TEXTS = ["name", "description", "endpoint", "key"] as const;
const HOST = /^[^:/]+:\/\/([^/?#]*)/;
// Without U+0000, which text in PostgreSQL can't have.
// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x01-\x7f]*$/;

function textTest(wanted: string): WebhookTest {
	const needle = wanted.toLowerCase();
	const contains = (value: string) => value.toLowerCase().includes(needle);
	// In the collation "C", lower() knows ASCII letters only; and ids have another type there.
	const isLeftToRows = !ASCII.test(needle) || isId("webhook", needle);
	return {
		columns: TEXTS,
		sql: (place) => {
			if (isLeftToRows) return "TRUE";
			const placed = place(needle);
			return TEXTS.map((column) => `position(${placed} IN lower(webhook.${column} COLLATE "C")) > 0`).join(" OR ");
		},
		matches: (row) =>
			contains(text(row["name"])) ||
			contains(textOrNull(row["description"]) ?? "") ||
			contains(textOrNull(row["key"]) ?? "") ||
			contains(HOST.exec(text(row["endpoint"]))?.[1] ?? "") ||
			needle === webhookId(row),
	};
}

/** The names of event types need no escapes in JSON, so each entry of a filter is in its text as it is. */
function eventTypeTest(type: string, isInternal: boolean): WebhookTest {
	const entries = typeFilterEntries(type).map((entry) => JSON.stringify(entry));
	return {
		columns: ["event_types"],
		sql: (place) => {
			const search = `EXISTS (SELECT 1 FROM unnest(${place(entries)}::text[]) entry WHERE position(entry IN event_types) > 0)`;
			const every = isReservedEventType(type) ? "" : "webhook.event_types IS NULL OR ";
			return `${isInternal ? "webhook.customer_id IS NULL AND " : ""}(${every}${search})`;
		},
		matches: always,
	};
}

function metadataTest(wanted: readonly (readonly [name: string, value: string])[]): WebhookTest {
	// Texts with quotation marks and commas can contain what looks like an entry.
	const entries = wanted.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
	return {
		columns: ["metadata"],
		sql: (place) => entries.map((entry) => `position(${place(entry)} IN webhook.metadata) > 0`).join(" AND "),
		matches: (row) => {
			const metadata = new Map(Object.entries(json<Record<string, string>>(row["metadata"])));
			return wanted.every(([name, value]) => metadata.get(name) === value);
		},
	};
}
