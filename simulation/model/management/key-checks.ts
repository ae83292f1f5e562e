// API keys: which of them must be accepted, and which must be refused.
import type { KeyScope } from "../../../packages/server/src/core/access/key.ts";
import type { Engine } from "../../../packages/server/src/engine/calls.ts";
import type { World } from "../../world/world.ts";
import type { ProjectModel } from "../book.ts";

/** A key whose creation was acknowledged: nobody knows the others. */
export interface KeyModel {
	readonly id: string;
	readonly secretKey: string;
	readonly scope: KeyScope;
	/** Null for the whole workspace. */
	readonly project: ProjectModel | null;
	/** Its deletion was asked for, or is done. */
	deleteIssued: boolean;
	deleted: boolean;
}

const PAGE = { limit: 1_000, cursor: null };
const NO_KEY = `sk_${"a".repeat(43)}`;

export class KeyChecks {
	readonly #world: World;
	readonly #keys: KeyModel[] = [];

	constructor(world: World) {
		this.#world = world;
	}

	/** Keys that nobody has asked to delete, in the order of their creation. */
	get live(): KeyModel[] {
		return this.#keys.filter(({ deleteIssued, project }) => !deleteIssued && project?.deleteIssued !== true);
	}

	add(key: Omit<KeyModel, "deleteIssued" | "deleted">): KeyModel {
		const model = { ...key, deleteIssued: false, deleted: false };
		this.#keys.push(model);
		return model;
	}

	/** Every key is accepted from its creation to its deletion, and never after. */
	check(engine: Engine): void {
		for (const key of this.#keys) this.checkOne(engine, key);
		if (engine.keys.authenticate(NO_KEY) !== null) this.#world.breach("keys", "a made-up key was accepted");
	}

	checkOne(engine: Engine, { id, secretKey, scope, project, deleteIssued, deleted }: KeyModel): void {
		const known = engine.keys.authenticate(secretKey)?.key;
		if (known === undefined) {
			if (!deleteIssued && project?.deleteIssued !== true) this.#world.breach("keys", `${id} is refused`);
			return;
		}
		if (deleted || project?.deleted === true) this.#world.breach("keys", `${id} was deleted, and is accepted`);
		const isSame = known.id === id && known.scope === scope && known.projectId === (project?.id ?? null);
		if (!isSame) this.#world.breach("keys", `${id} is accepted as ${known.id}, with other rights`);
	}

	/** A run has ended. A deletion that was lost with it may have been executed or not: the store knows. */
	async runEnded(): Promise<void> {
		const stored = new Set((await this.#world.store.keys()).map(({ id }) => id));
		for (const key of this.#keys) {
			const isStored = stored.has(key.id);
			if (!isStored && !key.deleteIssued && key.project?.deleteIssued !== true) {
				this.#world.breach("keys", `${key.id} was acknowledged, and is not stored`);
			}
			if (isStored && key.deleted) this.#world.breach("keys", `${key.id} was deleted, and is still stored`);
			key.deleteIssued ||= !isStored;
			if (isStored && !key.deleted) key.deleteIssued = false;
			key.deleted = !isStored;
		}
	}

	/** The store has executed a deletion. One admin key of the workspace must be left. */
	async keyGone(): Promise<void> {
		const keys = await this.#world.store.keys();
		if (!keys.some(({ projectId, scope }) => projectId === null && scope === "admin")) {
			this.#world.breach("keys", "no key administers the workspace any more");
		}
	}

	/** While nothing is under way, the list has exactly the keys that are stored. */
	async checkList(engine: Engine): Promise<void> {
		const stored = (await this.#world.store.keys()).map(({ id }) => id).sort();
		const listed = engine.keys.list(PAGE).rows.map(({ id }) => id);
		if (listed.toSorted().join() !== stored.join()) {
			this.#world.breach("keys", `[${listed.join()}] are listed, and [${stored.join()}] are stored`);
		}
	}
}
