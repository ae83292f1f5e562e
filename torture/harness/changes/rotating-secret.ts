// A webhook whose secret is replaced while it gets events: each event must be signed by the secrets of its moment.
import { setTimeout as delay } from "node:timers/promises";

import { utils, verifySignature } from "@fanfare/sdk";
import type { ReceivedRequest } from "@fanfare/testkit/receiver";

import type { Round } from "../../round.ts";
import { rawEvent, sendRaw } from "../raw-sends.ts";
import { replies, succeeds, type WebhookKind } from "../webhook-kinds.ts";
import { now, Timeline } from "./timeline.ts";

/** The newest secret and four older ones. */
const MOST_SECRETS = 5;
/** The server's clock and timers are not exactly those of the harness. */
const MARGIN_MS = 50;
const PAUSE_MS = 10;
const KIND: WebhookKind = {
	name: "rotating",
	spec: { eventTypes: ["rotating.event"], retries: { maxRetries: 20, maxRetryDelay: 40 } },
	act: () => replies(200),
	mayEnd: succeeds,
};

export class RotatingSecret {
	readonly #round: Round;
	readonly #id: string;
	/** The secrets that sign, newest first. */
	readonly #active: Timeline<readonly string[]>;
	/** When each event was sent, by its id. */
	readonly #sentAt = new Map<string, number>();
	readonly #sets: (readonly string[])[];

	private constructor(round: Round, id: string, secret: string) {
		this.#round = round;
		this.#id = id;
		this.#active = new Timeline([secret]);
		this.#sets = [[secret]];
	}

	static async create(round: Round): Promise<RotatingSecret> {
		const secret = utils.generateWebhookSecret();
		const { id } = await round.addWebhook({ ...KIND, spec: { ...KIND.spec, secret } }, { secrets: [secret] });
		return new RotatingSecret(round, id, secret);
	}

	/** Sends events until the signal is aborted. */
	async sendUntil(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			const sentAt = now();
			const { json } = await sendRaw(this.#round, rawEvent(this.#round, "rotating.event"));
			this.#sentAt.set((json as { id: string }).id, sentAt);
			await delay(PAUSE_MS);
		}
	}

	/** Sets a new secret, beside which those before it sign for `overlapMs`. With `waits`, until that is over. */
	async rotate(overlapMs: number, waits: boolean): Promise<void> {
		const secret = utils.generateWebhookSecret();
		this.#round.hiddenValues.set(
			`secret ${this.#sets.length} of rotating`,
			Buffer.from(secret.replace("whsec_", ""), "base64"),
		);
		const after = [secret, ...(overlapMs === 0 ? [] : this.#active.latest)].slice(0, MOST_SECRETS);
		this.#allow(after);
		const from = now();
		this.#active.changing(after);
		// The overlap begins at some moment of the call, and may be over before its answer has come.
		let isEnding = false as boolean;
		const end = async () => {
			await until(from + overlapMs - MARGIN_MS);
			isEnding = true;
			this.#allow([secret]);
			this.#active.changing([secret]);
		};
		const ending = waits ? end() : null;
		await this.#round.project.batch.webhooks.updateSecret(this.#id, secret, { overlapMs });
		const acknowledgedAt = now();
		if (!isEnding) this.#active.confirmed();
		if (ending === null) return;
		await ending;
		await until(acknowledgedAt + overlapMs + MARGIN_MS);
		this.#active.confirmed();
	}

	/** Checks who has signed each event: the secrets of any moment from its send to its arrival, all of them and no others. */
	async verify(): Promise<void> {
		const requests = this.#round.receiver.requests.filter(({ path }) => path === `/${KIND.name}`);
		for (const request of requests) {
			const sentAt = this.#sentAt.get(String(request.headers["webhook-id"]));
			if (sentAt === undefined) continue;
			const arrivedAt = request.receivedAt - performance.timeOrigin;
			const possible = this.#active.possible(sentAt, arrivedAt + MARGIN_MS);
			const isSigned = await isSignedByOneOf(request, possible);
			const counts = possible.map((set) => set.length).join(" or ");
			this.#round.expect(isSigned, `an event was not signed by the ${counts} secrets of its moment`);
		}
		const isEnough = requests.length > this.#sets.length;
		this.#round.expect(isEnough, `only ${requests.length} events arrived while the secret changed`);
	}

	/** Lets the receivers' book accept one more set of secrets: it does not know when an event was sent. */
	#allow(set: readonly string[]): void {
		this.#sets.push(set);
		this.#round.book.expectSecrets(`/${KIND.name}`, ...this.#sets);
	}
}

async function isSignedByOneOf(
	{ rawBody, headers }: ReceivedRequest,
	sets: readonly (readonly string[])[],
): Promise<boolean> {
	const count = String(headers["webhook-signature"]).split(" ").length;
	for (const set of sets.filter(({ length }) => length === count)) {
		const verdicts = await Promise.allSettled(set.map((secret) => verifySignature(rawBody, headers, secret)));
		if (verdicts.every(({ status }) => status === "fulfilled")) return true;
	}
	return false;
}

async function until(time: number): Promise<void> {
	await delay(Math.max(0, time - now()));
}
