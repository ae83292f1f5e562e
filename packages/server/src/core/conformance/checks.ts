// The checks of a receiver: what it must do, how that is found out, and what to do if it does not.
import type { HeaderPairs, Probe, ProbeOutcome as Outcome } from "./probe.ts";

/** What a check needs. */
export interface CheckContext {
	readonly probe: Probe;
	/** The answer to the first request, which was valid. */
	readonly first: Outcome;
	readonly slowMs: number;
	readonly burst: number;
}

/** One check. */
export interface Check {
	/** For programs, such as `changed_body`. */
	readonly name: string;
	/** What a correct receiver does: `refuses a body that was changed`. */
	readonly title: string;
	/** Whether the others make no sense if it fails. */
	readonly isBasic?: boolean;
	/** Returns what is wrong as sentences; null if nothing is. */
	readonly run: (context: CheckContext) => Promise<string | null> | string | null;
}

const HOUR_S = 3_600;
const LARGE_BYTES = 256 * 1_024;

/** In their order. Those that are basic come first. */
export const CHECKS: readonly Check[] = [
	{
		name: "reachable",
		title: "responds at all",
		isBasic: true,
		run: ({ first }) => (first.kind === "failure" ? unreachable(first) : null),
	},
	{
		name: "redirect",
		title: "does not redirect",
		isBasic: true,
		run: ({ first }) => {
			const status = statusOf(first);
			if (status < 300 || status > 399) return null;
			const to = headerOf(first, "location");
			return `It responded with ${status}${to === "" ? "" : ` to ${to}`}. Redirects are not followed: register the last address, often one with https or a slash at its end.`;
		},
	},
	{
		name: "accepts",
		title: "accepts a signed request",
		isBasic: true,
		run: ({ first }) =>
			accepted(
				first,
				"Check that it has this secret, and that it verifies the body as it was received, before any parser.",
			),
	},
	{
		name: "quick",
		title: "responds quickly",
		run: ({ first, slowMs }) =>
			first.durationMs <= slowMs
				? null
				: `It took ${first.durationMs} ms, more than ${slowMs} ms. Store the event, respond, and do the work afterwards: a slow response becomes a timeout and a retry.`,
	},
	{
		name: "changed_body",
		title: "refuses a body that was changed",
		run: async ({ probe }) => {
			const body = probe.body();
			const outcome = await probe.send({ body, bodyAfter: body.replace(/\}$/, ',"changed":true}') });
			return refused(outcome, "It does not compare the signature with the body.");
		},
	},
	{
		name: "wrong_secret",
		title: "refuses a signature of another secret",
		run: async ({ probe }) => refused(await probe.send({ signers: ["other"] }), "It does not check who has signed."),
	},
	{
		name: "no_signature",
		title: "refuses a request without a signature",
		run: async ({ probe }) =>
			refused(
				await probe.send({ headersAfter: (headers) => without(headers, "webhook-signature") }),
				"Anybody can send it events.",
			),
	},
	{
		name: "changed_id",
		title: "refuses a webhook-id that was changed",
		run: async ({ probe }) =>
			refused(
				await probe.send({ headersAfter: (headers) => replaced(headers, "webhook-id", probe.newId()) }),
				"A recorded request could be sent again as another event. What is signed is id, time and body, with full stops between them.",
			),
	},
	{
		name: "stale",
		title: "refuses a request that was signed an hour ago",
		run: async ({ probe }) =>
			refused(
				await probe.send({ secondsFromNow: -HOUR_S }),
				"A recorded request could be sent again at any time. Refuse a webhook-timestamp that is more than 5 minutes from now.",
			),
	},
	{
		name: "future",
		title: "refuses a request that was signed in an hour",
		run: async ({ probe }) =>
			refused(
				await probe.send({ secondsFromNow: HOUR_S }),
				"Refuse a webhook-timestamp that is more than 5 minutes from now, in both directions.",
			),
	},
	{
		name: "malformed",
		title: "refuses headers that make no sense",
		run: async ({ probe }) => {
			const forms: readonly (readonly [name: string, value: string])[] = [
				["webhook-signature", "v1"],
				["webhook-signature", "v1,%%%"],
				["webhook-signature", "v1,AAAA"],
				["webhook-timestamp", "soon"],
				["webhook-timestamp", "9".repeat(400)],
			];
			for (const [name, value] of forms) {
				const outcome = await probe.send({ headersAfter: (headers) => replaced(headers, name, value) });
				const problem = refused(outcome, "A request that can't be read must be refused.");
				if (problem !== null) return `${problem} (${name}: ${value.slice(0, 20)})`;
			}
			return null;
		},
	},
	{
		name: "rotation",
		title: "accepts one right signature among several",
		run: async ({ probe }) => {
			const cure = "While a secret is replaced, there are two signatures: compare with each of them.";
			for (const signers of [
				["right", "other"],
				["other", "right"],
			] as const) {
				const problem = accepted(await probe.send({ signers }), cure);
				if (problem !== null) return problem;
			}
			return null;
		},
	},
	{
		name: "other_version",
		title: "skips signatures of versions that it does not know",
		run: async ({ probe }) =>
			accepted(
				await probe.send({
					headersAfter: (headers) => {
						const right = headers.find(([name]) => name === "webhook-signature")?.[1] ?? "";
						return replaced(headers, "webhook-signature", `v1a,AAAA v2,xyz ${right}`);
					},
				}),
				"Skip what does not begin with `v1,`, and go on.",
			),
	},
	{
		name: "raw_body",
		title: "verifies the body as it was received",
		run: async ({ probe }) => {
			const { type } = probe;
			const head = `{ "type" : ${JSON.stringify(type)},\n\t"timestamp":"${probe.isoTime()}", `;
			const bodies = [
				`${head}"data": {"b": 1, "a": 1} }`,
				`${head}"data": {"text":"\\u00e9 é \\/"}}`,
				`${head}"data": {"n": 12345678901234567890, "m": 1.10, "e": 1E2}}`,
				`${head}"data": {}}\n`,
			];
			for (const body of bodies) {
				const problem = accepted(
					await probe.send({ body }),
					"It parses the body and writes it again before it verifies, which changes bytes. Take the raw body: `express.raw()`, `await request.text()`, `request.get_data()`.",
				);
				if (problem !== null) return problem;
			}
			return null;
		},
	},
	{
		name: "header_case",
		title: "finds headers whatever the case of their names",
		run: async ({ probe }) =>
			accepted(
				await probe.send({ headersAfter: (headers) => headers.map(([name, value]) => [name.toUpperCase(), value]) }),
				"The names of headers have no case.",
			),
	},
	{
		name: "duplicate",
		title: "responds to a duplicate with success",
		run: async ({ probe }) => {
			const again = { id: probe.newId(), body: probe.body() };
			await probe.send(again);
			return accepted(
				await probe.send(again),
				"An event may come twice. Respond with success if its webhook-id was processed before: otherwise it is retried until it fails.",
			);
		},
	},
	{
		name: "unknown_type",
		title: "accepts an event type that it does not know",
		run: async ({ probe }) =>
			accepted(
				await probe.send({ body: probe.body({ type: "conform.never_heard_of" }) }),
				"Ignore it, with success: otherwise a new type is retried until it fails, and may disable the webhook.",
			),
	},
	{
		name: "unknown_field",
		title: "accepts fields that it does not know",
		run: async ({ probe }) =>
			accepted(
				await probe.send({ body: probe.body({ conform: { new: true } }) }),
				"Events may get more fields: ignore them.",
			),
	},
	{
		name: "large",
		title: `accepts a body of ${LARGE_BYTES / 1_024} KiB`,
		run: async ({ probe }) =>
			accepted(
				await probe.send({ body: probe.body({ data: { text: "x".repeat(LARGE_BYTES - 200) } }) }),
				"Raise the limit of the body, which is often 100 KiB.",
			),
	},
	{
		name: "burst",
		title: "responds to many requests at once",
		run: async ({ probe, burst }) => {
			const outcomes = await Promise.all(Array.from({ length: burst }, () => probe.send()));
			const failed = outcomes.filter((outcome) => accepted(outcome, "") !== null);
			const [first] = failed;
			if (first === undefined) return null;
			return `Of ${burst} requests at once, ${failed.length} did not succeed: ${shown(first)}. Respond before the work, or limit the rate of the webhook.`;
		},
	},
];

/** The checks that the server can make: its sender writes names of headers in lower case, as HTTP/2 does. */
export const CHECKS_BY_SERVER: readonly Check[] = CHECKS.filter(({ name }) => name !== "header_case");

/** Null if it is a 2xx. */
function accepted(outcome: Outcome, cure: string): string | null {
	const status = statusOf(outcome);
	if (status >= 200 && status < 300) return null;
	if (outcome.kind === "failure") return `There was ${shown(outcome)}.`;
	return `It responded to a valid request with ${status}. ${cure}`;
}

/** Null if it is a 4xx that says no. */
function refused(outcome: Outcome, meaning: string): string | null {
	const status = statusOf(outcome);
	if (status >= 200 && status < 300) return `It responded with ${status}. ${meaning}`;
	if (status === 410) return "It responded with 410, which disables the webhook. Respond with 400 or 401.";
	if (status >= 400 && status < 500) return null;
	if (outcome.kind === "failure") return `There was ${shown(outcome)} instead of a 400 or 401.`;
	return `It responded with ${status} instead of 400 or 401: it fails where it should refuse.`;
}

function unreachable({ error, reason }: Extract<Outcome, { readonly kind: "failure" }>): string {
	if (error === "tls") return `TLS failed: ${reason}. Check that the certificate is valid and the chain complete.`;
	return `There was no response (${error}): ${reason}.`;
}

function shown(outcome: Outcome): string {
	if (outcome.kind === "failure") return `no response (${outcome.error}: ${outcome.reason})`;
	return String(outcome.status);
}

function statusOf(outcome: Outcome): number {
	return outcome.kind === "failure" ? 0 : outcome.status;
}

function headerOf(outcome: Outcome, name: string): string {
	if (outcome.kind === "failure") return "";
	return outcome.headers.find(([known]) => known.toLowerCase() === name)?.[1] ?? "";
}

function without(headers: HeaderPairs, name: string): HeaderPairs {
	return headers.filter(([known]) => known !== name);
}

function replaced(headers: HeaderPairs, name: string, value: string): HeaderPairs {
	return headers.map((header) => (header[0] === name ? [name, value] : header));
}
