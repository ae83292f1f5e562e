// Notes the steps of opening a connection, for the attempt that it is opened for.
import type { Clock } from "../../../core/clock.ts";
import type { AttemptConnection } from "../../../core/delivery.ts";

/** The steps: look-up, connection, TLS. Each method is called when a step has ended. */
export class OpeningLog {
	readonly #clock: Clock;
	/** When the current step began. */
	#since: number;
	#lookupMs: number | null = null;
	#connectMs: number | null = null;
	#tlsMs: number | null = null;
	#certificateExpireDate: number | null = null;
	/** The address that was connected to, or that could not be. */
	address: string | null = null;

	constructor(clock: Clock) {
		this.#clock = clock;
		this.#since = clock.monotonicMs();
	}

	/** Its turn has come: what it has waited for others is not counted. */
	begin(): void {
		this.#since = this.#clock.monotonicMs();
	}

	/** `isName` says whether there was anything to look up. */
	lookedUp(isName: boolean): void {
		const ms = this.#step();
		if (isName) this.#lookupMs = ms;
	}

	connected(address?: string): void {
		this.#connectMs = this.#step();
		this.address ??= address ?? null;
	}

	/** The TLS handshake has ended. */
	secured(certificateExpireDate: number | null): void {
		this.#tlsMs = this.#step();
		this.#certificateExpireDate = certificateExpireDate;
	}

	/** `maySee` says whether an address may be shown to the project. */
	facts(maySee: (ip: string) => boolean): AttemptConnection {
		const { address } = this;
		return {
			remoteAddress: address !== null && maySee(address) ? address : null,
			certificateExpireDate: this.#certificateExpireDate,
			opening: { lookupMs: this.#lookupMs, connectMs: this.#connectMs, tlsMs: this.#tlsMs },
		};
	}

	/** How long the step took, in whole ms. The next one begins. */
	#step(): number {
		const now = this.#clock.monotonicMs();
		const ms = Math.round(now - this.#since);
		this.#since = now;
		return ms;
	}
}
