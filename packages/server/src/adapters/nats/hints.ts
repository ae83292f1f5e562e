// Hints: deliveries for one owner, many in a message, with each event and its body once.
//
// u32 length of the head | head as JSON | the bodies, one after the other
//
// A newer version may add properties to the head, and values to the ends of its entries: they are ignored here. For any other change, the
// version in seal.ts rises, and processes of both versions find each other's deliveries by looking.
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Place } from "../../ports/tenure.ts";

/** Bodies in one message. NATS allows 1 MiB by default, and a message is passed on as a whole. */
export const MAX_HINT_BYTES = 400_000;
/** Deliveries in one message. Each takes about 130 bytes, and each event up to 300 without its body: less than `MAX_HEAD_BYTES`. */
const MAX_DELIVERIES = 500;
export const MAX_HEAD_BYTES = 300_000;
const LENGTH_BYTES = 4;

/** What a hint says beside its deliveries. */
export interface HintHead {
	readonly from: string;
	/** Counts the hints from this sender to this receiver, from 1. */
	readonly number: number;
	/** The last beat of the receiver that the sender has heard. */
	readonly beat: number;
}

type EventEntry = [
	id: string,
	projectId: string,
	type: string,
	createDate: number,
	traceparent: string | null,
	bodyBytes: number,
];
type DeliveryEntry = [
	event: number,
	id: string,
	webhookId: string,
	epoch: number,
	leaseUntil: number,
	trigger: LeasedDelivery["trigger"],
	attemptCount: number,
];

interface Head extends HintHead {
	readonly events: readonly EventEntry[];
	readonly deliveries: readonly DeliveryEntry[];
}

/** Deliveries that gather for a message. */
export class Pack {
	readonly #events: EventEntry[] = [];
	readonly #indexes = new Map<string, number>();
	readonly #bodies: Uint8Array[] = [];
	readonly #deliveries: DeliveryEntry[] = [];
	#bytes = 0;

	get deliveries(): number {
		return this.#deliveries.length;
	}

	/** Whether this delivery must go into another message, of which each has bodies of up to `maxBytes`. */
	isTooFullFor({ eventId, body }: LeasedDelivery, maxBytes: number): boolean {
		if (this.#deliveries.length >= MAX_DELIVERIES) return true;
		return this.#bytes > 0 && !this.#indexes.has(eventId) && this.#bytes + body.length > maxBytes;
	}

	add(epoch: number, delivery: LeasedDelivery): void {
		const { id, webhookId, leaseUntil, trigger, attemptCount } = delivery;
		this.#deliveries.push([this.#event(delivery), id, webhookId, epoch, leaseUntil, trigger, attemptCount]);
	}

	#event({ eventId, projectId, eventType, createDate, traceparent, body }: LeasedDelivery): number {
		const known = this.#indexes.get(eventId);
		if (known !== undefined) return known;
		const index = this.#events.push([eventId, projectId, eventType, createDate, traceparent, body.length]) - 1;
		this.#indexes.set(eventId, index);
		this.#bodies.push(body);
		this.#bytes += body.length;
		return index;
	}

	/** The parts of the message. */
	parts(about: HintHead): Uint8Array[] {
		const head: Head = { ...about, events: this.#events, deliveries: this.#deliveries };
		const text = Buffer.from(JSON.stringify(head));
		const length = Buffer.allocUnsafe(LENGTH_BYTES);
		length.writeUInt32BE(text.length);
		return [length, text, ...this.#bodies];
	}
}

/** A hint as it has come. */
export interface Hint extends HintHead {
	readonly handOffs: readonly { readonly place: Place; readonly delivery: LeasedDelivery }[];
}

/** Reads a hint for the member `to`. Throws if it is not one. */
export function readHint(to: string, content: Buffer): Hint {
	const headEnd = LENGTH_BYTES + content.readUInt32BE(0);
	const head = JSON.parse(content.toString("utf8", LENGTH_BYTES, headEnd)) as Head;
	const { from, number, beat } = head;
	let bodyAt = headEnd;
	const events = head.events.map(([eventId, projectId, eventType, createDate, traceparent, bodyBytes]) => {
		if (bodyAt + bodyBytes > content.length) throw new Error("a hint is shorter than its bodies");
		// A copy: what is kept must not keep the whole message.
		const body = new Uint8Array(content.subarray(bodyAt, bodyAt + bodyBytes));
		bodyAt += bodyBytes;
		return { eventId, projectId, eventType, createDate, traceparent, body };
	});
	const handOffs = head.deliveries.map(([index, id, webhookId, epoch, leaseUntil, trigger, attemptCount]) => {
		const event = events[index];
		if (event === undefined) throw new Error("a hint lacks the event of a delivery");
		return {
			place: { member: to, epoch },
			delivery: { id, webhookId, leaseUntil, trigger, attemptCount, ...event },
		};
	});
	return { from, number, beat, handOffs };
}
