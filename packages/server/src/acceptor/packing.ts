// Packs plain sends and their responses for their way between threads: all values of a group in one array, all bodies in one buffer.
//
// Each pair of functions writes and reads the same values in the same order; packing.test.ts packs and unpacks every field.
import type { ReadSend } from "../api/request/lean/lean-path.ts";
import { ValueReader, ValueWriter } from "../core/concurrency/record-values.ts";
import type { SendGroup } from "./messages.ts";

/** A response whose body is text. */
export interface TextResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** Packs the sends of the thread, group by group. */
export class SendPacker {
	#writer = new ValueWriter();
	#bodies: Uint8Array[] = [];
	#bytes = 0;

	add(id: number, { path, remoteAddress, headers, body }: ReadSend): void {
		const writer = this.#writer;
		writer.begin();
		writer.put(id);
		writer.put(path);
		writer.put(remoteAddress ?? null);
		writer.put(body.length);
		writer.putMap(headers);
		this.#bodies.push(body);
		this.#bytes += body.length;
	}

	get isEmpty(): boolean {
		return this.#bodies.length === 0;
	}

	/** The group, whose `bodies` go to the main thread with it. The next group begins. */
	take(): SendGroup {
		const { values } = this.#writer;
		const bodies = new Uint8Array(this.#bytes);
		let at = 0;
		for (const body of this.#bodies) {
			bodies.set(body, at);
			at += body.length;
		}
		this.#writer = new ValueWriter();
		this.#bodies = [];
		this.#bytes = 0;
		return { kind: "sends", values, bodies: bodies.buffer };
	}
}

/** Calls `each` with the sends of a group. Their bodies are parts of one buffer. */
export function unpackSends({ values, bodies }: SendGroup, each: (id: number, send: ReadSend) => void): void {
	const reader = new ValueReader(values);
	let bodyAt = 0;
	while (reader.begin()) {
		const id = reader.take<number>();
		const path = reader.take<string>();
		const remoteAddress = reader.take<string | null>() ?? undefined;
		const length = reader.take<number>();
		const headers = reader.takeMap();
		const body = new Uint8Array(bodies, bodyAt, length);
		bodyAt += length;
		each(id, { path, remoteAddress, headers, body });
	}
}

/** Packs the responses for the thread, group by group. */
export class ResponsePacker {
	#writer = new ValueWriter();

	add(id: number, { status, headers, body }: TextResponse): void {
		const writer = this.#writer;
		writer.begin();
		writer.put(id);
		writer.put(status);
		writer.put(body);
		writer.putMap(headers);
	}

	/** The values of the group. The next group begins. */
	take(): readonly unknown[] {
		const { values } = this.#writer;
		this.#writer = new ValueWriter();
		return values;
	}
}

/** Calls `each` with the responses of a group. */
export function unpackResponses(values: readonly unknown[], each: (id: number, response: TextResponse) => void): void {
	const reader = new ValueReader(values);
	while (reader.begin()) {
		const id = reader.take<number>();
		each(id, { status: reader.take(), body: reader.take(), headers: reader.takeMap() });
	}
}
