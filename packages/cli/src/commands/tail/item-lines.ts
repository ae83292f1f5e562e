// A line for each item of the live stream.
import type { AttemptFinishedItem, ProjectHandle, StreamItem } from "@fanfare/sdk";

import { counted } from "../../text/numbers.ts";
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { widthOf } from "../../text/table.ts";
import { clockTime, relativeTime } from "../../text/times.ts";

const MAX_NAMES = 1_000;
const WIDEST = 40;

/** Makes lines, with the names of webhooks, which it fetches once each. */
export class ItemLines {
	readonly #project: ProjectHandle;
	readonly #names = new Map<string, Promise<string>>();
	readonly #widths = [16, 12];

	constructor(project: ProjectHandle) {
		this.#project = project;
	}

	/** The line of an item. */
	async line(item: StreamItem): Promise<string> {
		if (item.kind === "gap") {
			return `${onStdout("yellow", "!")} gap: ${printable(item.reason)}. See \`fanfare deliveries list\`.`;
		}
		const time = clockTime(item.date);
		if (item.kind === "event.accepted") {
			const to = item.deliveryCount === 0 ? "no webhook wants it" : `to ${counted(item.deliveryCount, "webhook")}`;
			return `${time}  ${onStdout("cyan", "·")} ${this.#padded(0, item.eventType)}  ${this.#padded(1, to)}  accepted  ${item.eventId}`;
		}
		const name = await this.#name(item.webhookId);
		if (item.kind === "webhook.created") return `${time}  ! webhook ${name} was created  ${item.webhookId}`;
		if (item.kind === "replay.updated") {
			const made = counted(item.deliveryCount, "delivery", "deliveries");
			const percent = Math.floor(item.progress * 100);
			const waits = item.waitingFor === undefined ? "" : ", waits for room in the quota of stored bytes";
			return `${time}  ! replay to ${name}: ${item.status}, ${percent} %, ${made}${waits}  ${item.replayId}`;
		}
		if (item.kind === "webhook.updated") {
			return `${time}  ! webhook ${name} is ${item.status}${reasonOf(item.reason)}  ${item.webhookId}`;
		}
		if (item.kind === "deliveries.updated") {
			const what = counted(item.count, "delivery", "deliveries");
			return `${time}  ! ${what} to ${name}: ${item.status}${reasonOf(item.reason)}  ${item.webhookId}`;
		}
		const head = (glyph: string) => `${time}  ${glyph} ${this.#padded(0, item.eventType)}  ${this.#padded(1, name)}  `;
		if (item.kind === "attempt.finished") return `${head(glyphOf(item))}${resultOf(item)}  ${item.deliveryId}`;
		const next = item.nextAttemptDate === null ? "" : `, next attempt ${relativeTime(item.nextAttemptDate)}`;
		return `${head(" ")}${item.status}${next}${reasonOf(item.reason)}  ${item.deliveryId}`;
	}

	/** In a column that grows. */
	#padded(column: number, given: string): string {
		const text = printable(given);
		const size = Math.min(WIDEST, Math.max(this.#widths[column] ?? 0, widthOf(text)));
		this.#widths[column] = size;
		return text + " ".repeat(Math.max(0, size - widthOf(text)));
	}

	/** Its name; its id if there is no such webhook any more, or while its name can't be fetched. */
	async #name(id: string): Promise<string> {
		const known = this.#names.get(id);
		if (known !== undefined) return known;
		const name = this.#project.batch.webhooks.get(id).then(
			(webhook) => printable(webhook.name),
			(error: Error) => {
				// Such as while the server starts again: the next line asks for it again.
				if (error.name !== "NotFoundError") this.#names.delete(id);
				return id;
			},
		);
		this.#names.set(id, name);
		for (const oldest of this.#names.keys()) {
			if (this.#names.size <= MAX_NAMES) break;
			this.#names.delete(oldest);
		}
		return name;
	}
}

function glyphOf({ result }: AttemptFinishedItem): string {
	return result === "success" ? onStdout("green", "✓") : onStdout("red", "✗");
}

function resultOf({ error, responseCode, durationMs, number, trigger }: AttemptFinishedItem): string {
	const by = trigger === "auto" ? "" : ` by ${trigger === "manual" ? "hand" : "replay"}`;
	return `${(error ?? String(responseCode)).padStart(3)}  ${`${durationMs} ms`.padStart(8)}  attempt ${number}${by}`;
}

function reasonOf(reason: string | null): string {
	return reason === null ? "" : `: ${printable(reason)}`;
}
