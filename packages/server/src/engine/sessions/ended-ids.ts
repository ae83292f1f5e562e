// Which sessions end while a copy of their row is on its way into memory.

/**
 * A row that was read or written may have ended in another process before it is put into memory, where nobody would end it again. So
 * whoever reads or writes rows watches meanwhile, and leaves out what has ended.
 *
 * @example
 * using meanwhile = ended.watch();
 * await store.insertSession(session, options);
 * if (!meanwhile.ids.has(session.id)) table.add(session);
 */
export class EndedIds {
	readonly #watching = new Set<Set<string>>();

	/** Collects the ids of all that end from now on. */
	watch(): Disposable & { readonly ids: ReadonlySet<string> } {
		const ids = new Set<string>();
		this.#watching.add(ids);
		return { ids, [Symbol.dispose]: () => void this.#watching.delete(ids) };
	}

	note(ids: readonly string[]): void {
		for (const collected of this.#watching) for (const id of ids) collected.add(id);
	}
}
