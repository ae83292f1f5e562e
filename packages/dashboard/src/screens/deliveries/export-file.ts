// All deliveries of a search as a file: a table for spreadsheets, or each as a line of JSON.
import type { Delivery, DeliveryFilter, ProjectHandle } from "@fanfare/sdk";

export type ExportForm = "csv" | "jsonl";

const PAGE_ROWS = 1_000;
const TYPES = { csv: "text/csv;charset=utf-8", jsonl: "application/x-ndjson" } as const satisfies Record<
	ExportForm,
	string
>;

const COLUMNS: Readonly<Record<string, (delivery: Delivery) => string | number | null>> = {
	id: ({ id }) => id,
	eventId: ({ eventId }) => eventId,
	eventType: ({ eventType }) => eventType,
	webhookId: ({ webhookId }) => webhookId,
	webhookName: ({ webhookName }) => webhookName,
	webhookHost: ({ webhookHost }) => webhookHost,
	customerId: ({ customerId }) => customerId ?? null,
	status: ({ status }) => status,
	reason: ({ reason }) => reason,
	responseCode: ({ responseCode }) => responseCode,
	error: ({ lastAttempt }) => lastAttempt?.error ?? null,
	cause: ({ lastAttempt }) => lastAttempt?.cause ?? null,
	attemptCount: ({ attemptCount }) => attemptCount,
	created: ({ createDate }) => isoDate(createDate),
	updated: ({ updateDate }) => isoDate(updateDate),
	nextAttempt: ({ nextAttemptDate }) => isoDate(nextAttemptDate),
};

interface ExportOptions {
	readonly signal: AbortSignal;
	/** Called with the number of deliveries that the file has so far. */
	readonly onProgress: (written: number) => void;
}

/** Reads all deliveries that match, newest first. The browser keeps the parts of the file, so that a large one takes little memory here. */
export async function exportDeliveries(
	project: ProjectHandle,
	filter: DeliveryFilter,
	form: ExportForm,
	{ signal, onProgress }: ExportOptions,
): Promise<{ readonly file: Blob; readonly count: number }> {
	const lineOf = form === "csv" ? csvLine : (delivery: Delivery) => `${JSON.stringify(delivery)}\n`;
	const parts = [new Blob(form === "csv" ? [line(Object.keys(COLUMNS))] : [])];
	let count = 0;
	for (let page: string | undefined; ;) {
		const { data, nextPage } = await project.deliveries.list({ ...filter, limit: PAGE_ROWS, page }, { signal });
		parts.push(new Blob([data.map(lineOf).join("")]));
		count += data.length;
		onProgress(count);
		if (nextPage === null) return { file: new Blob(parts, { type: TYPES[form] }), count };
		page = nextPage;
	}
}

/** A delivery as a line of a table. */
export function csvLine(delivery: Delivery): string {
	return line(Object.values(COLUMNS).map((valueOf) => valueOf(delivery)));
}

function line(values: readonly (string | number | null)[]): string {
	return `${values.map(cell).join(",")}\r\n`;
}

/** Spreadsheets run text that begins like a formula, so it gets an apostrophe, which they hide. */
function cell(value: string | number | null): string {
	if (value === null) return "";
	if (typeof value === "number") return String(value);
	const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
	return `"${text.replaceAll('"', '""')}"`;
}

function isoDate(at: number | null): string | null {
	return at === null ? null : new Date(at).toISOString();
}
