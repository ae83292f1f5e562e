// The receivers' book: every request, the response to it, and whether its signature was valid.
import { verifySignature } from "@fanfare/sdk";
import { pairOf, type Seen } from "@fanfare/testkit/checks/record";
import type { Answer, ReceivedRequest, Receiver } from "@fanfare/testkit/receiver";

import type { Visit, WebhookKind } from "./webhook-kinds.ts";

/** A webhook as its receiver knows it. */
export interface Served {
	readonly id: string;
	readonly kind: WebhookKind;
	/** Each of them signs, until `expectSecrets` says otherwise. */
	readonly secrets: SecretSet;
}

/** Secrets that sign together. */
type SecretSet = readonly string[];
type Entry = { -readonly [Name in keyof Seen]: Seen[Name] } & {
	/** The address that the request came from. */
	readonly from: string;
	/** For how long its receiver was busy with it, at least. */
	readonly busyMs: number;
};

export interface BookOptions {
	/** The time by the server's clock. */
	readonly now: () => number;
	/** How far a `webhook-timestamp` may differ from it. */
	readonly toleranceMs: number;
	readonly random: () => number;
}

export class Book {
	readonly seen: Entry[] = [];
	/** The current run of the server, from 0. */
	run = 0;
	readonly #byPath = new Map<string, Served>();
	/** The sets of secrets that may sign the requests to a path, if these have changed. */
	readonly #secretSets = new Map<string, readonly SecretSet[]>();
	readonly #counts = new Map<string, number>();
	readonly #options: BookOptions;

	constructor(options: BookOptions) {
		this.#options = options;
	}

	/** Registers the webhook of a path. All receivers respond for it. */
	register(path: string, served: Served): void {
		this.#byPath.set(path, served);
	}

	/** From now on each request must be signed by all secrets of one of these sets, and by no others. */
	expectSecrets(path: string, ...sets: readonly SecretSet[]): void {
		this.#secretSets.set(path, sets);
	}

	/** Makes a receiver respond for all registered webhooks. */
	serve(receiver: Receiver): void {
		receiver.script((request) => this.#answer(request));
	}

	/** When the first request at or after `time` came; null if none has come. */
	firstAt(time: number): number | null {
		return this.seen.find(({ at }) => at >= time)?.at ?? null;
	}

	async #answer(request: ReceivedRequest): Promise<Answer> {
		const served = this.#byPath.get(request.path);
		if (served === undefined) return { status: 404 };
		const { n, eventId } = identify(request);
		const pair = pairOf({ eventId, webhookId: served.id });
		const earlier = this.#counts.get(pair) ?? 0;
		this.#counts.set(pair, earlier + 1);
		const visit: Visit = { n: n ?? -1, earlier, random: this.#options.random };
		const { answer, status, certain = true } = served.kind.act(visit);
		const entry: Entry = {
			webhookId: served.id,
			eventId,
			n,
			run: this.run,
			at: Date.now(),
			status,
			certain,
			from: request.from,
			busyMs: "delayMs" in answer ? (answer.delayMs ?? 0) : 0,
			signature: "not checked",
		};
		this.seen.push(entry);
		entry.signature = await this.#judge(request, this.#secretSets.get(request.path) ?? [served.secrets]);
		return answer;
	}

	/** "ok" if exactly the secrets of one set have signed, or the reason why those of the last set have not. */
	async #judge(request: ReceivedRequest, sets: readonly SecretSet[]): Promise<string> {
		let verdict = "no secret was expected";
		for (const secrets of sets) {
			verdict = await this.#verdict(request, secrets);
			if (verdict === "ok") break;
		}
		return verdict;
	}

	async #verdict({ rawBody, headers }: ReceivedRequest, secrets: SecretSet): Promise<string> {
		const { now, toleranceMs } = this.#options;
		const count = String(headers["webhook-signature"]).split(" ").length;
		if (count !== secrets.length) return `has ${count} signatures instead of ${secrets.length}`;
		try {
			for (const secret of secrets) await verifySignature(rawBody, headers, secret, { now, toleranceMs });
			return "ok";
		} catch (error) {
			return error instanceof Error ? error.message : String(error);
		}
	}
}

function identify({ rawBody, headers }: ReceivedRequest): { n: number | null; eventId: string } {
	const eventId = String(headers["webhook-id"]);
	try {
		const { data } = JSON.parse(rawBody.toString()) as { data?: { n?: unknown } };
		return { n: typeof data?.n === "number" ? data.n : null, eventId };
	} catch {
		return { n: null, eventId };
	}
}
