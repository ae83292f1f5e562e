// Deliveries in `open` whose events have dates in the future, since the clock of an earlier process was ahead. They are due nevertheless.
// They are known in memory only: each start finds them again.

/** A webhook's open deliveries up to a number are due at a time, if their events' dates are later. */
export interface PulledInNote {
	readonly webhook: number;
	readonly upTo: number;
	readonly at: number;
}

/** By webhook: deliveries up to a number are due at a time, if their events' dates are later. */
export class PulledIn {
	readonly #webhooks = new Map<number, { readonly upTo: number; readonly at: number }>();

	readonly #onAdded: (note: PulledInNote) => void;

	/** Others that show the deliveries can be told by `onAdded`. */
	constructor(onAdded: (note: PulledInNote) => void = () => {}) {
		this.#onAdded = onAdded;
	}

	/** Makes the open deliveries of a webhook up to `upTo` due at `at` at the latest. */
	add(note: PulledInNote): void {
		this.#webhooks.set(note.webhook, note);
		this.#onAdded(note);
	}

	/** Up to which number deliveries of a webhook are due by `now` already, whatever their dates; 0 if none are. */
	upTo(webhook: number, now: number): number {
		const pulledIn = this.#webhooks.get(webhook);
		return pulledIn === undefined || pulledIn.at > now ? 0 : pulledIn.upTo;
	}

	/** When an open delivery is due. */
	dueAt(webhook: number, seq: number, eventDate: number): number {
		const pulledIn = this.#webhooks.get(webhook);
		return pulledIn === undefined || seq > pulledIn.upTo ? eventDate : Math.min(eventDate, pulledIn.at);
	}
}
