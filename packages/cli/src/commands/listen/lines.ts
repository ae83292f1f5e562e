// What `fanfare listen` prints of requests: a line each, an object each, or all details of one.
import { printable } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { shortened, widthOf } from "../../text/table.ts";
import { clockTime } from "../../text/times.ts";
import type { HeaderPairs } from "./forward.ts";
import type { Forwarded } from "./session.ts";
import type { Target } from "./target.ts";

const SHOWN_BODY_LENGTH = 4_000;
const TYPE_WIDTH = { min: 16, max: 32 } as const;
/** Below this width, ids are cut so that a request takes one line. */
const WIDE = 100;
const TRIGGERS: Readonly<Record<string, string>> = {
	manual: "retried by hand",
	replay: "replay",
	test: "test",
	again: "sent again",
	edited: "edited",
};

/** Lays out lines: the column of the types grows with them. */
export class Lines {
	#typeWidth: number = TYPE_WIDTH.min;

	/** One line, as wide as the terminal at most; `columns` is Infinity if there is none. */
	line(one: Forwarded, columns: number): string {
		const { date, eventId, outcome, accepted } = one;
		const type = shortened(printable(one.eventType ?? "–"), TYPE_WIDTH.max);
		this.#typeWidth = Math.max(this.#typeWidth, widthOf(type));
		const id = columns < WIDE ? `${eventId.slice(0, 4)}…${eventId.slice(-4)}` : eventId;
		const padded = type + " ".repeat(this.#typeWidth - widthOf(type));
		const status = (outcome.kind === "failure" ? outcome.error : String(outcome.status)).padStart(3);
		const head = `${clockTime(date)}  ${padded}  ${id}  `;
		const duration = `${outcome.durationMs} ms`.padStart(8);
		const notes = [notesOf(one), problemOf(one), accepted === false ? "not taken: the server asks again" : ""];
		const rest = notes.filter((note) => note !== "").join("  ");
		const used = widthOf(head) + status.length + duration.length + 2;
		const tail = rest === "" ? "" : `  ${shortened(rest, Math.max(8, columns - used - 1))}`;
		return head + onStdout(isSuccess(one) ? "green" : "red", status) + duration + tail;
	}
}

/** The object of a request, for `--json`. */
export function forwardedObject(one: Forwarded): object {
	const { date, eventId, deliveryId, eventType, attemptNumber, trigger, outcome, accepted } = one;
	const { durationMs } = outcome;
	const result =
		outcome.kind === "failure"
			? { status: null, error: outcome.error, reason: outcome.reason }
			: { status: outcome.status, error: null, reason: null };
	const about = { kind: "delivery", date, eventId, deliveryId, eventType, attemptNumber, trigger };
	return { ...about, ...result, durationMs, accepted };
}

/** All of a request and its response. */
export function detailLines(one: Forwarded, { url }: Target): string[] {
	const { outcome, headers, body } = one;
	const answer =
		outcome.kind === "failure"
			? [`${outcome.error} after ${outcome.durationMs} ms: ${printable(outcome.reason)}`]
			: [
					`${outcome.status} after ${outcome.durationMs} ms`,
					...headerLines(outcome.headers),
					...bodyLines(outcome.body),
				];
	const about = [one.deliveryId, ordinal(one.attemptNumber)].filter((text) => text !== null).join(", ");
	return [
		onStdout("bold", `${one.eventId} ${printable(one.eventType ?? "")} (${about})`),
		`POST ${printable(url.href)}`,
		...headerLines(headers),
		...bodyLines(body),
		"",
		...answer,
		"",
	];
}

function isSuccess({ outcome }: Forwarded): boolean {
	return outcome.kind === "response" && outcome.status < 300;
}

function notesOf({ trigger, attemptNumber }: Forwarded): string {
	const why = TRIGGERS[trigger];
	return why ?? (attemptNumber > 1 ? ordinal(attemptNumber) : "");
}

/** Why it failed: the reason, or the first line of the response. */
function problemOf(one: Forwarded): string {
	const { outcome } = one;
	if (outcome.kind === "failure") return printable(outcome.reason);
	if (isSuccess(one)) return "";
	return printable(textOf(outcome.body)?.trimStart().split("\n", 1)[0]?.trimEnd() ?? "");
}

function headerLines(headers: HeaderPairs): string[] {
	return headers.map(([name, value]) => onStdout("dim", `${printable(name)}: ${printable(value)}`));
}

function bodyLines(body: Uint8Array): string[] {
	if (body.length === 0) return [];
	const text = textOf(body);
	if (text === null) return ["", `(${body.length} bytes that are not text)`];
	const shown = text.slice(0, SHOWN_BODY_LENGTH);
	const cut = text.length > shown.length ? [`… (${text.length - shown.length} more characters)`] : [];
	return ["", ...printable(shown, { lines: true }).split("\n"), ...cut];
}

function textOf(body: Uint8Array): string | null {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(body);
	} catch {
		return null;
	}
}

function ordinal(number: number): string {
	const ending = number % 100 > 10 && number % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
	return `${number}${ending} attempt`;
}
