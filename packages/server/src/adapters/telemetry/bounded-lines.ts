// Bounds the log lines that callers can bring about at will, so that nobody fills the disk with them.
import { networkOf } from "../../core/access/client-network.ts";
import type { Clock } from "../../core/clock.ts";
import { TokenBuckets } from "../../core/policies/token-buckets.ts";
import type { RequestLine } from "../../ports/log.ts";

/** Lines a second of each owner, and of all owners of a kind together, on average. */
const OF_OWNER_PER_SECOND = 10;
const OF_KIND_PER_SECOND = 50;
/** The lines of this many seconds may be written at once. */
const BURST_S = 10;
/** How often it is said how many lines were left out. */
const REPORT_EVERY_MS = 10_000;
/** Owners that are counted by themselves until the next report. About 0.2 KB each. */
const MAX_OWNERS = 1_000;
/** Owners that a report names. */
const MAX_NAMED = 5;

/** Whose lines are counted together. */
type Owner = Readonly<Pick<RequestLine, "keyId"> | Pick<RequestLine, "portalSessionId" | "clientAddress">>;

/** What was left out of one owner's lines. */
export type LeftOut = Owner & { readonly lines: number; readonly code: string | null };

/** Lines that were left out since the last report. */
export interface LeftOutReport {
	readonly lines: number;
	/** Those of whom most lines were left out, with the error code of the last one. */
	readonly most: readonly LeftOut[];
}

interface Counted {
	readonly owner: Owner;
	lines: number;
	code: string | null;
}

/**
 * Lines of what keys do are all written, unless it fails or is refused. Those of failures and refusals, and all lines of portal sessions and of
 * callers without a key, are written up to a rate: for each key, each session, and each address (of IPv6, each network of 64 bits), and for all
 * of a kind together. Of the rest, the number is reported.
 */
export class BoundedLines {
	readonly #clock: Pick<Clock, "monotonicMs" | "after">;
	readonly #report: (report: LeftOutReport) => void;
	readonly #ofOwner: TokenBuckets;
	readonly #ofKind: TokenBuckets;
	readonly #leftOut = new Map<string, Counted>();
	#lines = 0;
	#cancelReport = (): void => {};

	constructor(clock: Pick<Clock, "monotonicMs" | "after">, report: (report: LeftOutReport) => void) {
		this.#clock = clock;
		this.#report = report;
		this.#ofOwner = new TokenBuckets(clock, BURST_S);
		this.#ofKind = new TokenBuckets(clock, BURST_S);
	}

	/** Whether this line is to be written. If not, it is counted. */
	admits(line: RequestLine): boolean {
		const { keyId, portalSessionId, clientAddress, code } = line;
		if (keyId !== null) {
			return code === null || this.#take("key", keyId, { keyId }, code);
		}
		const owner = { portalSessionId, clientAddress };
		if (portalSessionId !== null) return this.#take("session", portalSessionId, owner, code);
		return this.#take("address", networkOf(clientAddress), owner, code);
	}

	/** Reports what has not been reported yet. */
	close(): void {
		this.#cancelReport();
		this.#reportNow();
	}

	#take(kind: string, name: string, owner: Owner, code: string | null): boolean {
		const id = `${kind} ${name}`;
		const mayWrite =
			this.#ofOwner.take(id, 1, OF_OWNER_PER_SECOND) === 0 && this.#ofKind.take(kind, 1, OF_KIND_PER_SECOND) === 0;
		if (!mayWrite) this.#count(id, owner, code);
		return mayWrite;
	}

	#count(id: string, owner: Owner, code: string | null): void {
		if (this.#lines === 0) this.#cancelReport = this.#clock.after(REPORT_EVERY_MS, () => this.#reportNow());
		this.#lines++;
		const counted = this.#leftOut.get(id);
		if (counted !== undefined) {
			counted.lines++;
			counted.code = code;
		} else if (this.#leftOut.size < MAX_OWNERS) this.#leftOut.set(id, { owner, lines: 1, code });
	}

	#reportNow(): void {
		if (this.#lines === 0) return;
		const most = [...this.#leftOut.values()].toSorted((a, b) => b.lines - a.lines).slice(0, MAX_NAMED);
		const lines = this.#lines;
		this.#lines = 0;
		this.#leftOut.clear();
		this.#report({ lines, most: most.map(({ owner, ...counted }) => ({ ...owner, ...counted })) });
	}
}
