// Packs requests and outcomes for their way between threads: all values of a batch in one array, all small bodies in one buffer. A value that
// is the same as in the record before is not repeated: most requests of a batch have the same headers and go to few webhooks.
//
// Each pair of functions writes and reads the same values in the same order; packing.test.ts packs and unpacks every field.
import { ValueReader, ValueWriter } from "../../../core/concurrency/record-values.ts";
import type { AttemptConnection } from "../../../core/delivery.ts";
import type { AttemptOutcome, AttemptRequest, AttemptResponse } from "../../../ports/sender.ts";
import type { KeptBody, RequestBatch } from "./messages.ts";

/** Larger bodies are sent once to a thread and kept there while attempts with them are under way, so that a fan-out has no copy of each. */
const MAX_SMALL_BYTES = 4_096;

/** Packs the requests for one thread, batch by batch. */
export class RequestPacker {
	#writer = new ValueWriter();
	#small: Uint8Array[] = [];
	#smallBytes = 0;
	#kept: KeptBody[] = [];
	#dropped: number[] = [];
	/** Large bodies of attempts under way, which the thread has or gets with this batch. */
	readonly #bodies = new Map<Uint8Array, { readonly id: number; uses: number }>();
	#lastId = 0;

	/** Adds a request to the batch. `end` must be called with its body when its outcome is known. */
	add(id: number, { projectId, customerId, url, headers, body, timeoutMs, signal }: AttemptRequest): void {
		const writer = this.#writer;
		writer.begin();
		writer.put(id);
		writer.put(projectId);
		writer.put(customerId ?? null);
		writer.put(url);
		writer.put(timeoutMs);
		writer.put(signal !== undefined);
		if (body.length > MAX_SMALL_BYTES) {
			writer.put(-this.#keep(body));
		} else {
			writer.put(body.length);
			this.#small.push(body);
			this.#smallBytes += body.length;
		}
		writer.putMap(headers);
	}

	/** An attempt with this body has ended. True if the thread should be told to drop the body. */
	end(body: Uint8Array): boolean {
		const kept = body.length > MAX_SMALL_BYTES ? this.#bodies.get(body) : undefined;
		if (kept === undefined || (kept.uses -= 1) > 0) return false;
		this.#bodies.delete(body);
		this.#dropped.push(kept.id);
		return true;
	}

	/** The batch, and the memory that goes to the thread with it. The next batch begins. Null if there is nothing to send. */
	take(): { readonly batch: RequestBatch; readonly transferred: ArrayBuffer[] } | null {
		const { values } = this.#writer;
		if (values.length === 0 && this.#dropped.length === 0) return null;
		const bodies = joined(this.#small, this.#smallBytes);
		const kept = this.#kept;
		const batch: RequestBatch = { kind: "requests", values, bodies, kept, dropped: this.#dropped };
		this.#writer = new ValueWriter();
		this.#small = [];
		this.#smallBytes = 0;
		this.#kept = [];
		this.#dropped = [];
		return { batch, transferred: [bodies, ...kept.map(({ bytes }) => bytes)] };
	}

	#keep(body: Uint8Array): number {
		const known = this.#bodies.get(body);
		if (known !== undefined) {
			known.uses += 1;
			return known.id;
		}
		const id = ++this.#lastId;
		this.#bodies.set(body, { id, uses: 1 });
		this.#kept.push({ id, bytes: new Uint8Array(body).buffer });
		return id;
	}
}

/** A request as its thread gets it. */
export interface UnpackedRequest {
	readonly id: number;
	readonly request: AttemptRequest;
	/** Whether a `cancel` may come for it. */
	readonly hasSignal: boolean;
}

/** Unpacks the batches of requests for one thread. */
export class RequestUnpacker {
	readonly #kept = new Map<number, Uint8Array>();

	unpack({ values, bodies, kept, dropped }: RequestBatch): UnpackedRequest[] {
		for (const id of dropped) this.#kept.delete(id);
		for (const { id, bytes } of kept) this.#kept.set(id, new Uint8Array(bytes));
		const reader = new ValueReader(values);
		const requests: UnpackedRequest[] = [];
		let bodyAt = 0;
		while (reader.begin()) {
			const id = reader.take<number>();
			const projectId = reader.take<string>();
			const customerId = reader.take<string | null>();
			const url = reader.take<string>();
			const timeoutMs = reader.take<number>();
			const hasSignal = reader.take<boolean>();
			const length = reader.take<number>();
			// A copy: an attempt that takes long must not keep the bodies of the whole batch in memory.
			const body = length < 0 ? this.#keptBody(-length) : new Uint8Array(bodies, bodyAt, length).slice();
			if (length > 0) bodyAt += length;
			const headers = reader.takeMap();
			requests.push({ id, hasSignal, request: { projectId, customerId, url, timeoutMs, headers, body } });
		}
		return requests;
	}

	#keptBody(id: number): Uint8Array {
		const body = this.#kept.get(id);
		if (body === undefined) throw new RangeError(`the thread has no body ${id}`);
		return body;
	}
}

/** Packs outcomes, batch by batch. */
export class OutcomePacker {
	#writer = new ValueWriter();

	/** Adds an outcome to the batch. */
	add(id: number, outcome: AttemptOutcome): void {
		const writer = this.#writer;
		writer.begin();
		writer.put(id);
		writer.put(outcome.responseCode);
		writer.put(outcome.error);
		writer.put(outcome.reason);
		writer.put(outcome.detail);
		writer.put(outcome.cause);
		writer.put(outcome.durationMs);
		writer.put(outcome.firstByteMs);
		putConnection(writer, outcome.connection);
		putResponse(writer, outcome.response);
	}

	/** The values of the batch; none if it is empty. The next batch begins. */
	take(): readonly unknown[] {
		const { values } = this.#writer;
		if (values.length > 0) this.#writer = new ValueWriter();
		return values;
	}
}

/** Calls `each` with the outcomes of a batch. */
export function unpackOutcomes(values: readonly unknown[], each: (id: number, outcome: AttemptOutcome) => void): void {
	const reader = new ValueReader(values);
	while (reader.begin()) {
		const id = reader.take<number>();
		each(id, {
			responseCode: reader.take(),
			error: reader.take(),
			reason: reader.take(),
			detail: reader.take(),
			cause: reader.take(),
			durationMs: reader.take(),
			firstByteMs: reader.take(),
			connection: takeConnection(reader),
			response: takeResponse(reader),
		});
	}
}

function putConnection(writer: ValueWriter, connection: AttemptConnection | null): void {
	writer.put(connection !== null);
	if (connection === null) return;
	const { remoteAddress, certificateExpireDate, opening } = connection;
	writer.put(remoteAddress);
	writer.put(certificateExpireDate);
	writer.put(opening !== null);
	if (opening === null) return;
	writer.put(opening.lookupMs);
	writer.put(opening.connectMs);
	writer.put(opening.tlsMs);
}

function takeConnection(reader: ValueReader): AttemptConnection | null {
	if (!reader.take<boolean>()) return null;
	return {
		remoteAddress: reader.take(),
		certificateExpireDate: reader.take(),
		opening: reader.take<boolean>()
			? { lookupMs: reader.take(), connectMs: reader.take(), tlsMs: reader.take() }
			: null,
	};
}

function putResponse(writer: ValueWriter, response: AttemptResponse | null): void {
	writer.put(response !== null);
	if (response === null) return;
	writer.putMap(response.headers);
	writer.put(response.body);
	writer.put(response.bodyTruncated);
}

function takeResponse(reader: ValueReader): AttemptResponse | null {
	if (!reader.take<boolean>()) return null;
	return { headers: reader.takeMap(), body: reader.take(), bodyTruncated: reader.take() };
}

function joined(parts: readonly Uint8Array[], bytes: number): ArrayBuffer {
	const all = new Uint8Array(bytes);
	let at = 0;
	for (const part of parts) {
		all.set(part, at);
		at += part.length;
	}
	return all.buffer;
}
