// The receivers' book: every request that came, what was answered, and whether its signature was good.
import { verifySignature } from "@fanfare/sdk";
import type { Answer, ReceivedRequest, Receiver } from "@fanfare/testkit/receiver";

import { pairOf, type Seen } from "../record.ts";
import type { Visit, WebhookKind } from "./webhook-kinds.ts";

/** A webhook as its receiver knows it. */
export interface Served {
	readonly id: string;
	readonly kind: WebhookKind;
	readonly secrets: readonly string[];
}

type Entry = { -readonly [Name in keyof Seen]: Seen[Name] };

export interface BookOptions {
	/** The time by the server's clock. */
	readonly now: () => number;
	/** How far a `webhook-timestamp` may be from it. */
	readonly toleranceMs: number;
	readonly random: () => number;
}

export class Book {
	readonly seen: Entry[] = [];
	/** The run of the server that requests come from now. */
	run = 0;
	readonly #byPath = new Map<string, Served>();
	readonly #counts = new Map<string, number>();
	readonly #options: BookOptions;

	constructor(options: BookOptions) {
		this.#options = options;
	}

	/** The webhook behind a path of the receivers. */
	register(path: string, served: Served): void {
		this.#byPath.set(path, served);
	}

	/** From now on only this secret need have signed: the others have expired. */
	expectOnly(path: string, secret: string): void {
		const served = this.#byPath.get(path);
		if (served !== undefined) this.#byPath.set(path, { ...served, secrets: [secret] });
	}

	/** Makes this receiver answer for all registered webhooks. */
	serve(receiver: Receiver): void {
		receiver.script((request) => this.#answer(request));
	}

	/** When the first request came at this time or later; null if none has. */
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
			signature: "not checked",
		};
		this.seen.push(entry);
		entry.signature = await this.#judge(request, served.secrets);
		return answer;
	}

	/** Each secret must have signed. */
	async #judge({ rawBody, headers }: ReceivedRequest, secrets: readonly string[]): Promise<string> {
		const { now, toleranceMs } = this.#options;
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
