// The audit log: which calls were made, and how many entries each of them must have.
import type { AuditDraft, AuditEntry } from "../../../packages/server/src/core/access/audit.ts";
import type { World } from "../../world/world.ts";
import type { ProjectModel } from "../book.ts";

/** A call that changes something. */
export interface ManagedCall<T> {
	/** Such as `webhook.update`. */
	readonly action: string;
	/** Null if it is about the whole workspace. */
	readonly project: ProjectModel | null;
	/** Null if the call makes the object; then `idOf` finds it in the result. */
	readonly objectId: string | null;
	readonly idOf?: (result: T) => string;
	/** Whether an acknowledged call has surely changed something. Defaults to true. */
	readonly hasChanged?: (result: T) => boolean;
	/** Whether an acknowledged call that has changed nothing has surely no entry. */
	readonly isExact?: boolean;
	/** Whether it may be refused although its change is made: because what it reads afterwards is gone, or may be outdated. */
	readonly readsAfterwards?: boolean;
}

/** A call and the number of its entries. */
interface Asked {
	readonly action: string;
	projectId: string | null;
	objectId: string | null;
	least: 0 | 1;
	most: 0 | 1;
}

/** Handles the answer of one call. If the call is lost with its run or left in doubt, its change was made with its entry, or not at all. */
export interface AuditedCall<T> {
	readonly draft: AuditDraft;
	answered(result: T): void;
	refused(): void;
}

const KEY_ID = "key_00000000-0000-7000-8000-000000000000";
const ANY_ENTRY = {
	customerId: null,
	keyId: null,
	projectId: null,
	objectId: null,
	action: null,
	after: null,
	before: null,
};
const PAGE = 1_000;

/** Calls of the store that make a change with an entry, and whether a result says that they have made it. */
const CHANGES: Readonly<Record<string, (result: unknown) => boolean>> = {
	insertProject: hasVersion,
	updateProject: isMade,
	deleteProject: isMade,
	insertKey: hasVersion,
	deleteKey: hasVersion,
	putEventType: hasVersion,
	deleteEventType: isMade,
	insertWebhook: hasVersion,
	updateWebhook: isMade,
	insertReplays: (result) => result === null,
	cancelReplay: (result) => result === true,
	erasePayload: (result) => (result as { readonly changed: boolean } | null)?.changed === true,
	beginCustomerDeletion: (result) =>
		typeof (result as { readonly version: number | null } | null)?.version === "number",
	endCustomerDeletion: hasVersion,
	insertAuditEntry: () => true,
};

/** What the server does by itself. */
const OF_SERVER = new Set(["webhook.disable", "customer.deleted"]);

export class AuditBook {
	readonly #world: World;
	readonly #asked = new Map<string, Asked>();
	/** What was last read, by id. */
	#entries = new Map<string, AuditEntry>();
	#countBefore = 0;
	#mayHaveGrown = false;

	constructor(world: World) {
		this.#world = world;
	}

	ask<T>(call: ManagedCall<T>): AuditedCall<T> {
		const { action, project, objectId, idOf, hasChanged, isExact, readsAfterwards } = call;
		const asked: Asked = { action, projectId: project?.id ?? null, objectId, least: 0, most: 1 };
		const requestId = `req_${this.#asked.size}`;
		this.#asked.set(requestId, asked);
		return {
			draft: {
				keyId: KEY_ID,
				customerId: null,
				sessionId: null,
				portalSessionId: null,
				actor: null,
				action,
				fields: [],
				requestId,
			},
			answered: (result) => {
				if (hasChanged?.(result) ?? true) asked.least = 1;
				else if (isExact === true) asked.most = 0;
				asked.objectId = idOf?.(result) ?? asked.objectId;
				if (action === "project.create") asked.projectId = asked.objectId;
			},
			refused: () => {
				if (readsAfterwards !== true) asked.most = 0;
			},
		};
	}

	/** Whether the log has an entry for a call. */
	async has({ requestId }: AuditDraft): Promise<boolean> {
		return (await this.#read()).some((entry) => entry.requestId === requestId);
	}

	async before(name: string): Promise<void> {
		if (name in CHANGES) this.#countBefore = (await this.#read()).length;
	}

	/** A change and its entry are one: the store has made both, or neither. */
	async after(name: string, result: unknown): Promise<void> {
		this.#mayHaveGrown ||= name in CHANGES || name === "commit";
		const isChange = CHANGES[name]?.(result);
		if (isChange === undefined) return;
		const added = (await this.#read()).length - this.#countBefore;
		if (added === Number(isChange)) return;
		this.#world.breach("audit", `${name} has ${isChange ? "made" : "not made"} its change, with ${added} entries`);
	}

	/** Compares the log with the calls. */
	async check(): Promise<void> {
		if (!this.#mayHaveGrown) return;
		this.#mayHaveGrown = false;
		const entries = await this.#read();
		this.#checkKept(entries);
		const counts = new Map<string, number>();
		for (const entry of entries) {
			const { requestId } = entry;
			if (requestId !== null && this.#asked.get(requestId)?.action === entry.action)
				counts.set(requestId, (counts.get(requestId) ?? 0) + 1);
			this.#checkEntry(entry);
		}
		for (const [requestId, { action, least, most }] of this.#asked) {
			const count = counts.get(requestId) ?? 0;
			if (count >= least && count <= most) continue;
			const outcome = least === 1 ? "acknowledged" : most === 0 ? "refused or has changed nothing" : "made once";
			this.#world.breach("audit", `${action} (${requestId}) was ${outcome}, and has ${count} entries`);
		}
	}

	/** Entries are kept for ever, as they are. */
	#checkKept(entries: readonly AuditEntry[]): void {
		const found = new Map(entries.map((entry) => [entry.id, entry]));
		for (const [id, entry] of this.#entries) {
			if (JSON.stringify(found.get(id)) !== JSON.stringify(entry)) {
				this.#world.breach("audit", `the entry ${id} of ${entry.action} was changed or deleted`);
			}
		}
		this.#entries = found;
	}

	#checkEntry({ id, action, keyId, projectId, objectId, requestId }: AuditEntry): void {
		if (requestId === null && keyId === null && OF_SERVER.has(action)) return;
		const asked = this.#asked.get(requestId ?? "");
		// The deletion of a customer goes on after its call, and deletes webhooks in its name.
		if (asked?.action === "customer.delete" && action === "webhook.delete" && asked.projectId === projectId) return;
		const isOfCall =
			keyId === KEY_ID &&
			asked?.action === action &&
			(asked.objectId === null || (asked.objectId === objectId && asked.projectId === projectId));
		if (!isOfCall) this.#world.breach("audit", `${id} says ${action} of ${objectId}, which is no call (${requestId})`);
	}

	async #read(): Promise<AuditEntry[]> {
		const { rows, hasOlder } = await this.#world.store.auditEntries(ANY_ENTRY, { limit: PAGE, cursor: null });
		if (hasOlder) throw new Error(`a history has more than ${PAGE} audit entries`);
		return [...rows];
	}
}

function hasVersion(result: unknown): boolean {
	return typeof result === "number";
}

function isMade(result: unknown): boolean {
	return result !== null;
}
