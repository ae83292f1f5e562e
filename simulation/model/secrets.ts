// The secrets of one webhook, and which of them must sign a request at a moment.
import { secretHint } from "../../packages/server/src/core/crypto/signing.ts";

/** A secret that signs. */
interface Secret {
	readonly bytes: Uint8Array;
	/**
	 * When it stops signing, by the engine's time; null if it never does. A range, since only the engine knows the moment at
	 * which it has made the change.
	 */
	readonly expires: { readonly from: number; readonly to: number } | null;
}

/** A change that was asked for. */
interface Change {
	readonly bytes: Uint8Array;
	readonly overlapMs: number;
	/** By the engine's time. */
	readonly askedAt: number;
	/** The run that was asked. */
	readonly run: number;
}

/** The largest number of secrets that sign at the same time. */
const MAX_ACTIVE = 5;
/** The simulation knows the engine's time up to this. */
const TOLERANCE_MS = 5;

/**
 * States of a change: asked for ──the store has executed it──▶ stored ──acknowledged, or its run has ended──▶ settled
 *
 * - asked for: its secret signs nothing. Forgotten if it is refused, or if its run ends.
 * - stored: the secrets before it may sign, or those after it.
 * - settled: only the secrets after it sign.
 */
export class Secrets {
	readonly #asked = new Set<Change>();
	/** The secrets after each change that is not settled, in the order of the changes, after those before all of them. */
	#lists: { readonly by: Change | null; readonly secrets: readonly Secret[] }[];
	#given = 1;

	constructor(first: Uint8Array) {
		this.#lists = [{ by: null, secrets: [{ bytes: first, expires: null }] }];
	}

	/** How many secrets the webhook was ever given. */
	get given(): number {
		return this.#given;
	}

	ask(change: Change): Change {
		this.#given++;
		this.#asked.add(change);
		return change;
	}

	refused(change: Change): void {
		this.#asked.delete(change);
	}

	/** The store has a webhook with this hint at the time `now` of the engine. Does nothing if that is no change of it. */
	stored(hint: string, now: number): void {
		const change = this.#asked.values().find(({ bytes }) => secretHint(bytes) === hint);
		if (change === undefined) return;
		this.#asked.delete(change);
		const { askedAt, overlapMs, bytes } = change;
		const until = { from: askedAt + overlapMs, to: now + overlapMs };
		const known = overlapMs === 0 ? [] : (this.#lists.at(-1)?.secrets ?? []);
		const older = known
			.map((secret) => ({ ...secret, expires: earlier(secret.expires ?? until, until) }))
			.filter(({ expires }) => expires.to > askedAt)
			// One that may have expired before the change is gone then, also if the clock is set back.
			.map((secret) => (secret.expires.from > now ? secret : { ...secret, expires: { ...secret.expires, from: 0 } }))
			.slice(0, MAX_ACTIVE - 1);
		this.#lists.push({ by: change, secrets: [{ bytes, expires: null }, ...older] });
	}

	acknowledged(change: Change): void {
		const index = this.#lists.findIndex(({ by }) => by === change);
		if (index > 0) this.#lists.splice(0, index);
	}

	/**
	 * A run has ended. If it was the last one, the next one goes by what is stored. Otherwise nobody has told the others about its
	 * changes, which they find soon.
	 */
	runEnded(run: number, isLast: boolean): void {
		for (const change of this.#asked) if (change.run === run) this.#asked.delete(change);
		if (isLast) this.#lists.splice(0, this.#lists.length - 1);
	}

	/**
	 * "ok", or what is wrong with these signatures at the time `now` of the engine. `sign` makes the signature of a secret.
	 */
	check(signatures: readonly string[], now: number, sign: (secret: Uint8Array) => string): string {
		const results = this.#lists.map(({ secrets }) => compare(signatures, secrets, now, sign));
		return results.includes("ok") ? "ok" : (results.at(-1) ?? "there is no secret");
	}
}

function earlier(a: { from: number; to: number }, b: { from: number; to: number }) {
	return { from: Math.min(a.from, b.from), to: Math.min(a.to, b.to) };
}

/** Each secret that has not expired must have signed, the newest first, and nothing else. */
function compare(
	signatures: readonly string[],
	secrets: readonly Secret[],
	now: number,
	sign: (secret: Uint8Array) => string,
): string {
	let next = 0;
	for (const [age, { bytes, expires }] of secrets.entries()) {
		const name = age === 0 ? "the newest secret" : `secret ${age + 1} from the newest`;
		const hasSigned = signatures[next] === sign(bytes);
		if (hasSigned) next++;
		if (hasSigned && expires !== null && now > expires.to + TOLERANCE_MS) {
			return `${name} has signed at ${now}, and its overlap ended at ${expires.to}`;
		}
		if (!hasSigned && (expires === null || now < expires.from - TOLERANCE_MS))
			return `${name} has not signed at ${now}`;
	}
	return next === signatures.length ? "ok" : `${signatures.length - next} signatures are of no secret that signs`;
}
