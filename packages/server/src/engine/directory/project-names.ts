// What the directory keeps by project and name: which event types are internal, and which customers are being deleted.
import type { CustomerStore } from "../../ports/store/customers.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";

/** A set of names for each project. */
class NamesByProject {
	readonly #names = new Map<string, Set<string>>();

	has(projectId: string, name: string): boolean {
		return this.#names.get(projectId)?.has(name) === true;
	}

	/** Notes whether a name is in the set now. */
	set(projectId: string, name: string, isIn: boolean): void {
		const known = this.#names.get(projectId);
		if (isIn && known === undefined) this.#names.set(projectId, new Set([name]));
		else if (isIn) known?.add(name);
		else if (known?.delete(name) === true && known.size === 0) this.#names.delete(projectId);
	}

	/** Replaces the names of a project. */
	replace(projectId: string, names: Iterable<string>): void {
		this.#names.delete(projectId);
		for (const name of names) this.set(projectId, name, true);
	}
}

/** The part of the store that has the names. */
export type NameStore = Pick<DirectoryStore, "internalEventTypes"> & Pick<CustomerStore, "deletingCustomers">;

export class ProjectNames {
	/** Event types, at most 1,000 for each project: no customer gets or sees their events. */
	readonly internalTypes = new NamesByProject();
	readonly deletingCustomers = new NamesByProject();

	/** Reads the names of all projects. */
	async load(store: NameStore): Promise<void> {
		for (const { projectId, name } of await store.internalEventTypes(null)) {
			this.internalTypes.set(projectId, name, true);
		}
		for (const { projectId, customerId } of await store.deletingCustomers(null)) {
			this.deletingCustomers.set(projectId, customerId, true);
		}
	}

	/** Reads the names of a project anew. Call the result to replace what is known. */
	async read(store: NameStore, projectId: string): Promise<() => void> {
		const types = await store.internalEventTypes(projectId);
		const customers = await store.deletingCustomers(projectId);
		return () => {
			this.internalTypes.replace(
				projectId,
				types.map(({ name }) => name),
			);
			this.deletingCustomers.replace(
				projectId,
				customers.map(({ customerId }) => customerId),
			);
		};
	}

	/** Forgets the names of a project. */
	drop(projectId: string): void {
		this.internalTypes.replace(projectId, []);
		this.deletingCustomers.replace(projectId, []);
	}
}
