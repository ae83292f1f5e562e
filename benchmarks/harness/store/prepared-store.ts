// Prepares data directories with a history: the server creates them, and its store fills them.
import type { StoreWriterCalls } from "../../children/store-writer.ts";
import { Child } from "../process/child.ts";
import type { Resources } from "../process/resources.ts";
import { BenchServer, WITH_CUSTOMERS } from "../server/bench-server.ts";
import type { Receiver } from "../server/receiver.ts";
import { makeProject } from "../server/webhook-plan.ts";
import { customerOfWebhook } from "./log-rows.ts";
import { copyStore, databaseOf, syncFile, type BasePlan, type PreparedStore, type StorePlan } from "./store-copy.ts";

export interface PrepareOptions {
	readonly resources: Resources;
	readonly codeDir: string;
	readonly parentDir: string;
	readonly receiver: Receiver;
	readonly progress: (text: string) => void;
}

/** Makes each store once, and once each base: a project with webhooks, from which stores with different rows are made. */
export class PreparedStores {
	readonly #options: PrepareOptions;
	readonly #bases = new Map<string, Promise<PreparedStore>>();
	readonly #stores = new Map<string, Promise<PreparedStore>>();

	constructor(options: PrepareOptions) {
		this.#options = options;
	}

	get(plan: StorePlan): Promise<PreparedStore> {
		return once(this.#stores, plan, () => this.#make(plan));
	}

	async #make(plan: StorePlan): Promise<PreparedStore> {
		const { parentDir, progress } = this.#options;
		const { webhooks, wants, numbered = false, labelled = false, ratePerS, deliveries } = plan;
		progress(`  preparing a store: ${webhooks} webhooks, ${deliveries} deliveries`);
		const basePlan: BasePlan = { webhooks, wants, numbered, labelled, ratePerS };
		const base = await once(this.#bases, basePlan, () => makeBase(basePlan, this.#options));
		if (deliveries === 0) return base;
		const store = { ...base, dataDir: copyStore(base, parentDir) };
		await fill(store, plan, this.#options);
		syncFile(databaseOf(store.dataDir));
		return store;
	}
}

function once<T>(known: Map<string, Promise<T>>, plan: object, make: () => Promise<T>): Promise<T> {
	const key = JSON.stringify(plan);
	const made = known.get(key) ?? make();
	known.set(key, made);
	return made;
}

async function makeBase(plan: BasePlan, options: PrepareOptions): Promise<PreparedStore> {
	const { resources, codeDir, parentDir, receiver } = options;
	// Each webhook is a commit of its own: many of them would wait for the disk for minutes.
	const { webhooks: count, wants, labelled = false, ratePerS } = plan;
	const start = { resources, codeDir, parentDir, profileDir: null, inMemory: true };
	await using server = await BenchServer.start({ ...start, settings: labelled ? WITH_CUSTOMERS : {} });
	const endpoint = plan.numbered === true ? receiver.url : receiver.bulkUrl;
	const customerOf = labelled ? customerOfWebhook : () => null;
	const made = await makeProject(server.client, { count, endpoint: () => endpoint, customerOf, wants, ratePerS });
	await server.stop();
	return { ...made, dataDir: copyStore(server, parentDir), key: server.key };
}

async function fill({ dataDir, projectId, webhookIds }: PreparedStore, plan: StorePlan, options: PrepareOptions) {
	const { resources, codeDir } = options;
	await using writer = await Child.start<StoreWriterCalls>("store-writer", resources);
	await writer.call("fill", { codeDir, path: databaseOf(dataDir), project: { projectId, webhookIds }, plan });
}
