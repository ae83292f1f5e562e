// Reads event types by their names: those that are wanted at about the same time with one call, and a project's calls one after the other.
import type { EventType } from "../../core/event-type.ts";

export type ReadNamed = (projectId: string, names: readonly string[]) => Promise<readonly (EventType | null)[]>;

/** Names in one call. An event type has 128 KiB at most. */
const MAX_NAMES = 64;

interface Wanted {
	readonly name: string;
	readonly resolve: (found: EventType | null) => void;
	readonly reject: (error: unknown) => void;
}

/**
 * A project has one call under way, so a batch of a thousand unknown types has no more calls in the store's way than one event.
 *
 * @example
 * const types = new NamedTypes((projectId, names) => store.eventTypesByName(projectId, names));
 * const eventType = await types.read(projectId, "order.paid");
 */
export class NamedTypes {
	readonly #read: ReadNamed;
	/** By project, as long as a call is under way or about to be. */
	readonly #wanted = new Map<string, Wanted[]>();

	constructor(read: ReadNamed) {
		this.#read = read;
	}

	/** Reads what is in the store at this time or later; null if the project has no such event type. */
	read(projectId: string, name: string): Promise<EventType | null> {
		const { promise, resolve, reject } = Promise.withResolvers<EventType | null>();
		const wanted = this.#wanted.get(projectId);
		if (wanted === undefined) {
			const first = [{ name, resolve, reject }];
			this.#wanted.set(projectId, first);
			void this.#readAll(projectId, first);
		} else {
			wanted.push({ name, resolve, reject });
		}
		return promise;
	}

	/** Never rejects. */
	async #readAll(projectId: string, wanted: Wanted[]): Promise<void> {
		// The others of a batch are asked for meanwhile.
		await Promise.resolve();
		for (let next = wanted.splice(0, MAX_NAMES); next.length > 0; next = wanted.splice(0, MAX_NAMES)) {
			try {
				const names = next.map(({ name }) => name);
				// oxlint-disable-next-line no-await-in-loop -- one after the other
				const found = await this.#read(projectId, names);
				for (const [index, { resolve }] of next.entries()) resolve(found[index] ?? null);
			} catch (error) {
				for (const { reject } of next) reject(error);
			}
		}
		this.#wanted.delete(projectId);
	}
}
